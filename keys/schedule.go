package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/shared/fault"
)

// Plan is the schedule that running programs keep; the zero Plan is none.
type Plan struct {
	Every    time.Duration // how long a key signs
	Before   time.Duration // how long before that its successor is staged
	Patience time.Duration // how long readers that are not ready are waited for; 0: for ever
}

// Check tells what is wrong with a plan.
func (p Plan) Check() error {
	switch {
	case p == Plan{}:
		return nil
	case p.Every < time.Hour:
		return errors.New("a key has to sign for an hour at least")
	case p.Before < 0 || p.Before > p.Every:
		return errors.New("a key cannot be staged longer before it signs than its predecessor signs")
	case p.Patience < 0:
		return errors.New("patience is a length of time")
	}
	return nil
}

// Due is what the schedule will do next with an algorithm.
type Due struct {
	Alg       string     `json:"alg"`
	StageAt   *time.Time `json:"stage_at,omitempty"` // nil: a next key is there
	PromoteAt time.Time  `json:"promote_at"`
	Waits     string     `json:"waits_for,omitempty"` // what is missing, once PromoteAt has come
}

const (
	tickEvery = 15 * time.Second // how often a running program looks at the schedule
	leaseFor  = time.Minute      // how long one node keeps it before another may
)

// Plan gives the schedule.
func (r *Ring) Plan(ctx context.Context) (Plan, error) { return r.plan(ctx) }

// SetPlan changes it; running programs keep it from then on. Where it is the plan already
// nothing happens, and the audit log tells of no change.
func (r *Ring) SetPlan(ctx context.Context, p Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	was, err := r.plan(ctx)
	if err != nil || was == p {
		return err
	}
	err = r.DB.Tx(ctx, func(ctx context.Context) error {
		r.step("begun")
		if err := r.writePlan(ctx, p); err != nil {
			return err
		}
		r.step("planned")
		if err := r.record(ctx, "key.schedule", "every", p.Every.String(), "before", p.Before.String(), "patience", p.Patience.String()); err != nil {
			return err
		}
		r.step("done")
		return nil
	})
	if err == nil {
		r.step("committed")
	}
	return err
}

// Due tells what the schedule will do, by algorithm.
func (r *Ring) Due(ctx context.Context, p Plan) (all []Due, err error) {
	if p.Every == 0 {
		return nil, nil
	}
	list, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.State != Active || k.ActivatedAt == nil || k.Alg == Push {
			continue
		}
		d := Due{Alg: k.Alg, PromoteAt: k.ActivatedAt.Add(p.Every)}
		next, staged := find(list, k.Alg, Next)
		if !staged {
			at := d.PromoteAt.Add(-p.Before)
			d.StageAt = &at
		} else if !r.Clock().Before(d.PromoteAt) {
			e, err := r.Evidence(ctx, next, nil)
			if err != nil {
				return nil, err
			}
			d.Waits = e.Why()
		}
		all = append(all, d)
	}
	return all, nil
}

// Overdue tells for how many seconds each algorithm's next key should sign already by the
// schedule, and 0 where it is kept; nothing without a schedule. For metrics.
func (r *Ring) Overdue(ctx context.Context) (map[string]int, error) {
	p, err := r.plan(ctx)
	s := r.now.Load()
	if err != nil || p.Every == 0 || s == nil {
		return nil, err
	}
	all, now := map[string]int{}, r.Clock()
	for _, k := range s.keys {
		if k.State == Active && k.ActivatedAt != nil && k.Alg != Push {
			all[k.Alg] = max(0, int(now.Sub(k.ActivatedAt.Add(p.Every))/time.Second))
		}
	}
	return all, nil
}

// Tick does what the schedule says is due, if it is this node's turn, and gives what came
// of it until it is tried again. Watch calls it.
func (r *Ring) Tick(ctx context.Context) error {
	n := &r.node
	if time.Since(n.tick) >= tickEvery {
		n.tick = time.Now()
		n.ticked = r.RunPlan(ctx)
	}
	return n.ticked
}

// RunPlan is Tick at once. Of several nodes only the one with the lease does anything.
func (r *Ring) RunPlan(ctx context.Context) error {
	p, err := r.plan(ctx)
	if err != nil || p.Every == 0 {
		return err
	}
	now := r.Clock()
	mine, err := r.lease(ctx, r.self().ID, now, now.Add(leaseFor))
	if err != nil || !mine {
		return err
	}
	due, err := r.Due(ctx, p)
	if err != nil {
		return err
	}
	var failed error
	for _, d := range due {
		if err := r.doDue(ctx, p, d, now); err != nil {
			failed = errors.Join(failed, fmt.Errorf("schedule of %s: %w", d.Alg, err))
		}
	}
	return failed
}

func (r *Ring) doDue(ctx context.Context, p Plan, d Due, now time.Time) error {
	if d.StageAt != nil {
		if now.Before(*d.StageAt) {
			return nil
		}
		_, _, err := r.Stage(ctx, d.Alg, false)
		return err // it signs at a later round, when the evidence is there
	}
	if now.Before(d.PromoteAt) {
		return nil
	}
	q := Promotion{Alg: d.Alg, Why: "schedule"}
	if p.Patience > 0 && !now.Before(d.PromoteAt.Add(p.Patience)) {
		q.Force, q.Why = true, "schedule, out of patience"
	}
	_, err := r.Promote(ctx, q)
	var wait *NotYet
	if errors.As(err, &wait) {
		if r.node.complained != wait.Evidence.Key.KID {
			r.node.complained = wait.Evidence.Key.KID
			r.Log.WarnContext(ctx, "the schedule waits before a key may sign", "alg", d.Alg, "for", wait.Error())
		}
		return nil
	}
	if fault.Is(err, fault.NotFound) {
		return nil // withdrawn in between
	}
	return err
}
