package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// maxShared bounds how many transactions share one commit, so that the first of
	// them does not wait long for the last.
	maxShared = 128
	// waitFor bounds how long a transaction waits for its turn; then it is fault.Busy.
	waitFor = 10 * time.Second
)

// writer owns the only writing connection of a SQLite database. It opens a
// transaction, lets the waiting jobs run in it one after another, each in its own
// goroutine and behind a savepoint, and commits once for all of them: the disk is
// asked to be durable once, and nobody is told "done" before.
type writer struct {
	conn conn
	jobs chan *job // unbuffered: a job that was taken is also answered
	quit chan struct{}
	done chan struct{}
	once sync.Once
}

// job is one transaction that waits for its turn.
type job struct {
	turn  chan error // nil: run now; else: there is no transaction to run in
	ended chan error // what the closure gave
	final chan error // what became of it
}

// conn is the writing connection.
type conn struct{ *lite }

func newWriter(name string) (*writer, error) {
	l, err := openLite(name)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn{l}, jobs: make(chan *job), quit: make(chan struct{}), done: make(chan struct{})}
	go w.serve()
	return w, nil
}

// stop refuses new transactions and waits for those under way.
func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.done
}

func (w *writer) close() error {
	w.stop()
	return w.conn.close()
}

// tx waits for its turn, runs do in the shared transaction and waits for the commit.
func (w *writer) tx(ctx context.Context, d *DB, do func(context.Context) error) error {
	j := &job{turn: make(chan error, 1), ended: make(chan error, 1), final: make(chan error, 1)}
	if err := w.queue(ctx, j); err != nil {
		return err
	}
	if err := <-j.turn; err != nil {
		return err
	}
	after, err := w.runJob(ctx, d, j, do)
	if err != nil {
		return err
	}
	for _, then := range after {
		then()
	}
	return nil
}

func (w *writer) queue(ctx context.Context, j *job) error {
	select {
	case w.jobs <- j:
		return nil
	default:
	}
	patience := time.NewTimer(waitFor)
	defer patience.Stop()
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return errClosed
	case <-patience.C:
		return busy(errors.New("db: waited too long for the writer"))
	}
}

func (w *writer) runJob(ctx context.Context, d *DB, j *job, do func(context.Context) error) (after []func(), err error) {
	t := &tx{db: d, querier: w.conn.lite, after: &after, lite: true}
	told := false
	defer func() {
		if !told { // a panic or Goexit: undo, and let it go on
			t.over.Store(true)
			j.ended <- errGone
			<-j.final
		}
	}()
	if err = do(context.WithValue(ctx, txKey{d}, t)); err == nil {
		err = ctx.Err() // as PostgreSQL does: nobody waits for it any more
	}
	t.over.Store(true)
	told = true
	j.ended <- err
	return after, <-j.final
}

func (w *writer) serve() {
	defer close(w.done)
	for {
		select {
		case j := <-w.jobs:
			w.share(j)
		case <-w.quit:
			return
		}
	}
}

// share runs first and those who wait behind it in one transaction.
func (w *writer) share(first *job) {
	var kept []*job // what they did waits for the commit
	tell := func(err error) {
		for _, j := range kept {
			j.final <- err
		}
		kept = nil
	}
	for j := first; j != nil; j = w.next(len(kept)) {
		others := len(kept) > 0
		err := w.conn.begin(others)
		j.turn <- err
		if err == nil {
			if err = w.conn.settle(<-j.ended, others); err == nil {
				kept = append(kept, j)
			} else {
				j.final <- err
			}
		}
		if w.conn.raw.AutoCommit() { // there is no transaction any more
			tell(errUndone)
		}
	}
	if len(kept) > 0 {
		tell(w.conn.commit())
	}
}

// next gives the job that waits already, if any and if there is room for it.
func (w *writer) next(shared int) *job {
	if shared >= maxShared {
		return nil
	}
	select {
	case j := <-w.jobs:
		return j
	default:
		return nil
	}
}

// begin opens the transaction, or a savepoint when others wait in it already.
func (c conn) begin(others bool) error {
	if others {
		return c.do("savepoint job")
	}
	return c.do("begin immediate")
}

// settle keeps or undoes what a job did. The first of a transaction needs no
// savepoint: when it fails, the transaction holds nothing else and is undone whole.
func (c conn) settle(err error, others bool) error {
	switch {
	case err == nil && !others:
		return nil
	case err == nil:
		return c.orUndo(c.do("release job"))
	case !others:
		return join(err, c.undo())
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
