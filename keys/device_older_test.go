package keys_test

import (
	"errors"
	"testing"

	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// olderInDevice leaves the rows of the device as the version before statements did.
func olderInDevice(t *testing.T, d *db.DB) {
	t.Helper()
	if _, err := d.Exec(t.Context(), `
		update signing_keys set private = substr(private, 1, 0), sealed_by = '', generation = generation + 7 where device <> ''`); err != nil {
		t.Fatal(err)
	}
}

// unsealed counts the rows that nothing sealed proves.
func unsealed(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.Row(t.Context(), `select count(*) from signing_keys where length(private) = 0`, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAKeyOfAnOlderVersionInADeviceHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		first, in, _ := withDevice(t, d)
		olderInDevice(t, d)
		r := newRing(t, d, first.Clock)
		r.Device = in
		for i, says := range []error{errors.New("no such key"), fault.New(fault.Busy, "", "keys.device_away")} {
			in.answers(func(string) error { t.Error("a look asked the device"); return says })
			if err := r.LookOnly(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := signed(t, r, "EdDSA"); err != nil {
				t.Errorf("a key of the database: %v", err)
			}
			if err := signed(t, r, "ES256"); i == 0 && !fault.Is(err, fault.Busy) {
				t.Errorf("a key that the device has not answered for yet gives %v, want busy", err)
			}
			in.answers(func(string) error { return says })
			if err := r.Chores(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := unsealed(t, d); n != 2 || signed(t, r, "ES256") == nil {
				t.Errorf("%v, but %d rows are not sealed, want 2 that do not sign", says, n)
			}
		}
		in.answers(nil)
		if err := r.Chores(t.Context()); err != nil {
			t.Fatal(err)
		}
		in.answers(func(string) error { t.Error("a look asked the device"); return nil })
		if err := r.LookOnly(t.Context()); err != nil {
			t.Fatal(err)
		}
		in.answers(nil)
		if err := signed(t, r, "ES256"); err != nil || unsealed(t, d) != 0 {
			t.Errorf("%v, %d rows are not sealed; want them adopted, since the device answered for them", err, unsealed(t, d))
		}
	})
}

func TestAKeyOfAnOlderVersionInADeviceSignsFromTheStart(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		first, in, _ := withDevice(t, d)
		olderInDevice(t, d)
		findings(t, first, "") // who only looks asks as well
		if set, err := newVerb(t, d, first, in).Set(t.Context()); err != nil || len(set.Keys) != 4 {
			t.Errorf("%d keys, %v; want all four in the set", len(set.Keys), err)
		}
		if _, err := newVerb(t, d, first, in).Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true}); err != nil {
			t.Errorf("promote: %v", err)
		}
		r := newVerb(t, d, first, in)
		if err := r.Ensure(t.Context(), "ES256", "EdDSA"); err != nil {
			t.Fatal(err)
		}
		if err := signed(t, r, "ES256"); err != nil || unsealed(t, d) != 0 {
			t.Errorf("%v, %d rows are not sealed", err, unsealed(t, d))
		}
	})
}

// newVerb gives the ring as a verb has it that was started now.
func newVerb(t *testing.T, d *db.DB, first *keys.Ring, in *device) *keys.Ring {
	t.Helper()
	r := newRing(t, d, first.Clock)
	r.Device, r.Log = in, first.Log
	return r
}

// Whoever writes to the database has the device answer for a key that it has, under the kid
// of one that it does not have.
func TestADeviceProvesOnlyTheKeyThatItAnsweredFor(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _, _ := withDevice(t, d)
		if _, _, err := r.Rotate(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		inDevice := ofState(t, r, keys.Active)
		planted := forge(t, d, keys.Retired, `substr(private, 1, 0)`)
		for _, change := range []string{
			`delete from signing_keys where state = 'next' and alg = 'ES256'`,
			`update signing_keys set state = 'next', device = '` + inDevice.Device + `', generation = generation + 7, retired_at = null, purge_after = null where kid = '` + planted + `'`,
			`create table was as select public from signing_keys where kid = '` + planted + `'`,
			`update signing_keys set public = (select k.public from signing_keys k where k.kid = '` + inDevice.KID + `') where kid = '` + planted + `'`,
		} {
			if _, err := d.Exec(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		defer func() { _, _ = d.Exec(t.Context(), `drop table was`) }()
		round(t, r) // the device says that it has that one
		if _, err := d.Exec(t.Context(), `update signing_keys set public = (select public from was), generation = generation + 7 where kid = $1`, planted); err != nil {
			t.Fatal(err)
		}
		if err := r.LookOnly(t.Context()); err != nil {
			t.Fatal(err)
		}
		if isServed(t, r, planted) {
			t.Error("a key that the device never answered for is published")
		}
	})
}
