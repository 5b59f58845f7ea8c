package hsm_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tegata/idp/schema"
	"tegata/keys"
	"tegata/keys/hsm"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
)

// running gives a ring whose keys are in a device that is open for long, and what the
// device logs.
func running(t *testing.T) (*keys.Ring, *hsm.Device, *bytes.Buffer) {
	t.Helper()
	held := clock.Hold(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	var log bytes.Buffer
	in := deviceWith(t, hsm.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Clock: held.Now})
	r := ring(t, dbtest.SQLite(t, schema.FS), in, held.Now)
	if err := r.Ensure(t.Context(), "ES256", "RS256"); err != nil {
		t.Fatal(err)
	}
	held.Move(10 * time.Minute)
	return r, in, &log
}

func TestAKeyThatSomebodyDeletedInTheDeviceTakesNoOtherAway(t *testing.T) {
	r, in, log := running(t)
	check(t, r, "ES256")
	check(t, r, "RS256")
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := all[0] // ES256, active
	if err := in.Remove(lost.Device, lost.Public.Key); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := sign(t, r, "ES256"); !errors.Is(err, hsm.ErrGone) {
			t.Errorf("%v, want it gone", err)
		}
		check(t, r, "RS256")
	}
	if in.Away() || log.Len() > 0 {
		t.Errorf("the session was taken away: %s", log)
	}
	found, err := r.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, f := range found {
		if !f.OK {
			wrong++
			if f.Key != lost.KID || !strings.Contains(f.Text, "does not have the key") {
				t.Errorf("%+v", f)
			}
		}
	}
	if wrong != 1 {
		t.Errorf("%d things are wrong, want the one key", wrong)
	}
	if _, _, err := r.Rotate(t.Context(), "ES256"); err != nil { // the way out
		t.Fatal(err)
	}
	check(t, r, "ES256")
}

// Who can write to the database, but not to the device.
func TestALabelThatWasChangedInTheDatabaseSignsWithNoOtherKey(t *testing.T) {
	r, in, log := running(t)
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	active, next := all[0], all[1]
	if _, err := r.DB.Exec(t.Context(), `update signing_keys set device = $1 where kid = $2`, next.Device, active.KID); err != nil {
		t.Fatal(err)
	}
	started := ring(t, r.DB, in, r.Clock)
	started.Needs = []string{"ES256"}
	if err := started.Ensure(t.Context(), "ES256", "RS256"); err != nil {
		t.Fatal(err)
	}
	if err := sign(t, started, "ES256"); !errors.Is(err, hsm.ErrOther) {
		t.Errorf("%v, want that the key is another one", err)
	}
	if err := started.Ready(t.Context()); !errors.Is(err, hsm.ErrOther) {
		t.Errorf("ready: %v", err)
	}
	check(t, started, "RS256")
	if in.Away() || log.Len() > 0 {
		t.Errorf("the session was taken away: %s", log)
	}
}
