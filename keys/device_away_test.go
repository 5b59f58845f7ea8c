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
			was := ofState(t, r, state)
			in.answers(func(string) error { return fault.New(fault.Busy, "", "keys.device_away") })
			if _, err := r.Revoke(t.Context(), keys.Revocation{KID: was.KID}); err != nil {
				t.Fatalf("%s: %v", state, err)
			}
			if _, ok := r.Public(was.KID); ok || states(t, r, "ES256")[keys.Active] != 1 {
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

// Signing well and making keys are two things to a device: a token may be full, or take no
// key, or be slow to make one.
func TestACompromisedKeyDoesNotWaitForANewOne(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for what, makes := range map[string]error{
			"full":    errors.New("the token is full"),
			"crowded": fault.New(fault.Busy, "", "keys.device_crowded"),
		} {
			for _, state := range []keys.State{keys.Active, keys.Next} {
				clearRing(t, d)
				r, in, log := withDevice(t, d)
				k, revoked := ofState(t, r, state), false
				r.Harm = &harm{}
				in.answers(func(label string) error {
					if in.pairs[label] != nil {
						return nil
					}
					all, err := r.List(t.Context())
					if err != nil {
						return err
					}
					revoked = slices.ContainsFunc(all, func(one keys.Key) bool { return one.KID == k.KID && one.State == keys.Revoked })
					return makes
				})
				if _, err := r.Revoke(t.Context(), keys.Revocation{KID: k.KID}); err != nil {
					t.Fatalf("%s, %s: %v", what, state, err)
				}
				if _, ok := r.Public(k.KID); ok || !revoked {
					t.Errorf("%s, %s: the device was asked for a key before the other was revoked", what, state)
				}
				if err := signed(t, r, "ES256"); err != nil || !strings.Contains(log.String(), "no next key could be staged") {
					t.Errorf("%s, %s: %v\n%s", what, state, err, log)
				}
				in.answers(nil)
				if _, made, err := r.Stage(t.Context(), "ES256", false); err != nil || !made {
					t.Errorf("%s, %s: staged later %t, %v", what, state, made, err)
				}
			}
		}
	})
}

// ofState gives the ES256 key in that state.
func ofState(t *testing.T, r *keys.Ring, state keys.State) keys.Key {
	t.Helper()
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(k keys.Key) bool { return k.Alg == "ES256" && k.State == state })
	return all[at]
}

// An unproved next key has nobody's word: a device that is away cannot give it either.
func TestANextKeyThatOnlyTheDeviceCouldProveDoesNotSignUnasked(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		planted, old := ofState(t, r, keys.Next), ofState(t, r, keys.Active)
		if _, err := d.Exec(t.Context(), `update signing_keys set private = substr(private, 1, 0), generation = generation + 7 where kid = $1`, planted.KID); err != nil {
			t.Fatal(err)
		}
		in.answers(func(label string) error {
			if label == planted.Device || label == old.Device {
				return fault.New(fault.Busy, "", "keys.device_away")
			}
			return nil
		})
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true}); err == nil {
			t.Error("promoted")
		}
		if _, err := r.Revoke(t.Context(), keys.Revocation{KID: old.KID}); err != nil {
			t.Fatal(err)
		}
		if kid, _, err := r.Signer(t.Context(), "ES256"); err != nil || kid == planted.KID || kid == old.KID {
			t.Errorf("%s signs, %v; want a fresh key", kid, err)
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

func TestAKeyInADeviceIsDeletedThereBeforeItIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, log := withDevice(t, d)
		now := r.Clock()
		var old []keys.Key
		for range 2 {
			k, _, err := r.Rotate(t.Context(), "ES256")
			if err != nil {
				t.Fatal(err)
			}
			old = append(old, k)
		}
		r.Clock = func() time.Time { return now.Add(2 * keys.DefaultKeep) }
		in.answers(func(string) error { return fault.New(fault.Busy, "", "keys.device_away") })
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: old[0].KID, Purge: true}); !fault.Is(err, fault.Busy) {
			t.Errorf("deleted while the device is away: %v, want busy", err)
		}
		if _, err := r.Find(t.Context(), old[0].KID); err != nil {
			t.Errorf("%v, and nobody knows of what the device has", err)
		}
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: old[1].KID, Purge: true, Force: true}); err != nil || !strings.Contains(log.String(), old[1].Device) {
			t.Errorf("by force: %v, want the label in the log\n%s", err, log)
		}
		in.answers(nil)
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: old[0].KID, Purge: true}); err != nil || in.pairs[old[0].Device] != nil {
			t.Errorf("%v, want it deleted in the device", err)
		}
		for _, k := range old {
			if _, err := r.Find(t.Context(), k.KID); err == nil {
				t.Errorf("%s is still there", k.KID)
			}
		}
	})
}

func TestVerifySaysInWordsThatTheDeviceIsAway(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		in.answers(func(string) error {
			return fault.Wrap(fault.Busy, "keys.device_away", errors.New("pkcs11: 0x5: CKR_GENERAL_ERROR"))
		})
		findings(t, r, "cannot sign: the PKCS #11 device cannot be used now: pkcs11: 0x5: CKR_GENERAL_ERROR")
		in.answers(nil)
		findings(t, r, "")
	})
}

func TestVerifySaysThatItDoesNotSeeWhetherProgramsReachTheDevice(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _, _ := withDevice(t, d)
		notes := func() (all []string) {
			t.Helper()
			found, err := r.Verify(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if f.Note && strings.Contains(f.Text, "whether running programs reach the PKCS #11 device") {
					all = append(all, f.Text)
				}
			}
			return all
		}
		if got := notes(); len(got) != 0 {
			t.Errorf("%v, want nothing while no program runs", got)
		}
		round(t, r)
		if got := notes(); len(got) != 1 || !strings.Contains(got[0], "/readyz") {
			t.Errorf("%v, want where it is seen", got)
		}
	})
}
