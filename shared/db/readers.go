package db

import (
	"context"
	"errors"
	"sync"
)

// readers are the connections of a SQLite database that only read. The one that was
// given back last is taken first: it still has pages of the database in its memory, and
// after a commit each connection has to fetch all of them anew.
type readers struct {
	all  []*lite
	free chan struct{} // a token for each of idle
	quit chan struct{}

	mu   sync.Mutex
	idle []*lite // those that nobody uses, the last one first
}

func openReaders(name string, n int) (*readers, error) {
	r := &readers{free: make(chan struct{}, n), quit: make(chan struct{})}
	for range n {
		l, err := openLite(name)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.all = append(r.all, l)
		r.give(l)
	}
	return r, nil
}

// take waits for a connection until ctx ends. Statements here end by themselves, and
// soon: nothing watches whether their caller goes away meanwhile.
func (r *readers) take(ctx context.Context) (*lite, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.free:
		return r.pop(), nil
	default:
	}
	select {
	case <-r.free:
		return r.pop(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.quit:
		return nil, errClosed
	}
}

// pop takes the connection that a token of free stands for.
func (r *readers) pop() *lite {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.idle) - 1
	l := r.idle[last]
	r.idle = r.idle[:last]
	return l
}

// give is the end of take.
func (r *readers) give(l *lite) {
	r.mu.Lock()
	r.idle = append(r.idle, l)
	r.mu.Unlock()
	r.free <- struct{}{}
}

func (r *readers) exec(ctx context.Context, text string, args []any) (int64, error) {
	l, err := r.take(ctx)
	if err != nil {
		return 0, err
	}
	defer r.give(l)
	return l.exec(ctx, text, args)
}

func (r *readers) query(ctx context.Context, text string, args []any) (rows, error) {
	l, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	var found *liteRows
	defer func() {
		if found == nil { // an argument's Value may panic
			r.give(l)
		}
	}()
	if found, err = l.rows(text, args); err != nil {
		return nil, err
	}
	return &readRows{*found, l, r}, nil
}

func (r *readers) row(ctx context.Context, text string, args, dest []any) error {
	return firstRow(ctx, r, text, args, dest)
}

// close waits for those who read, and refuses the others.
func (r *readers) close() error {
	var errs []error
	close(r.quit)
	for range r.all {
		<-r.free
		errs = append(errs, r.pop().close())
	}
	return errors.Join(errs...)
}

// readRows give their connection back.
type readRows struct {
	liteRows
	on   *lite
	from *readers
}

// Close may be called twice.
func (r *readRows) Close() error {
	if r.raw == nil {
		return nil
	}
	err := r.liteRows.Close()
	r.from.give(r.on)
	return err
}
