package keys

import (
	"context"
	"fmt"
	"time"

	"tegata/shared/audit"
	"tegata/shared/fault"
)

// Rotate makes the next key of the algorithm active and retires the active one; a new
// next key is staged. It gives the key that stopped to sign and the one that signs now.
// Running programs follow within seconds. When somebody else rotates at the same moment,
// both get the one result. Without an active key it gives fault.NotFound.
func (r *Ring) Rotate(ctx context.Context, alg string) (old, now Key, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return Key{}, Key{}, err
	}
	old, ok := find(all, alg, Active)
	if !ok {
		return Key{}, Key{}, fault.New(fault.NotFound, "alg", "keys.no_active").With("alg", alg)
	}
	_, staged := find(all, alg, Next)
	if err := r.rotate(ctx, old, staged); err != nil && !fault.Is(err, fault.Conflict) {
		return Key{}, Key{}, err
	}
	if err := r.refresh(ctx); err != nil {
		return Key{}, Key{}, err
	}
	now, ok = find(r.now.Load().keys, alg, Active)
	if !ok || now.KID == old.KID {
		return Key{}, Key{}, fmt.Errorf("keys: %s was not rotated", alg)
	}
	return old, now, nil
}

// find gives the first key of the algorithm in that state.
func find(all []Key, alg string, state State) (Key, bool) {
	for _, k := range all {
		if k.Alg == alg && k.State == state {
			return k, true
		}
	}
	return Key{}, false
}

// rotate changes the ring that the caller saw, or gives fault.Conflict when it has
// changed since. Without a staged key a new one signs at once.
func (r *Ring) rotate(ctx context.Context, seen Key, staged bool) error {
	next, err := r.generate(seen.Alg)
	if err != nil {
		return err
	}
	var spare freshKey
	if !staged {
		if spare, err = r.generate(seen.Alg); err != nil {
			return err
		}
	}
	now := r.Clock()
	return r.DB.Tx(ctx, func(ctx context.Context) error {
		generation, err := r.nextGeneration(ctx)
		if err != nil {
			return err
		}
		done, err := r.retire(ctx, seen, generation, now, now.Add(r.keep()))
		if err != nil || !done {
			return orElsewhere(err)
		}
		if staged {
			done, err = r.activate(ctx, seen.Alg, generation, now)
		} else {
			err = r.insert(ctx, spare, Active, generation, now)
		}
		if err != nil || !done {
			return orElsewhere(err)
		}
		if err := r.insert(ctx, next, Next, generation, now); err != nil {
			return err
		}
		return r.record(ctx, seen)
	})
}

// orElsewhere gives err, or the refusal that somebody else changed the ring.
func orElsewhere(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "", "keys.rotated_elsewhere")
}

func (r *Ring) keep() time.Duration {
	if r.Keep > 0 {
		return r.Keep
	}
	return DefaultKeep
}

// record tells the audit log, in the transaction of the rotation.
func (r *Ring) record(ctx context.Context, retired Key) error {
	if r.Audit == nil {
		return nil
	}
	actor := r.Actor
	if actor == "" {
		actor = "system"
	}
	return r.Audit.Record(ctx, audit.Event{
		Action: "key.rotated", Actor: actor,
		Details: map[string]string{"alg": retired.Alg, "retired": retired.KID},
	})
}

// Purge deletes retired keys that nothing alive was signed with, and tells how many.
func (r *Ring) Purge(ctx context.Context) (int64, error) {
	n, err := r.purge(ctx, r.Clock())
	if err != nil || n == 0 {
		return n, err
	}
	return n, r.refresh(ctx)
}
