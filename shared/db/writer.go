package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

const (
	// maxShared bounds how many transactions share one commit, so that the first of
	// them does not wait long for the last.
	maxShared = 128
	// journalPages is how many pages the journal holds before it is folded into the
	// file: 16 MB. Pages that change all the time are copied and synced less often than
	// with the usual 1000, and no lookup takes longer: the index of the journal has 4062
	// pages in its first part.
	journalPages = 4000
)

// writer owns the only writing connection of a SQLite database. Transactions take it in
// turn, each in the goroutine of its caller. Whoever finds others waiting, or may expect
// some, leaves what he did in the open transaction, for the next one to go on behind a
// savepoint; the last one commits for all of them, or a timer when nobody came: the disk
// is asked to be durable once, and nobody is told "done" before.
type writer struct {
	turns
	conn conn   // belongs to whoever has the turn
	open *group // the transaction under way, nil when there is none; likewise
}

// group is those who share a commit.
type group struct {
	size  int
	until time.Time     // no longer than that it waits for more; zero: nobody has waited yet
	done  chan struct{} // closed when err is known
	err   error
}

// job is what a caller wants done in his turn.
type job struct {
	do func(context.Context) error
	// atomic says that do is one statement whose result nobody judges: SQLite undoes
	// one that fails, so a group needs no savepoint before it.
	atomic bool
}

// conn is the writing connection.
type conn struct{ *lite }

func newWriter(name string) (*writer, error) {
	l, err := openLite(name)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn{l}}
	w.overdue, w.alarm = time.AfterFunc(waitFor, w.commitOverdue), time.AfterFunc(waitFor, w.tooLong)
	for _, setting := range []string{
		"pragma temp_store=memory", // what a savepoint would bring back stays out of the disk
		fmt.Sprintf("pragma wal_autocheckpoint=%d", journalPages),
	} {
		if err := w.conn.do(setting); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return w, nil
}

func (w *writer) close() error {
	w.stop()
	return w.conn.close()
}

// tx waits for its turn, runs j in the shared transaction and waits for the commit.
func (w *writer) tx(ctx context.Context, d *DB, j job) error {
	if err := w.enter(ctx); err != nil {
		return err
	}
	shared, after, err := w.run(ctx, d, j)
	if shared == nil {
		return err
	}
	<-shared.done
	if shared.err != nil {
		return shared.err
	}
	if err != nil {
		return err
	}
	for _, then := range after {
		then()
	}
	return nil
}

// run runs j in the turn and gives the turn on. Without an error what it did is kept if
// the commit of the group succeeds. Who was refused within a group waits for the commit
// as well: what refused it may be what a neighbour did, which is no fact, and nobody can
// read it, before. Without a group there is nothing to wait for.
func (w *writer) run(ctx context.Context, d *DB, j job) (shared *group, after []func(), err error) {
	others := w.open != nil
	saved := others && !j.atomic
	if err := w.conn.begin(others, saved); err != nil {
		w.settled()
		return nil, nil, err
	}
	if !others {
		w.open = &group{done: make(chan struct{})}
	}
	shared = w.open
	t := &tx{db: d, querier: w.conn.lite, after: &after, lite: true}
	err = errGone // unless do returns: a panic or Goexit goes on when all is undone
	defer func() {
		t.over.Store(true)
		err = w.conn.settle(err, others, saved)
		shared.size++
		if err != nil && (!others || w.conn.raw.AutoCommit()) {
			shared = nil // nothing is left of it, or it is why nothing is left
		}
		w.settled()
	}()
	if err = j.do(context.WithValue(ctx, txKey{d}, t)); err == nil && !j.atomic {
		err = ctx.Err() // as PostgreSQL does: nobody waits for it any more
	}
	return shared, after, err
}

// settled ends the turn.
func (w *writer) settled() {
	if w.conn.raw.AutoCommit() { // there is no transaction any more
		w.end(errUndone)
	}
	w.leave()
}

// end tells those who share the transaction what became of it.
func (w *writer) end(err error) {
	if w.open != nil {
		w.open.err = err
		close(w.open.done)
		w.open = nil
	}
}

// leave gives the turn to the next one, or commits when it is time. Before it asks the
// disk it lets the others that can run do so, once: some of them come with a transaction of
// their own, and where there are none that takes no time.
func (w *writer) leave() {
	for !w.passOn() {
		size := w.open.size
		if size < maxShared {
			if runtime.Gosched(); w.awaited() {
				continue
			}
		}
		err := w.conn.commit()
		w.shared(size) // before anybody who is told comes back
		w.end(err)
	}
}

// begin opens the transaction, or a savepoint when others wait in it already.
func (c conn) begin(others, saved bool) error {
	switch {
	case !others:
		return c.do("begin immediate")
	case saved:
		return c.do("savepoint job")
	}
	return nil
}

// settle keeps or undoes what a job did. The first of a transaction needs no
// savepoint: when it fails, the transaction holds nothing else and is undone whole. An
// atomic job has undone itself.
func (c conn) settle(err error, others, saved bool) error {
	switch {
	case !others && err != nil:
		return join(err, c.undo())
	case !saved:
		return err
	case err == nil:
		return c.orUndo(c.do("release job"))
	default:
		return join(err, c.orUndo(join(c.do("rollback to job"), c.do("release job"))))
	}
}

func (c conn) commit() error { return c.orUndo(c.do("commit")) }

// orUndo undoes the whole transaction when a part of it can be neither kept nor undone.
func (c conn) orUndo(err error) error {
	if err == nil {
		return nil
	}
	return join(err, c.undo())
}

// undo ends the transaction, if SQLite has not done so itself.
func (c conn) undo() error {
	if c.raw.AutoCommit() {
		return nil
	}
	return c.do("rollback")
}

func (c conn) do(text string) error {
	if _, err := c.exec(context.Background(), text, nil); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// join keeps err as it is when nothing else went wrong.
func join(err error, more ...error) error {
	if rest := errors.Join(more...); rest != nil {
		return errors.Join(err, rest)
	}
	return err
}
