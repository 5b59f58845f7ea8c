package keys_test

import (
	"context"
	"strings"
	"testing"

	"tegata/shared/db"
	"tegata/shared/fault"
)

// No row remembers the label of a key that was made and not taken, and a device has room
// for few.
func TestAKeyThatTheRingDoesNotTakeLeavesTheDevice(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, log := withDevice(t, d)
		has := len(in.pairs)
		other := newRing(t, d, r.Clock)
		other.Device = in
		r.Step = once("generated", func() {
			if _, _, err := other.Rotate(t.Context(), "ES256"); err != nil {
				t.Error(err)
			}
			has++ // the key that is staged next
		})
		if _, _, err := r.Rotate(t.Context(), "ES256"); err != nil || len(in.pairs) != has {
			t.Errorf("another node was quicker: %v, %d keys in the device, want %d", err, len(in.pairs), has)
		}
		ctx, leave := context.WithCancel(t.Context())
		r.Step = once("begun", leave)
		if _, _, err := r.Rotate(ctx, "ES256"); err == nil || len(in.pairs) != has {
			t.Errorf("whoever asked is gone: %v, %d keys in the device, want %d", err, len(in.pairs), has)
		}
		ctx, leave = context.WithCancel(t.Context())
		r.Step = once("begun", func() {
			leave()
			in.answers(func(string) error { return fault.New(fault.Busy, "", "keys.device_away") })
		})
		if _, _, err := r.Rotate(ctx, "ES256"); err == nil || !strings.Contains(log.String(), "may be left in the PKCS #11 device") {
			t.Errorf("%v, and nobody is told of the key that the device keeps\n%s", err, log)
		}
	})
}

// once does something at the first step of that name.
func once(name string, do func()) func(string) {
	return func(step string) {
		if step == name && do != nil {
			do()
			do = nil
		}
	}
}
