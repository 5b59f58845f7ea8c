package outbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	pollEvery = time.Second      // finds what other nodes left and what waits for its next attempt
	stopGrace = 10 * time.Second // how long messages under way may take when the worker stops
	batch     = 64               // messages looked up at once
	defaultN  = 4                // messages sent at once
)

// Run sends what is due until ctx ends. Then it takes nothing new, and messages under
// way have stopGrace to be sent; what is not, stays queued. It gives nil.
func (o *Outbox) Run(ctx context.Context) error {
	next, finish := o.start(ctx, func(_ bool, err error) {
		if err != nil {
			o.complain(ctx, err)
			wait(ctx, pollEvery) // the database is away: do not hammer it
		}
	})
	defer finish()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		full, err := o.feed(ctx, next)
		if err != nil {
			o.complain(ctx, err)
		}
		if full {
			continue
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-o.woken():
		}
	}
	return nil
}

// Deliver sends everything that is due now, once, and tells how many messages it tried.
func (o *Outbox) Deliver(ctx context.Context) (n int, err error) {
	for {
		var tried atomic.Int64
		var mu sync.Mutex
		var all error
		next, finish := o.start(ctx, func(took bool, err error) {
			if took {
				tried.Add(1)
			}
			mu.Lock()
			all = errors.Join(all, err)
			mu.Unlock()
		})
		_, err := o.feed(ctx, next)
		finish()
		n += int(tried.Load())
		if err = errors.Join(err, all, ctx.Err()); err != nil || tried.Load() == 0 {
			return n, err
		}
	}
}

// start lets workers take ids from next; done hears of each. finish waits until the
// messages under way are sent or stopGrace after ctx is over.
func (o *Outbox) start(ctx context.Context, done func(took bool, err error)) (next chan<- string, finish func()) {
	sending, release := outlive(ctx)
	ids := make(chan string)
	var wg sync.WaitGroup
	workers := o.Workers
	if workers == 0 {
		workers = defaultN
	}
	for range workers {
		wg.Go(func() {
			for id := range ids {
				done(o.one(sending, id))
			}
		})
	}
	return ids, func() {
		close(ids)
		wg.Wait()
		release()
	}
}

// feed hands the rows that are due to the workers; full says that there may be more.
func (o *Outbox) feed(ctx context.Context, next chan<- string) (full bool, err error) {
	ids, err := o.due(ctx, o.Clock(), batch)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		select {
		case next <- id:
		case <-ctx.Done():
			return false, nil
		}
	}
	return len(ids) == batch, nil
}

// one leases a row and sends it; took is false when another worker was faster.
func (o *Outbox) one(ctx context.Context, id string) (took bool, err error) {
	now := o.Clock()
	r, took, err := o.lease(ctx, id, now, now.Add(leaseFor))
	if err != nil || !took {
		return false, err
	}
	return true, o.attempt(ctx, r)
}

// outlive gives a context for messages under way that ends stopGrace after ctx.
func outlive(ctx context.Context) (_ context.Context, release func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	return longer, func() { stop(); cancel() }
}

func (o *Outbox) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		o.log().ErrorContext(ctx, "outbox cannot reach its rows", "error", err)
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
