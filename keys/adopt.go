package keys

import (
	"context"
	"errors"
)

// adoptOlder seals what an older version left: it gives statements to keys that ended, when
// this program knew them, or when they are in the list of ended keys and the ring has keys
// still that an older version made. Those keys are sealed anew, so that the second case is
// over. Ensure and Watch call it.
func (r *Ring) adoptOlder(ctx context.Context) error {
	s := r.now.Load()
	knew := false
	for _, one := range s.unsealed {
		knew = knew || one
	}
	if !knew && !s.older {
		return nil
	}
	ended, err := r.ended(ctx)
	if err != nil {
		return err
	}
	rows, err := r.load(ctx)
	if err != nil {
		return err
	}
	boxes := map[string][]byte{}
	for _, k := range rows {
		_, listed := ended[k.KID]
		if boxes[k.KID], err = r.adopted(k, s.unsealed[k.KID] || listed && s.older); err != nil {
			return err
		}
	}
	err = r.DB.Tx(ctx, func(ctx context.Context) error {
		for _, k := range rows {
			if err := r.adoptOne(ctx, k, boxes[k.KID]); err != nil {
				return err
			}
		}
		r.step("adopted")
		return nil
	})
	if err != nil {
		return err
	}
	return r.reload(ctx)
}

// provedByDevice has the device prove at the start what only it can, so that no key of an
// older version waits for the first chores. What it does not answer for is left out till then.
func (r *Ring) provedByDevice(ctx context.Context) error {
	if !r.now.Load().lacking {
		return nil
	}
	rows, err := r.load(ctx)
	if err != nil {
		return err
	}
	_ = r.askOlder(ctx, rows...) // the log tells of it in the chores
	return r.refresh(ctx)
}

// adopted gives what a row is to be sealed as, nil when it stays as it is.
func (r *Ring) adopted(k row, believed bool) ([]byte, error) {
	marked, err := r.prove(k)
	switch lives := k.State == Active || k.State == Next; {
	case lives && (err != nil || marked): // take tells of what is wrong
		return nil, nil
	case lives && k.Device != "":
		return r.sealStatement(k.KID, k.Alg, "")
	case lives:
		private, _, err := r.openSealed(k)
		if err != nil {
			return nil, err
		}
		return r.sealPrivate(k.KID, private)
	case errors.Is(err, errUnsealed) && believed:
		return r.sealStatement(k.KID, k.Alg, k.State)
	}
	return nil, nil
}

func (r *Ring) adoptOne(ctx context.Context, k row, box []byte) error {
	if box == nil {
		return nil
	}
	done, err := r.reseal(ctx, k, box)
	if err != nil || !done || k.State == Active || k.State == Next {
		return err
	}
	return r.record(ctx, "key.adopted", "alg", k.Alg, "kid", k.KID, "state", string(k.State))
}
