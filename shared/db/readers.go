package db

import (
	"context"
	"errors"
)

// readers are the connections of a SQLite database that only read.
type readers struct {
	all  []*lite
	free chan *lite // those that nobody uses
	quit chan struct{}
}

func openReaders(name string, n int) (*readers, error) {
	r := &readers{free: make(chan *lite, n), quit: make(chan struct{})}
	for range n {
		l, err := openLite(name)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.all = append(r.all, l)
		r.free <- l
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
	case l := <-r.free:
		return l, nil
	default:
	}
	select {
	case l := <-r.free:
		return l, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.quit:
		return nil, errClosed
	}
}

func (r *readers) exec(ctx context.Context, text string, args []any) (int64, error) {
	l, err := r.take(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { r.free <- l }()
	return l.exec(ctx, text, args)
}

func (r *readers) query(ctx context.Context, text string, args []any) (rows, error) {
	l, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	found, err := l.rows(text, args)
	if err != nil {
		r.free <- l
		return nil, err
	}
	return &readRows{*found, l, r}, nil
}

// close waits for those who read, and refuses the others.
func (r *readers) close() error {
	var errs []error
	close(r.quit)
	for range r.all {
		errs = append(errs, (<-r.free).close())
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
	r.from.free <- r.on
	return err
}
