package keys

import (
	"context"
	"time"

	"tegata/shared/audit"
)

// succession is one change of the key that signs.
type succession struct {
	Promotion
	old, next *Key // as they were seen; nil: there was none
	evidence  Evidence
	revoked   bool // old is compromised
}

// succeed makes it, or gives fault.Conflict when the ring has changed since.
func (r *Ring) succeed(ctx context.Context, s succession) error {
	var fresh []freshKey // the active key when none was staged, then the next one
	n := 0
	if s.next == nil {
		n++
	}
	if s.Stage {
		n++
	}
	fresh, err := r.generate(s.Alg, n)
	if err != nil {
		return err
	}
	return r.changeWith(ctx, fresh, func(ctx context.Context, generation int64, now time.Time) error {
		fresh, active, staged := fresh, "", ""
		if err := r.endOld(ctx, s, generation, now); err != nil {
			return err
		}
		r.step("retired")
		if s.next != nil {
			done, err := r.activate(ctx, *s.next, generation, now)
			if err != nil || !done {
				return orElsewhere(err)
			}
			active = s.next.KID
		} else {
			active = fresh[0].public.KeyID
			if err := r.insert(ctx, fresh[0], Active, generation, now); err != nil {
				return err
			}
			fresh = fresh[1:]
		}
		r.step("activated")
		if s.Stage {
			staged = fresh[0].public.KeyID
			if err := r.insertNext(ctx, fresh[0], generation, now); err != nil {
				return err
			}
		}
		r.step("staged")
		return r.recordSuccession(ctx, s, active, staged)
	})
}

func (r *Ring) endOld(ctx context.Context, s succession, generation int64, now time.Time) error {
	if s.old == nil {
		return nil
	}
	var done bool
	var err error
	if s.revoked {
		done, err = r.revoke(ctx, *s.old, generation, now, now.Add(r.keep()))
	} else {
		at := now.Add(Handover)
		done, err = r.retire(ctx, *s.old, generation, at, at.Add(r.keep()))
	}
	if err != nil || !done {
		return orElsewhere(err)
	}
	return nil
}

// insertNext stages a key that was made, in the transaction at hand.
func (r *Ring) insertNext(ctx context.Context, fresh freshKey, generation int64, now time.Time) error {
	if err := r.insert(ctx, fresh, Next, generation, now); err != nil {
		return err
	}
	return r.record(ctx, "key.staged", "alg", fresh.alg, "kid", fresh.public.KeyID)
}

func (r *Ring) recordSuccession(ctx context.Context, s succession, active, staged string) error {
	ended := ""
	details := []string{"alg", s.Alg, "why", s.Why, "vouched", brief(s.Vouched, " ", audit.MaxText)}
	if s.old != nil {
		ended = s.old.KID
	}
	if s.revoked {
		return r.record(ctx, "key.revoked", append(details, "revoked", ended, "active", active, "staged", staged)...)
	}
	if s.Force && !s.evidence.Enough() {
		details = append(details, "forced", s.evidence.Brief(audit.MaxText))
	}
	return r.record(ctx, "key.rotated", append(details, "retired", ended, "active", active, "staged", staged)...)
}
