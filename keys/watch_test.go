package keys_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/db"
)

// spoil makes the active key unreadable, and repair undoes that.
func spoil(t *testing.T, d *db.DB) (repair func()) {
	t.Helper()
	var kid string
	var box []byte
	if err := d.Row(t.Context(), `select kid, private from signing_keys where state = 'active' and device = ''`, nil, &kid, &box); err != nil {
		t.Fatal(err)
	}
	write := func(box []byte) {
		t.Helper()
		if _, err := d.Exec(t.Context(), `update signing_keys set private = $1, generation = generation + 7 where kid = $2`, box, kid); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("nothing"))
	return func() { write(box) }
}

// keeper gives who keeps the schedule, "" for nobody.
func keeper(t *testing.T, d *db.DB) (id string) {
	t.Helper()
	if err := d.Row(t.Context(), `select lease_by from key_ring where id = 1`, nil, &id); err != nil {
		t.Fatal(err)
	}
	return id
}

// What it staged no other node could read, and it would keep them from the schedule.
func TestANodeThatCannotReadTheRingDoesNotKeepTheSchedule(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		log := &bytes.Buffer{}
		r.Log = slog.New(slog.NewTextHandler(log, nil))
		if err := r.SetPlan(t.Context(), keys.Plan{Every: 2 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		held.Move(3 * time.Hour)
		repair := spoil(t, d)
		turn, wait := r.Turns()
		for range 3 {
			turn(t.Context())
			wait()
		}
		if n := strings.Count(log.String(), "cannot be kept up"); n != 1 || strings.Contains(log.String(), "chores") {
			t.Errorf("told %d times, want once, and no chores begun:\n%s", n, log)
		}
		if err := r.Chores(t.Context()); err == nil || keeper(t, d) != "" {
			t.Errorf("chores: %v, the schedule is kept by %q", err, keeper(t, d))
		}
		repair()
		turn(t.Context())
		wait()
		if keeper(t, d) == "" || !strings.Contains(log.String(), "kept up again") {
			t.Errorf("nobody keeps the schedule of a ring that can be read again\n%s", log)
		}
	})
}

func TestChoresThatFailAreNotTakenForARingThatCannotBeRead(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, log := withDevice(t, d)
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		in.answers(func(label string) error {
			if label == old.Device {
				return errors.New("not permitted")
			}
			return nil
		})
		now := r.Clock()
		r.Clock = func() time.Time { return now.Add(keys.Handover) }
		turn, wait := r.Turns()
		turns := func(n int) {
			for range n {
				turn(t.Context())
				wait()
			}
		}
		turns(3)
		if n := strings.Count(log.String(), "not all of its chores"); n != 1 || strings.Contains(log.String(), "signing stops") {
			t.Errorf("told %d times, want once, and nothing of signing:\n%s", n, log)
		}
		repair := spoil(t, d)
		turns(2)
		if n := strings.Count(log.String(), "signing stops"); n != 1 {
			t.Errorf("a ring that cannot be read besides is told %d times:\n%s", n, log)
		}
		repair()
		in.answers(nil)
		turns(3)
		for _, back := range []string{"kept up again", "chores of the key ring are done again"} {
			if n := strings.Count(log.String(), back); n != 1 {
				t.Errorf("the log says %d times: %s\n%s", n, back, log)
			}
		}
	})
}

func TestAScheduleThatFailsIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true}); err != nil {
			t.Fatal(err) // no next key is left
		}
		if err := r.SetPlan(t.Context(), keys.Plan{Every: time.Hour, Before: time.Hour}); err != nil {
			t.Fatal(err)
		}
		full := errors.New("the token is full")
		in.answers(func(label string) error {
			if in.pairs[label] == nil {
				return full
			}
			return nil
		})
		for range 3 { // it is tried once in a while only
			if err := r.Chores(t.Context()); !errors.Is(err, full) {
				t.Errorf("%v, want what came of it until it is tried again", err)
			}
		}
	})
}

func TestAProgramEndsWhileTheDeviceHangs(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		asked, answer := make(chan string, 100), make(chan struct{})
		defer close(answer)
		in.answers(func(label string) error {
			asked <- label
			<-answer
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { defer close(over); r.Watch(ctx) }()
		<-asked
		if all, err := r.Nodes(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%v %v, want this program on the list", all, err)
		}
		stop()
		<-over
		if all, err := r.Nodes(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%v %v, want it off the list", all, err)
		}
	})
}
