package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tegata/idp/schema"
	"tegata/keys"
	"tegata/keys/hsm"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// unplug takes the device away, until plug is called.
func unplug(t *testing.T) (plug func()) {
	t.Helper()
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(tokens, tokens+".gone")
	away := true
	plug = func() {
		if away {
			move(tokens+".gone", tokens)
			away = false
		}
	}
	t.Cleanup(plug)
	return plug
}

// sign signs with the active key of the algorithm.
func sign(t *testing.T, r *keys.Ring, alg string) error {
	t.Helper()
	_, key, err := r.Signer(t.Context(), alg)
	if err != nil {
		return err
	}
	opts, digest := crypto.SignerOpts(crypto.SHA256), make([]byte, 32)
	if alg == "EdDSA" {
		opts = crypto.Hash(0)
	}
	_, err = key.Sign(rand.Reader, digest, opts)
	return err
}

func TestADeviceThatWasAwayIsOpenedAgain(t *testing.T) {
	held := clock.Hold(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	var log bytes.Buffer
	in := deviceWith(t, hsm.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Clock: held.Now})
	r := ring(t, dbtest.SQLite(t, schema.FS), in, held.Now)
	r.Needs = []string{"ES256"}
	if err := r.Ensure(t.Context(), "ES256", "RS256", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		held.Move(10 * time.Minute)
		plug := unplug(t)
		for range 3 {
			if err := sign(t, r, "ES256"); !fault.Is(err, fault.Busy) || fault.Of(err).RetryAfter < time.Second {
				t.Fatalf("round %d, without the device: %v, want busy with a time to come back", round, err)
			}
		}
		if r.Ready(t.Context()) == nil || !in.Away() {
			t.Error("ready without the device")
		}
		if err := sign(t, r, "EdDSA"); err != nil {
			t.Errorf("a key of the database: %v", err)
		}
		if _, err := in.Make("ES256", "another"); !fault.Is(err, fault.Busy) {
			t.Errorf("making a key without the device: %v, want busy", err)
		}
		plug()
		if err := sign(t, r, "ES256"); !fault.Is(err, fault.Busy) {
			t.Errorf("%v: tried again without a pause", err)
		}
		held.Move(30 * time.Second) // the longest pause
		check(t, r, "ES256")
		check(t, r, "RS256")
		if err := r.Ready(t.Context()); err != nil || in.Away() {
			t.Errorf("the device is back, but %v", err)
		}
		if away, back := strings.Count(log.String(), "level=ERROR"), strings.Count(log.String(), "device is back\""); away != round+1 || back != round+1 {
			t.Errorf("round %d: the log says %d times away, %d times back:\n%s", round, away, back, &log)
		}
	}
}

// Tokens lock after a few attempts with a wrong PIN, and only their officer opens them again.
func TestARefusedPINIsNotTriedAgain(t *testing.T) {
	held := clock.Hold(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	var log bytes.Buffer
	in := deviceWith(t, hsm.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Clock: held.Now})
	r := ring(t, dbtest.SQLite(t, schema.FS), in, held.Now)
	if err := r.Ensure(t.Context(), "ES256"); err != nil {
		t.Fatal(err)
	}
	held.Move(10 * time.Minute)
	unplug(t)
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(tokens); err != nil {
			t.Error(err)
		}
	})
	out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", token(t), "--so-pin", "12345678", "--pin", "11111111").CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	for range 3 {
		if err := sign(t, r, "ES256"); !fault.Is(err, fault.Busy) {
			t.Errorf("got %v, want busy", err)
		}
		held.Move(time.Minute)
	}
	if n := strings.Count(log.String(), "refuses the PIN"); n != 1 || !in.Away() {
		t.Errorf("the log says %d times that the PIN is refused:\n%s", n, &log)
	}
}

func TestASessionThatWasLostForAMomentIsOpenedAgainAtOnce(t *testing.T) {
	held := clock.Hold(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	quiet := hsm.Config{Log: slog.New(slog.DiscardHandler), Clock: held.Now}
	in := deviceWith(t, quiet)
	quiet.Module, quiet.Token, quiet.PIN = softHSM(t), token(t), "87654321"
	beside, err := hsm.Open(quiet) // both work with the one library of the process
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := beside.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := in.Make("ES256", "k")
	if err != nil {
		t.Fatal(err)
	}
	same := beside.Open("k", key.Public())
	if err := same.Ready(); err != nil {
		t.Fatal(err)
	}
	held.Move(10 * time.Minute)
	plug := unplug(t)
	if err := same.Ready(); !fault.Is(err, fault.Busy) { // the library forgets what it had open
		t.Fatalf("without the device: %v, want busy", err)
	}
	plug()
	if _, err := key.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); err != nil {
		t.Errorf("the device is well again, but %v", err)
	}
	held.Move(time.Minute)
	if err := same.Ready(); err != nil {
		t.Error(err)
	}
	if err := in.Open("nobody", key.Public()).Ready(); !errors.Is(err, hsm.ErrGone) {
		t.Errorf("%v, want it gone: the device is well", err)
	}
}

func TestAProgramThatReadsTheRingWithoutTheDeviceSignsWhenItIsBack(t *testing.T) {
	held := clock.Hold(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	in := deviceWith(t, hsm.Config{Log: slog.New(slog.DiscardHandler), Clock: held.Now})
	d := dbtest.SQLite(t, schema.FS)
	if err := ring(t, d, in, held.Now).Ensure(t.Context(), "ES256", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	held.Move(10 * time.Minute)
	plug := unplug(t)
	if in.Away() {
		t.Fatal("away before anybody asked")
	}
	if _, err := in.Make("ES256", "x"); err == nil {
		t.Fatal("made a key without the device")
	}
	r := ring(t, d, in, held.Now)
	if err := r.Ensure(t.Context(), "ES256", "EdDSA"); err != nil {
		t.Fatalf("the keys of the database could sign: %v", err)
	}
	if err := sign(t, r, "ES256"); !fault.Is(err, fault.Busy) {
		t.Errorf("%v, want busy", err)
	}
	if err := sign(t, r, "EdDSA"); err != nil {
		t.Error(err)
	}
	plug()
	held.Move(time.Minute)
	if err := r.Ensure(t.Context(), "ES256", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	check(t, r, "ES256")
}
