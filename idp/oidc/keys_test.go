package oidc_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tegata/idp/schema"
	"tegata/keys"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

// madeKeys are the rows of a key ring, made once for all tests: RSA keys take their time.
var madeKeys struct {
	once sync.Once
	rows [][]any
}

const keyColumns = `kid, alg, state, public, private, sealed_by, generation, created_at, staged_at, activated_at`

// ringOf gives a ring on d with keys that were made before.
func ringOf(t testing.TB, d *db.DB, seal *secret.Sealer, now clock.Clock) *keys.Ring {
	t.Helper()
	madeKeys.once.Do(func() {
		source := dbtest.SQLite(t, schema.FS)
		begin := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
		ring := &keys.Ring{DB: source, Seal: seal, Clock: begin, Log: slog.New(slog.DiscardHandler)}
		must(t, ring.Ensure(t.Context(), "ES256", "RS256", "PS256", "EdDSA"))
		var err error
		madeKeys.rows, err = db.Collect(t.Context(), source, `select `+keyColumns+` from signing_keys`, nil, func(scan db.Scan) ([]any, error) {
			var kid, alg, state, public, by string
			var private []byte
			var generation int64
			var created, staged time.Time
			var activated *time.Time
			err := scan(&kid, &alg, &state, &public, &private, &by, &generation, &created, &staged, &activated)
			return []any{kid, alg, state, public, private, by, generation, created, staged, activated}, err
		})
		must(t, err)
	})
	must(t, d.Tx(context.Background(), func(ctx context.Context) error {
		for _, row := range madeKeys.rows {
			if _, err := d.Exec(ctx, `insert into signing_keys (`+keyColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, row...); err != nil {
				return err
			}
		}
		return nil
	}))
	ring := &keys.Ring{DB: d, Seal: seal, Clock: now, Log: slog.New(slog.DiscardHandler)}
	must(t, ring.Ensure(t.Context(), "ES256", "RS256", "PS256", "EdDSA"))
	return ring
}
