package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// defaultEvery is how often Watch looks: the time in which a running program picks
// a change up.
const defaultEvery = 2 * time.Second

// lookTimeout bounds one look, so that a database that hangs is noticed.
const lookTimeout = 5 * time.Second

// Watch follows the database until ctx ends: it notices what other nodes and the
// command line did, writes down what is published and who reads it, keeps the
// schedule, and deletes keys whose time is over.
func (r *Ring) Watch(ctx context.Context) {
	every := r.Every
	if every == 0 {
		every = defaultEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	w := r.watching()
	defer r.leave(ctx)
	defer w.chores.wait()
	for {
		w.turn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// watching is what Watch knows from one turn to the next.
type watching struct {
	ring        *Ring
	chores      beside
	looks, done course
}

func (r *Ring) watching() *watching {
	return &watching{
		ring: r, chores: beside{work: r.chores},
		looks: course{bad: "the key ring cannot be kept up; signing stops when it cannot be read", good: "the key ring is kept up again"},
		done:  course{bad: "the key ring is read, but not all of its chores are done: the schedule, and deleting what is over", good: "the chores of the key ring are done again"},
	}
}

// turn looks, and begins the chores only when that went well: who cannot read the ring must
// not change it, nor hold the lease of the schedule that another node could keep.
func (w *watching) turn(ctx context.Context) {
	err := w.ring.look(ctx)
	if ctx.Err() != nil {
		return
	}
	w.looks.tell(ctx, w.ring.Log, err)
	if err == nil {
		w.done.tell(ctx, w.ring.Log, w.chores.run(ctx))
	}
}

// course tells the log when something begins to fail, and when it is well again.
type course struct {
	bad, good string
	failing   bool
}

func (c *course) tell(ctx context.Context, log *slog.Logger, err error) {
	switch {
	case err != nil && !c.failing:
		log.ErrorContext(ctx, c.bad, "cause", err)
	case err == nil && c.failing:
		log.InfoContext(ctx, c.good)
	}
	c.failing = err != nil
}

// leave takes this process off the list of those that run.
func (r *Ring) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	if r.node.id == "" {
		return
	}
	if err := errors.Join(r.writeDown(ctx), r.gone(ctx, r.node.id)); err != nil {
		r.Log.WarnContext(ctx, "the key ring lists this process as running still", "cause", err)
	}
}

// look is one round of Watch: what has to be done in time. It does not wait for the device.
func (r *Ring) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	if err := r.adoptOlder(ctx); err != nil {
		return err
	}
	s := r.now.Load()
	unpublished := false
	for _, k := range s.keys {
		unpublished = unpublished || k.PublishedAt == nil && k.State != Revoked
	}
	if unpublished {
		if err := r.publish(ctx, s.mark.ring, r.Clock()); err != nil {
			return err
		}
		if err := r.reload(ctx); err != nil {
			return err
		}
	}
	return errors.Join(r.tell(ctx), r.writeDown(ctx))
}

// Sweep forgets readers and programs that have not come for long.
func (r *Ring) Sweep(ctx context.Context, now time.Time) (int64, error) {
	return 0, errors.Join(r.sweepReaders(ctx, now.Add(-2*ActiveFor)), r.sweepNodes(ctx, now.Add(-24*time.Hour)))
}

// refresh asks for the mark and reads the keys only when it changed.
func (r *Ring) refresh(ctx context.Context) error {
	ctx, end := r.alone(ctx)
	defer end()
	asked := time.Now() // before the question: what changes after it is not in the answer
	if err := r.findKeyFiles(); err != nil {
		return err
	}
	m, err := r.mark(ctx)
	if err != nil {
		return err
	}
	if err := r.adopt(m.kek); err != nil {
		return err
	}
	if last := r.now.Load(); last != nil && last.mark == m && !last.lacking {
		r.checked.Store(&asked)
		return nil
	}
	return r.read(ctx, m, asked)
}

// alone keeps other readers of the ring waiting until end is called, and bounds what is
// asked of the database meanwhile: one that hangs must not keep them for long.
func (r *Ring) alone(ctx context.Context) (_ context.Context, end func()) {
	r.one.Lock()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	return ctx, func() {
		cancel()
		r.one.Unlock()
	}
}

// reload reads the keys although the mark is the same: publishing does not change it,
// so that other nodes need not follow.
func (r *Ring) reload(ctx context.Context) error {
	ctx, end := r.alone(ctx)
	defer end()
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

// Ready tells whether the ring can sign now, by each algorithm that it needs.
func (r *Ring) Ready(ctx context.Context) error {
	if s := r.now.Load(); s == nil || len(s.signers) == 0 {
		return errors.New("the key ring has no active key")
	}
	for _, alg := range r.Needs {
		kid, key, err := r.signer(ctx, alg)
		if err != nil {
			return err
		}
		inside, ok := key.(*guarded).key.(Probed)
		if !ok {
			continue
		}
		if err := r.ask(ctx, kid, inside); err != nil {
			return fmt.Errorf("signing key %s: %w", kid, err)
		}
	}
	return nil
}

// Ages tells how old the keys are in seconds, by algorithm and state: the active one
// since it signs, the others since they were staged or retired. For metrics.
func (r *Ring) Ages(context.Context) (map[string]int, error) {
	s := r.now.Load()
	if s == nil {
		return nil, errors.New("the key ring was not read yet")
	}
	ages, now := map[string]int{}, r.Clock()
	for _, k := range s.keys {
		since := k.StagedAt
		switch {
		case k.State == Active && k.ActivatedAt != nil:
			since = *k.ActivatedAt
		case k.RetiredAt != nil:
			since = *k.RetiredAt
		}
		name := k.Alg + " " + string(k.State)
		ages[name] = max(ages[name], int(now.Sub(since)/time.Second))
	}
	return ages, nil
}
