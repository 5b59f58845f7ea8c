package keys_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"filippo.io/age"

	"tegata/keys"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// works are the changes that are broken off.
var works = map[string]func(ctx context.Context, r *keys.Ring) error{
	"rotate": func(ctx context.Context, r *keys.Ring) error {
		_, err := r.Promote(ctx, keys.Promotion{Alg: "ES256", Stage: true, Force: true})
		return err
	},
	"stage": func(ctx context.Context, r *keys.Ring) error {
		_, _, err := r.Stage(ctx, "EdDSA", false)
		return err
	},
	"revoke": func(ctx context.Context, r *keys.Ring) error {
		all, err := r.List(ctx)
		if err != nil {
			return err
		}
		_, err = r.Revoke(ctx, keys.Revocation{KID: all[0].KID})
		return err
	},
	"revoke all": func(ctx context.Context, r *keys.Ring) error {
		_, err := r.Revoke(ctx, keys.Revocation{All: true})
		return err
	},
	"promote": func(ctx context.Context, r *keys.Ring) error {
		_, err := r.Promote(ctx, keys.Promotion{Alg: "ES256", Force: true})
		if fault.Is(err, fault.NotFound) { // repeated after it was done
			_, _, err = r.Stage(ctx, "ES256", false)
		}
		return err
	},
	"retire next": func(ctx context.Context, r *keys.Ring) error { return retire(ctx, r, "ES256", keys.Next, false) },
	"end an algorithm": func(ctx context.Context, r *keys.Ring) error {
		return retire(ctx, r, "EdDSA", keys.Active, false)
	},
	"purge": func(ctx context.Context, r *keys.Ring) error { return retire(ctx, r, "RS256", keys.Retired, true) },
	"import": func(ctx context.Context, r *keys.Ring) error {
		text, err := os.ReadFile(r.KeyFile + ".age")
		if err != nil {
			return err
		}
		by, err := age.NewScryptIdentity(passphrase)
		if err != nil {
			return err
		}
		_, _, err = r.Import(ctx, bytes.NewReader(text), false, by)
		return err
	},
	"recover":           func(ctx context.Context, r *keys.Ring) error { _, err := r.Recover(ctx, false); return err },
	"schedule":          func(ctx context.Context, r *keys.Ring) error { return r.SetPlan(ctx, newPlan) },
	"keep the schedule": keep,
	"rewrap": func(ctx context.Context, r *keys.Ring) error {
		key, err := secret.ReadKeyFile(r.NextKeyFile())
		if err != nil {
			return err
		}
		to, err := r.Seal.Learn(key)
		if err != nil {
			return err
		}
		w, err := r.Rewrap(ctx, keys.Rewrapping{To: to})
		if err == nil && w.Left() > 0 {
			err = fmt.Errorf("%d rows are left", w.Left())
		}
		return err
	},
}

// churn changes the ring without an end.
func churn(ctx context.Context, r *keys.Ring) error {
	for {
		for _, name := range []string{"rotate", "stage", "retire next", "import", "revoke", "promote"} {
			if err := works[name](ctx, r); err != nil && !fault.Is(err, fault.Conflict) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if err := purgeAll(ctx, r); err != nil {
			return err
		}
	}
}

// purgeAll deletes what does not sign any more. It goes through the ring and not past it:
// PostgreSQL ends what a process had asked for when it was killed, and whoever looks at
// that moment has to find it written down.
func purgeAll(ctx context.Context, r *keys.Ring) error {
	all, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.State == keys.Active || k.State == keys.Next {
			continue
		}
		if _, err := r.Retire(ctx, keys.Retirement{KID: k.KID, Purge: true, Force: true}); err != nil && !fault.Is(err, fault.Conflict) {
			return fmt.Errorf("purge: %w", err)
		}
	}
	return nil
}

// passphrase is that of the backup that is imported.
const passphrase = "correct horse battery staple"

// retire retires the key of the algorithm that is in the state, or deletes it; it is no
// mistake when there is none any more.
func retire(ctx context.Context, r *keys.Ring, alg string, state keys.State, purge bool) error {
	all, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.Alg == alg && k.State == state {
			_, err = r.Retire(ctx, keys.Retirement{KID: k.KID, Purge: purge, Force: purge})
		}
	}
	return err
}

// preparations bring the ring to where a change has something to do.
var preparations = map[string]func(ctx context.Context, r *keys.Ring) error{
	"rewrap": func(_ context.Context, r *keys.Ring) error {
		_, err := secret.ReadOrCreateKeyFile(r.NextKeyFile())
		return err
	},
	"schedule": func(ctx context.Context, r *keys.Ring) error { return r.SetPlan(ctx, oldPlan) },
	"keep the schedule": func(ctx context.Context, r *keys.Ring) error {
		if err := r.SetPlan(ctx, keys.Plan{Every: time.Hour, Patience: time.Minute}); err != nil {
			return err
		}
		_, err := r.DB.Exec(ctx, `update signing_keys set activated_at = activated_at - 7200000000 where state = 'active'`)
		return err
	},
	"end an algorithm": func(ctx context.Context, r *keys.Ring) error { return begin(ctx, r, "EdDSA") },
	"purge": func(ctx context.Context, r *keys.Ring) error {
		if err := begin(ctx, r, "RS256"); err != nil {
			return err
		}
		_, err := r.Promote(ctx, keys.Promotion{Alg: "RS256", Force: true})
		return err
	},
	"import": func(ctx context.Context, r *keys.Ring) error {
		if err := begin(ctx, r, "EdDSA"); err != nil {
			return err
		}
		to, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return err
		}
		to.SetWorkFactor(10)
		var out bytes.Buffer
		if _, _, err := r.Backup(ctx, &out, false, to); err != nil {
			return err
		}
		if _, err := r.DB.Exec(ctx, `delete from signing_keys where alg = 'EdDSA'`); err != nil { // it was lost
			return err
		}
		return os.WriteFile(r.KeyFile+".age", out.Bytes(), 0o600)
	},
	"recover": func(ctx context.Context, r *keys.Ring) error { // an hour is missing
		_, err := r.DB.Exec(ctx, `update key_ring set beat_at = beat_at - 3600000000`)
		return err
	},
}

// begin lets an algorithm sign.
func begin(ctx context.Context, r *keys.Ring, alg string) error {
	if _, _, err := r.Stage(ctx, alg, false); err != nil {
		return err
	}
	_, err := r.Promote(ctx, keys.Promotion{Alg: alg, Force: true})
	return err
}
