package keys_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/fault"
)

func TestACompromisedKeyDoesNotWaitForTheDevice(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		for _, state := range []keys.State{keys.Active, keys.Next} {
			if _, _, err := r.Stage(t.Context(), "ES256", false); err != nil {
				t.Fatal(err)
			}
			all, err := r.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			was := slices.IndexFunc(all, func(k keys.Key) bool { return k.Alg == "ES256" && k.State == state })
			in.answers(func(string) error { return fault.New(fault.Busy, "", "keys.device_away") })
			if _, err := r.Revoke(t.Context(), keys.Revocation{KID: all[was].KID}); err != nil {
				t.Fatalf("%s: %v", state, err)
			}
			if _, ok := r.Public(all[was].KID); ok || states(t, r, "ES256")[keys.Active] != 1 {
				t.Errorf("%s: it is published still", state)
			}
			if err := signed(t, r, "ES256"); !fault.Is(err, fault.Busy) {
				t.Errorf("%s: %v, want busy until the device is back", state, err)
			}
			in.answers(nil)
			if err := signed(t, r, "ES256"); err != nil {
				t.Errorf("%s: %v", state, err)
			}
		}
	})
}

func TestAKeyThatTheDeviceDoesNotLetGoKeepsNoOther(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		var old []keys.Key
		for range 3 {
			k, _, err := r.Rotate(t.Context(), "ES256")
			if err != nil {
				t.Fatal(err)
			}
			old = append(old, k)
		}
		kept := errors.New("not permitted")
		in.answers(func(label string) error {
			if label == old[1].Device {
				return kept
			}
			return nil
		})
		now := r.Clock()
		for _, later := range []time.Duration{keys.Handover, 2 * keys.DefaultKeep} {
			r.Clock = func() time.Time { return now.Add(later) }
			if err := r.Clear(t.Context()); !errors.Is(err, kept) || !strings.Contains(err.Error(), old[1].KID) {
				t.Errorf("%v, want the key named", err)
			}
			if in.pairs[old[0].Device] != nil || in.pairs[old[1].Device] == nil || in.pairs[old[2].Device] != nil {
				t.Error("others are not deleted either")
			}
		}
		if got := states(t, r, "ES256"); got[keys.Retired] != 1 {
			t.Errorf("%v, want the row of that key alone", got)
		}
	})
}

func TestWhatADeviceThatIsAwayHasToDeleteWaitsForIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, log := withDevice(t, d)
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		in.answers(func(string) error { return fault.New(fault.Busy, "", "keys.device_away") })
		now := r.Clock()
		for _, later := range []time.Duration{keys.Handover, 2 * keys.DefaultKeep} {
			r.Clock = func() time.Time { return now.Add(later) }
			if err := r.Clear(t.Context()); err != nil {
				t.Fatalf("%v, want that the ring is kept up", err)
			}
			if _, err := r.Find(t.Context(), old.KID); err != nil || in.pairs[old.Device] == nil {
				t.Errorf("%v: the row is gone, and nobody knows of what the device has", err)
			}
		}
		in.answers(nil)
		if err := r.Clear(t.Context()); err != nil || in.pairs[old.Device] != nil {
			t.Errorf("%v, want it deleted in the device that is back\n%s", err, log)
		}
	})
}
