package db

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxTries bounds how often a transaction is run when its neighbours get in the way.
const maxTries = 4

// tx is a transaction under way, found in the context.
type tx struct {
	db      *DB
	querier querier
	after   *[]func()
	lite    bool
	over    atomic.Bool // it was committed or undone
}

// txKey finds the transaction of one database in a context: two databases in one
// process (a test with both programs) do not meet.
type txKey struct{ db *DB }

func (d *DB) inTx(ctx context.Context) *tx {
	t, _ := ctx.Value(txKey{d}).(*tx)
	return t
}

// InTx tells whether ctx carries a transaction of this database.
func (d *DB) InTx(ctx context.Context) bool { return d.inTx(ctx) != nil }

// ctx gives the context for one statement of the transaction. A SQLite transaction
// may share its commit with others, so one caller's cancellation must not undo it.
func (t *tx) ctx(ctx context.Context) context.Context {
	if t.lite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Tx runs do in a transaction that the context given to do carries: every statement
// with that context belongs to it. It commits when do gives nil and ctx has not ended,
// and undoes everything otherwise. Inside another Tx it joins that one, and only the
// outermost commits: an error of an inner one has to be passed on.
//
// do is pure database work: no network, no mail, no waiting. It may be run again
// when its neighbours get in the way, so it must set what it gives back afresh.
// Inside do use the context that do got; on SQLite the outer one waits for the
// transaction that waits for it, until that is given up as fault.Busy. After a
// statement failed, do must give up too: PostgreSQL runs no other. On SQLite a caller who
// goes away while it waits is noticed when its turn comes, or at the end of its deadline.
func (d *DB) Tx(ctx context.Context, do func(ctx context.Context) error) error {
	if t := d.inTx(ctx); t != nil {
		if t.over.Load() {
			return errOver
		}
		return do(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.writer != nil {
		return translate(d.writer.tx(ctx, d, job{do: do}))
	}
	return d.bounded(ctx, func(ctx context.Context) error {
		return retry(ctx, func() error { return d.txPostgres(ctx, do) })
	})
}

// answerFor bounds a statement or transaction on PostgreSQL whose context has no
// deadline of its own: a server or network that went away says nothing (F-14).
const answerFor = 30 * time.Second

// bounded runs do with a deadline. When it passes, the error is fault.Busy.
func (d *DB) bounded(ctx context.Context, do func(context.Context) error) error {
	if _, has := ctx.Deadline(); has || d.SQLite() {
		return do(ctx)
	}
	inner, cancel := context.WithTimeout(ctx, answerFor)
	defer cancel()
	err := do(inner)
	if err != nil && inner.Err() != nil && ctx.Err() == nil {
		return busy(err)
	}
	return err
}

// retry runs do again while only its neighbours were in the way.
func retry(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == maxTries || !again(err) {
			return translate(err)
		}
		pause := time.Duration(rand.IntN(10*try)+1) * time.Millisecond
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// AfterCommit runs then once the transaction in ctx is durable, and never when it
// is undone; outside of a transaction, or when it is over, at once. It is for waking a worker.
func (d *DB) AfterCommit(ctx context.Context, then func()) {
	if t := d.inTx(ctx); t != nil && !t.over.Load() {
		*t.after = append(*t.after, then)
		return
	}
	then()
}

func (d *DB) txPostgres(ctx context.Context, do func(context.Context) error) error {
	on, err := d.pool.Begin(ctx)
	if err != nil {
		return err
	}
	var after []func()
	t := &tx{db: d, querier: session{on}, after: &after}
	committed := false
	defer func() {
		t.over.Store(true)
		if !committed {
			undo(ctx, on)
		}
	}()
	if err := do(context.WithValue(ctx, txKey{d}, t)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // pgx would give up the connection over it
		return err
	}
	if err := on.Commit(ctx); err != nil {
		return err
	}
	committed = true
	for _, then := range after {
		then()
	}
	return nil
}

// undo ends a transaction that came to nothing, also when its caller is gone: the
// connection serves the next one. A server that does not answer loses the connection.
func undo(ctx context.Context, on pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectFor)
	defer cancel()
	_ = on.Rollback(ctx) // nothing of it is kept in any case
}
