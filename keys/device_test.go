package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/fault"
)

func TestADeviceThatNeverAnswersDoesNotHoldTheRingUp(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, _ := withDevice(t, d)
		asked, answer := make(chan string, 100), make(chan struct{})
		in.answers(func(label string) error {
			asked <- label
			<-answer
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { defer close(over); _ = r.Chores(ctx) }()
		<-asked // the chores wait for it now, and so they do for long
		other := newRing(t, d, r.Clock)
		other.Device = &device{}
		k, _, err := other.Stage(t.Context(), "RS256", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.LookOnly(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.Public(k.KID); !ok || !bytes.Contains(set(r), []byte(k.KID)) {
			t.Error("a key of another program is not taken up while the device hangs")
		}
		if err := signed(t, r, "EdDSA"); err != nil {
			t.Errorf("a key of the database: %v", err)
		}
		soon, stop := context.WithCancel(t.Context())
		stop()
		if err := r.Ready(soon); !fault.Is(err, fault.Busy) {
			t.Errorf("ready: %v, want busy", err)
		}
		cancel()
		<-over
		close(answer)
		if err := r.Ready(t.Context()); err != nil {
			t.Errorf("it answers again, but %v", err)
		}
	})
}

func TestAKeyIsAskedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, answer := 0, make(chan struct{})
		in := &device{says: func(string) error { n++; <-answer; return nil }}
		r, got := &keys.Ring{}, make(chan error, 10)
		for range 5 {
			go func() { got <- r.Ask(t.Context(), "a", &inside{in: in}) }()
		}
		synctest.Wait()
		if n != 1 || len(got) != 0 {
			t.Errorf("asked %d times, %d answers, while the first question has none", n, len(got))
		}
		close(answer)
		for range 5 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if err := r.Ask(t.Context(), "a", &inside{in: in}); err != nil || n != 2 {
			t.Errorf("%v, asked %d times, want it asked anew", err, n)
		}
	})
}

// slow signs after a while, when something else may have happened.
type slow struct {
	*ecdsa.PrivateKey
	takes     time.Duration
	meanwhile func()
}

func (s slow) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	time.Sleep(s.takes) // of the bubble's clock
	s.meanwhile()
	return s.PrivateKey.Sign(random, digest, opts)
}

// The ring is read all along, so its age does not tell how long the device took (F-20).
func TestASignatureThatTookLongIsNotGivenOnceTheKeyRetired(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		takes time.Duration
		then  string // the key that the ring says signs by then
		given bool
	}{{12 * time.Second, "old", true}, {12 * time.Second, "new", false}, {4 * time.Second, "new", false}, {0, "new", true}} {
		synctest.Test(t, func(t *testing.T) {
			r := &keys.Ring{}
			r.Believe("ES256", "old", slow{private, c.takes, func() { r.Believe("ES256", c.then, private) }})
			if err := signed(t, r, "ES256"); (err == nil) != c.given || err != nil && !fault.Is(err, fault.Busy) {
				t.Errorf("after %v, when %s signs: %v, want it given %t", c.takes, c.then, err, c.given)
			}
		})
	}
}

func TestALibraryThatPanicsEndsNoProgram(t *testing.T) {
	in := &device{says: func(string) error { panic("Put into a full ResourcePool") }}
	r := &keys.Ring{}
	for range 2 { // and the next one is not left waiting for it
		if err := r.Ask(t.Context(), "a", &inside{in: in}); err == nil || !strings.Contains(err.Error(), "ResourcePool") || fault.Is(err, fault.Busy) {
			t.Errorf("%v, want what it panicked with", err)
		}
	}
}

func TestWorkBesideTheLooksDoesNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, end := 0, make(chan error)
		run := keys.Beside(func(context.Context) error { n++; return <-end })
		for range 3 {
			if err := run(t.Context()); err != nil {
				t.Errorf("%v before any was over", err)
			}
			synctest.Wait()
		}
		if n != 1 {
			t.Errorf("begun %d times, while the first one is under way", n)
		}
		failed := errors.New("failed")
		end <- failed
		synctest.Wait()
		for range 2 { // what came of it stands until the next one is over
			if err := run(t.Context()); !errors.Is(err, failed) {
				t.Errorf("%v, want what came of the last one", err)
			}
			synctest.Wait()
		}
		end <- nil
		synctest.Wait()
		if err := run(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n != 3 {
			t.Errorf("begun %d times, want 3", n)
		}
		end <- nil
	})
}

func set(r *keys.Ring) []byte {
	all, _ := r.JWKS()
	return all
}

func TestAKeyThatTheDeviceDoesNotHaveIsNamedAndTheOthersGoOn(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, in, log := withDevice(t, d)
		all, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("no such key")
		for i, state := range []keys.State{keys.Active, keys.Next} {
			lacks := all[i] // they come by algorithm, and this one is the first
			in.answers(func(label string) error {
				if label == lacks.Device {
					return gone
				}
				return nil
			})
			for range 3 {
				round(t, r)
			}
			if n := strings.Count(log.String(), "kid="+lacks.KID); n != 1 || !strings.Contains(log.String(), gone.Error()) {
				t.Errorf("the log names the %s key %d times:\n%s", state, n, log)
			}
			findings(t, r, "does not open")
			if err := signed(t, r, "EdDSA"); err != nil {
				t.Errorf("a key of the database: %v", err)
			}
			if err := r.Ready(t.Context()); errors.Is(err, gone) != (state == keys.Active) {
				t.Errorf("ready without the %s key: %v", state, err)
			}
			started := newRing(t, d, r.Clock)
			started.Device = in
			if err := started.Ensure(t.Context(), "ES256", "EdDSA"); err != nil {
				t.Errorf("a program does not start: %v", err)
			}
			if err := signed(t, started, "ES256"); errors.Is(err, gone) != (state == keys.Active) {
				t.Errorf("signed without the %s key: %v", state, err)
			}
		}
		_, err = r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true})
		if !errors.Is(err, gone) || states(t, r, "ES256")[keys.Retired] != 0 {
			t.Errorf("promoted a key that cannot sign: %v", err)
		}
		in.answers(nil)
		round(t, r)
		if n := strings.Count(log.String(), "can be used again"); n != 2 {
			t.Errorf("the log says %d times that a key is back:\n%s", n, log)
		}
	})
}
