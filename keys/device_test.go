package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// device keeps ES256 keys in memory. What it is asked, it asks the test.
type device struct {
	mu    sync.Mutex
	pairs map[string]*ecdsa.PrivateKey
	says  func(label string) error // nil: all is well
}

type inside struct {
	*ecdsa.PublicKey
	in    *device
	label string
}

func (d *device) Makes(alg string) bool { return alg == "ES256" }

func (d *device) Make(_, label string) (crypto.Signer, error) {
	if err := d.asked(label); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if d.pairs == nil {
		d.pairs = map[string]*ecdsa.PrivateKey{}
	}
	d.pairs[label] = private
	return private, err
}

func (d *device) Open(label string, public crypto.PublicKey) keys.Probed {
	return &inside{public.(*ecdsa.PublicKey), d, label}
}

func (d *device) Remove(label string, _ crypto.PublicKey) error {
	if err := d.asked(label); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pairs, label)
	return nil
}

func (d *device) asked(label string) error {
	d.mu.Lock()
	says := d.says
	d.mu.Unlock()
	if says == nil {
		return nil
	}
	return says(label)
}

func (d *device) answers(says func(label string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.says = says
}

func (k *inside) Public() crypto.PublicKey { return k.PublicKey }
func (k *inside) Ready() error             { return k.in.asked(k.label) }

func (k *inside) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := k.in.asked(k.label); err != nil {
		return nil, err
	}
	return k.in.pairs[k.label].Sign(random, digest, opts)
}

// withDevice gives a ring with ES256 in a device and EdDSA in the database.
func withDevice(t *testing.T, d *db.DB) (*keys.Ring, *device, *bytes.Buffer) {
	t.Helper()
	in, log := &device{}, &bytes.Buffer{}
	r, _ := start(t, d)
	r.Device, r.Log = in, slog.New(slog.NewTextHandler(log, nil))
	if err := r.Ensure(t.Context(), "ES256", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	return r, in, log
}

// signed tells whether the ring signs with the algorithm.
func signed(t *testing.T, r *keys.Ring, alg string) error {
	t.Helper()
	_, key, err := r.Signer(t.Context(), alg)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte("x"))
	if alg == "EdDSA" {
		_, err = key.Sign(rand.Reader, digest[:], crypto.Hash(0))
	} else {
		_, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	return err
}

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
