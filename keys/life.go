package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// sealedBy names the key-encryption key of a sealed private half, "" of an empty one.
func sealedBy(sealed []byte) string {
	if len(sealed) == 0 {
		return ""
	}
	return secret.SealedBy(sealed)
}

// orElsewhere gives err, or the refusal that somebody else changed the ring.
func orElsewhere(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "", "keys.rotated_elsewhere")
}

// Stage gives the algorithm a next key, which is published from now on. It may be an
// algorithm that the ring does not have yet: nothing signs with it before Promote. The
// first push key is active at once, since there is nobody who could know another one.
// When there is a next key already it gives that one and made is false. A dry run gives
// a Key without a kid, in the state that it would have.
func (r *Ring) Stage(ctx context.Context, alg string, dry bool) (k Key, made bool, err error) {
	if !slices.Contains(Algorithms, alg) && alg != Push {
		return Key{}, false, fmt.Errorf("keys: algorithm %q is not one of %v", alg, Algorithms)
	}
	all, err := r.List(ctx)
	if err != nil {
		return Key{}, false, err
	}
	if k, ok := find(all, alg, Next); ok {
		return k, false, nil
	}
	state := Next
	if _, active := find(all, alg, Active); alg == Push && !active {
		state = Active
	}
	if dry {
		return Key{Alg: alg, State: state}, true, nil
	}
	fresh, err := r.generate(alg, 1)
	if err != nil {
		return Key{}, false, err
	}
	kid := fresh[0].public.KeyID
	err = r.changeWith(ctx, fresh, func(ctx context.Context, generation int64, now time.Time) error {
		if err := r.insert(ctx, fresh[0], state, generation, now); err != nil {
			return err
		}
		return r.record(ctx, "key.staged", "alg", alg, "kid", kid)
	})
	if err != nil && !fault.Is(err, fault.Conflict) {
		return Key{}, false, err
	}
	if err := r.refresh(ctx); err != nil {
		return Key{}, false, err
	}
	k, ok := find(r.now.Load().keys, alg, state)
	if !ok {
		return Key{}, false, fmt.Errorf("keys: the staged %s key is gone already", alg)
	}
	return k, k.KID == kid, nil
}

// Retirement says which key is to stop, and whether a dry run is enough.
type Retirement struct {
	KID   string
	Purge bool // also delete it
	Force bool // delete it although what it signed may be alive, and its private half may stay in the device
	Dry   bool
}

// ErrSigns says that a key cannot be taken away because it is the one that signs.
var ErrSigns = errors.New("the key signs; promote its successor, or revoke it")

// Early says that a key may not be deleted yet.
type Early struct{ Until time.Time }

func (e *Early) Error() string {
	return fmt.Sprintf("what the key signed may be alive until %s", e.Until.UTC().Format(time.RFC3339))
}

// Retire takes a key out of service by hand. A next key never signed: it is published
// until no reader can have it in a cache. The active key of an algorithm retires only
// when the program does not need the algorithm and no next key waits (the algorithm ends);
// otherwise the error is ErrSigns. With Purge a retired key is deleted: before its time
// only by Force, else the error is *Early; one in a device goes there first. It gives the key as it is then.
func (r *Ring) Retire(ctx context.Context, q Retirement) (Key, error) {
	all, err := r.List(ctx)
	if err != nil {
		return Key{}, err
	}
	k, err := byKID(all, q.KID)
	if err != nil {
		return Key{}, err
	}
	if k.State == Active {
		if _, waits := find(all, k.Alg, Next); waits || slices.Contains(r.Needs, k.Alg) {
			return k, ErrSigns
		}
	}
	if k.State == Next || k.State == Active {
		if k, err = r.retireByHand(ctx, k, q.Dry); err != nil || !q.Purge {
			return k, err
		}
	}
	if !q.Purge {
		return k, nil
	}
	if !q.Force && !over(k, r.Clock()) {
		return k, &Early{*k.PurgeAfter}
	}
	if q.Dry {
		return k, nil
	}
	if err := r.letGo(ctx, k, q.Force); err != nil {
		return k, err
	}
	return k, r.delete(ctx, k)
}

