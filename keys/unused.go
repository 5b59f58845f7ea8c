package keys

import (
	"context"
	"time"

	"tegata/shared/fault"
)

// changeWith is change by keys that were made for it. Those that the ring does not have
// then leave the device: a label that no row remembers is found by nobody, and devices have
// little room. When nobody knows what became of the change they stay, and the log names them.
func (r *Ring) changeWith(ctx context.Context, fresh []freshKey, do func(ctx context.Context, generation int64, now time.Time) error) error {
	err := r.change(ctx, do)
	if err != nil {
		r.discardUnused(ctx, fresh, err)
	}
	return err
}

func (r *Ring) discardUnused(ctx context.Context, fresh []freshKey, why error) {
	var unused []freshKey
	for _, k := range fresh {
		if k.device == "" {
			continue
		}
		_, err := r.Find(context.WithoutCancel(ctx), k.public.KeyID)
		switch {
		case fault.Is(err, fault.NotFound) && !fault.Is(why, fault.Busy):
			unused = append(unused, k)
		case err != nil:
			r.tellLeft(k, why)
		}
	}
	r.discard(unused)
}

// discard removes keys from the device that no row was ever written for.
func (r *Ring) discard(fresh []freshKey) {
	for _, k := range fresh {
		if k.device == "" {
			continue
		}
		if err := r.Device.Remove(k.device, k.public.Key); err != nil {
			r.tellLeft(k, err)
		}
	}
}

func (r *Ring) tellLeft(k freshKey, cause error) {
	r.Log.Warn("a key that is in no ring may be left in the PKCS #11 device: delete it there by its label", "label", k.device, "alg", k.alg, "cause", cause)
}
