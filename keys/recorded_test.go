package keys_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/db"
)

// recorded gives the events of that action, the oldest first.
func recorded(t *testing.T, r *keys.Ring, action string) []audit.Event {
	t.Helper()
	all, err := r.Audit.Tail(t.Context(), 500, "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e audit.Event) bool { return e.Action != action })
}

// kid gives the kid of the key in that state.
func kid(t *testing.T, r *keys.Ring, alg string, state keys.State) string {
	t.Helper()
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.Alg == alg && k.State == state {
			return k.KID
		}
	}
	t.Fatalf("there is no %s %s key", state, alg)
	return ""
}

func TestTheAuditLogNamesEachKeyThatWasStaged(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		revoke := func(q keys.Revocation) error { _, err := r.Revoke(t.Context(), q); return err }
		for _, c := range []struct {
			name, in string // the event beside key.staged that names the successor, "" for none
			do       func() error
		}{
			{"rotate", "key.rotated", func() error { _, _, err := r.Rotate(t.Context(), "ES256"); return err }},
			{"revoke the active key", "key.revoked", func() error { return revoke(keys.Revocation{KID: kid(t, r, "ES256", keys.Active)}) }},
			{"revoke the next key", "key.revoked", func() error { return revoke(keys.Revocation{KID: kid(t, r, "ES256", keys.Next)}) }},
			{"revoke all", "", func() error { return revoke(keys.Revocation{All: true}) }},
		} {
			before := len(recorded(t, r, "key.staged"))
			if err := c.do(); err != nil {
				t.Fatal(c.name, err)
			}
			held.Move(time.Minute)
			next := kid(t, r, "ES256", keys.Next)
			if got := recorded(t, r, "key.staged")[before:]; len(got) != 1 || got[0].Details["kid"] != next {
				t.Errorf("%s: staged %+v, want %s", c.name, got, next)
			}
			if c.in == "" {
				continue
			}
			if all := recorded(t, r, c.in); all[len(all)-1].Details["staged"] != next {
				t.Errorf("%s: %+v, want that %s is staged", c.name, all[len(all)-1], next)
			}
		}
		signs := kid(t, r, "ES256", keys.Active)
		if !slices.ContainsFunc(recorded(t, r, "key.revoked"), func(e audit.Event) bool { return e.Details["active"] == signs }) {
			t.Errorf("no event tells that %s took the place of the key that was revoked with all", signs)
		}
	})
}

func TestTheAuditLogTellsWhatWasExportedAndForWhom(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		escrow, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		typed, err := age.NewScryptRecipient("correct horse battery staple")
		if err != nil {
			t.Fatal(err)
		}
		typed.SetWorkFactor(10)
		for _, c := range []struct {
			to   age.Recipient
			want string
		}{{escrow.Recipient(), escrow.Recipient().String()}, {typed, "passphrase"}} {
			if _, _, err := r.Backup(t.Context(), &bytes.Buffer{}, false, c.to); err != nil {
				t.Fatal(err)
			}
			all := recorded(t, r, "key.exported")
			got := all[len(all)-1].Details
			kids := kid(t, r, "ES256", keys.Active) + " " + kid(t, r, "ES256", keys.Next)
			if got["keys"] != "2" || got["kids"] != kids || got["to"] != c.want || strings.Contains(got["to"], "horse") {
				t.Errorf("%v, want the kids %s and to %s", got, kids, c.want)
			}
		}
	})
}

func TestAScheduleThatIsKeptAlreadyIsNoEvent(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		weekly := keys.Plan{Every: 7 * 24 * time.Hour, Before: 24 * time.Hour}
		for i, c := range []struct {
			plan keys.Plan
			want int // events by then
		}{{keys.Plan{}, 0}, {weekly, 1}, {weekly, 1}, {keys.Plan{}, 2}, {keys.Plan{}, 2}} {
			if err := r.SetPlan(t.Context(), c.plan); err != nil {
				t.Fatal(err)
			}
			if n := len(recorded(t, r, "key.schedule")); n != c.want {
				t.Errorf("after plan %d: %d events, want %d", i+1, n, c.want)
			}
		}
	})
}
