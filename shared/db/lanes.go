package db

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// mostTogether bounds how many statements share a round trip, so that the first of
	// them does not wait long for the last.
	mostTogether = 32
	// patience is how long a statement waits for a lane: what takes longer is no queue but
	// a lock that somebody holds, or the network.
	patience = 250 * time.Millisecond
	// togetherFor bounds a round trip that is shared. Who has less time goes alone.
	togetherFor = 10 * time.Second
)

// lanes let short statements that come at once share a round trip to PostgreSQL, as
// transactions on SQLite share a commit. Most of what such a statement costs, here and
// there, is the way: packets, and the waking of those who wait for them. Who finds a lane
// free runs his statement by itself; the others wait, and whoever is first among them when
// a lane comes free takes the rest along (together.go). It halves the CPU of both sides
// when 64 callers refresh their tokens, and with few callers it changes nothing.
type lanes struct {
	pool     *pgxpool.Pool
	together func(context.Context, *pgxpool.Conn, []*call)

	mu    sync.Mutex
	free  int
	queue []*call
}

// call is a statement that somebody waits for.
type call struct {
	text string
	args []any
	read func(pgx.Rows) error // nil: it gives no rows

	touched int64
	err     error
	again   bool         // it came to nothing in company, and has to be run alone
	turn    chan []*call // gives those to take along, or nothing once it was run
}

// newLanes opens two lanes, or one for each processor: more of them shared less and
// cost more.
func newLanes(pool *pgxpool.Pool, together func(context.Context, *pgxpool.Conn, []*call)) *lanes {
	return &lanes{pool: pool, together: together, free: max(2, runtime.GOMAXPROCS(0))}
}

// do runs the statement, alone or in company. A caller that goes away is noticed while
// the statement waits, and when it is run alone.
func (l *lanes) do(ctx context.Context, c *call) error {
	if end, ends := ctx.Deadline(); ends && time.Until(end) < patience+togetherFor {
		return c.alone(ctx, l.pool)
	}
	if l.enter(c) {
		defer l.leave()
		return c.alone(ctx, l.pool)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case all := <-c.turn:
		return l.took(ctx, c, all)
	case <-ctx.Done():
		if l.forget(c) {
			return ctx.Err()
		}
	case <-late.C:
		if l.forget(c) {
			return c.alone(ctx, l.pool)
		}
	}
	return l.took(ctx, c, <-c.turn)
}

// took is the end of the wait: either c is the first of those who go, or it has been run.
func (l *lanes) took(ctx context.Context, c *call, all []*call) error {
	switch len(all) {
	case 0:
	case 1:
		defer l.leave()
		return c.alone(ctx, l.pool)
	default:
		l.lead(all)
	}
	if c.again {
		return c.alone(ctx, l.pool)
	}
	return c.err
}

// enter takes a lane, or puts c into the queue.
func (l *lanes) enter(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 {
		l.free--
		return true
	}
	c.turn = make(chan []*call, 1)
	l.queue = append(l.queue, c)
	return false
}

// forget takes c out of the queue; no says that somebody takes it along already.
func (l *lanes) forget(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.queue, c)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}

// leave gives the lane to those who wait.
func (l *lanes) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), mostTogether)
	if n == 0 {
		l.free++
		return
	}
	all := slices.Clone(l.queue[:n])
	l.queue = slices.Delete(l.queue, 0, n)
	all[0].turn <- all
}

// lead runs all of them and tells the others. The first one's context does not count: it
// is not theirs.
func (l *lanes) lead(all []*call) {
	defer l.leave()
	defer func() {
		for _, other := range all[1:] {
			close(other.turn)
		}
	}()
	for _, c := range all {
		c.err = busy(errGone) // unless something else is known: somebody's read may panic
	}
	ctx, cancel := context.WithTimeout(context.Background(), togetherFor)
	defer cancel()
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = busy(err) // the time was not theirs
		}
		failAll(all, err)
		return
	}
	defer conn.Release()
	l.together(ctx, conn, slices.Clone(all))
}

// alone runs the statement by itself.
func (c *call) alone(ctx context.Context, pool *pgxpool.Pool) error {
	if c.read == nil {
		done, err := pool.Exec(ctx, c.text, c.args...)
		c.touched = done.RowsAffected()
		return err
	}
	rows, err := pool.Query(ctx, c.text, c.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return c.read(rows)
}
