package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"

	"tegata/keys"
	"tegata/shared/db"
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

func (k *inside) Ready() error {
	if err := k.in.asked(k.label); err != nil || k.PublicKey == nil {
		return err
	}
	k.in.mu.Lock()
	defer k.in.mu.Unlock()
	if pair := k.in.pairs[k.label]; pair == nil || !pair.PublicKey.Equal(k.PublicKey) {
		return errors.New("no such key")
	}
	return nil
}

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
