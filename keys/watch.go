package keys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// defaultEvery is how often Watch looks: the time in which a running program picks
// a rotation up.
const defaultEvery = 2 * time.Second

// lookTimeout bounds one look, so that a database that hangs is noticed.
const lookTimeout = 5 * time.Second

// Watch follows the database until ctx ends: it notices what other nodes and the
// command line did, notes which keys are published, and deletes keys whose time is over.
func (r *Ring) Watch(ctx context.Context) {
	every := r.Every
	if every == 0 {
		every = defaultEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	failing := false
	for {
		err := r.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			r.Log.ErrorContext(ctx, "the key ring cannot be read; signing stops soon", "cause", err)
		}
		if err == nil && failing {
			r.Log.InfoContext(ctx, "the key ring can be read again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look is one round of Watch.
func (r *Ring) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	now, unpublished, over := r.Clock(), false, false
	for _, k := range r.now.Load().keys {
		unpublished = unpublished || k.PublishedAt == nil
		over = over || k.PurgeAfter != nil && !now.Before(*k.PurgeAfter)
	}
	if over {
		if _, err := r.Purge(ctx); err != nil {
			return err
		}
	}
	if !unpublished {
		return nil
	}
	if err := r.publish(ctx, now); err != nil {
		return err
	}
	return r.reload(ctx)
}

// refresh asks for the mark and reads the keys only when it changed.
func (r *Ring) refresh(ctx context.Context) error {
	r.one.Lock()
	defer r.one.Unlock()
	asked := time.Now() // before the question: what changes after it is not in the answer
	m, err := r.mark(ctx)
	if err != nil {
		return err
	}
	if last := r.now.Load(); last != nil && last.mark == m {
		r.checked.Store(&asked)
		return nil
	}
	return r.read(ctx, m, asked)
}

// reload reads the keys although the mark is the same: publishing does not change it,
// so that other nodes need not follow.
func (r *Ring) reload(ctx context.Context) error {
	r.one.Lock()
	defer r.one.Unlock()
	asked := time.Now()
	m, err := r.mark(ctx)
	if err != nil {
		return err
	}
	return r.read(ctx, m, asked)
}

// read takes a snapshot. The mark was read before the keys, so a change in between is
// found at the next look.
func (r *Ring) read(ctx context.Context, m mark, asked time.Time) error {
	rows, err := r.load(ctx)
	if err != nil {
		return err
	}
	s, err := r.take(m, rows)
	if err != nil {
		return err
	}
	r.now.Store(s)
	r.checked.Store(&asked)
	return nil
}

// Ready tells whether the ring can sign: it was read, and not too long ago.
func (r *Ring) Ready(context.Context) error {
	s := r.now.Load()
	switch {
	case s == nil || len(s.signers) == 0:
		return errors.New("the key ring has no active key")
	case r.age() > tooOld:
		return fmt.Errorf("the key ring was last read %s ago", r.age().Round(time.Second))
	}
	return nil
}
