package keys

import (
	"context"
	"errors"
	"time"

	"tegata/shared/fault"
)

// choresTimeout bounds the chores: a device may take a minute for a new key.
const choresTimeout = 3 * time.Minute

// chores are the other half of a round: what may ask the device. They begin by reading the
// ring, since the last ones may have taken minutes.
func (r *Ring) chores(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, choresTimeout)
	defer cancel()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	r.probeAll(ctx)
	return errors.Join(r.Clear(ctx), r.Tick(ctx))
}

// Clear deletes what is over: keys, and private halves in the device. Watch calls it. What
// waits for a device that is away stays until it is back, and what cannot be deleted keeps
// nothing else.
func (r *Ring) Clear(ctx context.Context) error {
	now, purge := r.Clock(), false
	var failed error
	for _, k := range r.now.Load().keys {
		purge = purge || over(k, now)
		idle := (k.State == Retired || k.State == Revoked) && k.RetiredAt != nil && !now.Before(*k.RetiredAt)
		if !idle || k.Device == "" || r.Device == nil {
			continue
		}
		switch err := r.removeFromDevice(ctx, k); {
		case fault.Is(err, fault.Busy):
		case err != nil:
			failed = errors.Join(failed, err)
		default:
			failed = errors.Join(failed, r.reload(ctx))
		}
	}
	if purge {
		_, err := r.Purge(ctx)
		failed = errors.Join(failed, err)
	}
	return failed
}

// beside does work that may take long, or never come to an end, beside the looks.
type beside struct {
	work func(context.Context) error
	over chan error // of the work that is under way; nil: none is
	last error      // of the one before
}

// run begins the work, unless it is under way still, and gives what came of the last one.
func (b *beside) run(ctx context.Context) error {
	select {
	case b.last = <-b.over:
		b.over = nil
	default:
	}
	if b.over == nil {
		over := make(chan error, 1)
		b.over = over
		go func() { over <- b.work(ctx) }()
	}
	return b.last
}

// wait waits for work that was told to end, but not for a device that hangs.
func (b *beside) wait() {
	if b.over == nil {
		return
	}
	select {
	case b.last = <-b.over:
		b.over = nil
	case <-time.After(lookTimeout):
	}
}