// letGo removes the private half of a key in the device before the row goes, which alone
// remembers it. By force the row goes all the same.
func (r *Ring) letGo(ctx context.Context, k Key, force bool) error {
	if k.Device == "" {
		return nil
	}
	err := r.removeFromDevice(ctx, k)
	if err == nil || !force {
		return err
	}
	r.Log.WarnContext(ctx, "the key is deleted, but its private half may still lie in the PKCS #11 device", "kid", k.KID, "label", k.Device, "cause", err)
	return nil
}

func (r *Ring) retireByHand(ctx context.Context, k Key, dry bool) (Key, error) {
	now := r.Clock()
	at, until := now, now.Add(r.maxAge()+Handover)
	if k.State == Active {
		at = now.Add(Handover)
		until = at.Add(r.keep())
	}
	if dry {
		k.State, k.RetiredAt, k.PurgeAfter = Retired, &at, &until
		return k, nil
	}
	err := r.change(ctx, func(ctx context.Context, generation int64, _ time.Time) error {
		done, err := r.retire(ctx, k, generation, at, until)
		if err != nil || !done {
			return orElsewhere(err)
		}
		return r.record(ctx, "key.retired", "alg", k.Alg, "kid", k.KID, "was", string(k.State))
	})
	if err != nil {
		return k, err
	}
	return r.Find(ctx, k.KID)
}

// delete removes a key for good and writes down what may have been lost by it.
func (r *Ring) delete(ctx context.Context, k Key) error {
	early, lost := "", ""
	if now := r.Clock(); !over(k, now) {
		early = k.PurgeAfter.UTC().Format(time.RFC3339)
		if k.ActivatedAt != nil && k.State == Retired {
			damage, err := r.Damage(ctx, k)
			if err != nil {
				return err
			}
			lost = damage.String()
		}
	}
	return r.change(ctx, func(ctx context.Context, _ int64, now time.Time) error {
		done, err := r.purge(ctx, k.KID, now)
		if err != nil || !done {
			return orElsewhere(err)
		}
		return r.record(ctx, "key.purged", "alg", k.Alg, "kid", k.KID, "before", early, "invalidates", lost)
	})
}

// Purge deletes keys that nothing alive was signed with, and tells how many. One that the
// device does not let go keeps its row.
func (r *Ring) Purge(ctx context.Context) (n int64, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return 0, err
	}
	var failed error
	for _, k := range all {
		if !over(k, r.Clock()) {
			continue
		}
		if k.Device != "" {
			err := r.removeFromDevice(ctx, k)
			if fault.Is(err, fault.Busy) {
				continue // the row is what remembers the key
			}
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
		}
		err := r.delete(ctx, k)
		if fault.Is(err, fault.Conflict) {
			continue // another node was faster
		}
		if err != nil {
			return n, errors.Join(failed, err)
		}
		n++
	}
	return n, failed
}

// removeFromDevice ends the private half of a key that nobody signs with any more.
func (r *Ring) removeFromDevice(ctx context.Context, k Key) error {
	if r.Device == nil {
		return fmt.Errorf("signing key %s lies in a PKCS #11 device, but none is configured", k.KID)
	}
	all, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Device == k.Device && (other.State == Active || other.State == Next) {
			return fmt.Errorf("signing key %s is over, but lies under the label of %s, which is not; see: keys verify", k.KID, other.KID)
		}
	}
	if err := r.Device.Remove(k.Device, k.Public.Key); err != nil {
		return fmt.Errorf("signing key %s, in the PKCS #11 device under the label %s: %w", k.KID, k.Device, err)
	}
	return r.emptied(ctx, k.KID)
}
