package keys_test

import (
	"crypto"
	"crypto/sha256"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// What a schedule that cannot be kept looks like from outside: nobody reads the log for it.
func TestAnOverdueKeyIsShown(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256", keys.Push)
		for _, c := range []struct {
			plan  keys.Plan
			after time.Duration
			want  map[string]int
		}{
			{keys.Plan{}, 0, nil},
			{keys.Plan{Every: 2 * time.Hour}, time.Hour, map[string]int{"ES256": 0}},
			{keys.Plan{Every: 2 * time.Hour}, 90 * time.Minute, map[string]int{"ES256": 1800}},
		} {
			if err := r.SetPlan(t.Context(), c.plan); err != nil {
				t.Fatal(err)
			}
			held.Move(c.after)
			got, err := r.Overdue(t.Context())
			if err != nil || len(got) != len(c.want) || got["ES256"] != c.want["ES256"] {
				t.Errorf("%v later: %v %v, want %v", c.after, got, err, c.want)
			}
		}
	})
}

func TestSignaturesThatAreNotGivenAreCounted(t *testing.T) {
	r, _ := start(t, dbtest.SQLite(t, mechanisms(t)), "ES256")
	_, key, err := r.Signer(t.Context(), "ES256")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("x"))
	if _, err := key.Sign(nil, digest[:], crypto.SHA256); err != nil || r.Failed() != 0 {
		t.Fatalf("%v, %d failed", err, r.Failed())
	}
	if _, err := key.Sign(nil, digest[:4], crypto.SHA256); err == nil || r.Failed() != 1 {
		t.Errorf("a digest that is too short: %v, %d failed, want 1", err, r.Failed())
	}
	if _, _, err := r.Signer(t.Context(), "RS256"); err == nil || r.Failed() != 2 {
		t.Errorf("no key: %v, %d failed, want 2", err, r.Failed())
	}
	r.Needs = append(r.Needs, "PS256")
	if err := r.Ready(t.Context()); err == nil || r.Failed() != 2 {
		t.Errorf("who only asks whether it could sign: %v, %d failed, want still 2", err, r.Failed())
	}
}
