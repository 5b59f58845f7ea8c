// Package hsm keeps signing keys in a device that speaks PKCS #11 (an HSM, a cloud's, or
// SoftHSM2 for tests) and signs with them; they cannot be taken out.
//
//	Open      finds the token and logs in
//	Device    what keys.Ring makes its keys in: ES256 and RS256
//	call.go   one call to the device: nobody waits for an answer for ever
//	link.go   the session: when it is lost it is opened again
//	weigh.go  whether an error is about the session or about one key
//	key.go    a key that is found again in the new session
//
// Keys of other algorithms stay sealed in the database. The kid, the states and all the
// rest are the ring's: the device knows only labels.
package hsm

import (
	"crypto"
	"crypto/elliptic"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThalesGroup/crypto11"

	"tegata/keys"
	"tegata/shared/clock"
)

var _ keys.Device = (*Device)(nil)

// Config is where the device is.
type Config struct {
	Module string // the library of the device's maker: /usr/lib/softhsm/libsofthsm2.so
	Token  string // the label of the token
	PIN    string

	Log   *slog.Logger // told when the device goes away and comes back; nil: slog.Default
	Clock clock.Clock  // for the pauses between attempts; nil: the machine's

	open  func() (token, error)                // logs in; nil: the module does
	after func(time.Duration) <-chan time.Time // for the limits of calls; nil: time.After
}

// token is what we use of a token that is logged in. crypto11 makes it; tests have their own.
type token interface {
	FindKeyPairs(id, label []byte) ([]crypto11.Signer, error)
	GenerateECDSAKeyPairWithLabel(id, label []byte, curve elliptic.Curve) (crypto11.Signer, error)
	GenerateRSAKeyPairWithLabel(id, label []byte, bits int) (crypto11.SignerDecrypter, error)
	GetAttribute(key any, attribute crypto11.AttributeType) (*crypto11.Attribute, error)
	Close() error // waits for calls that are under way
}

// Device is a token of a device that is logged in, or is away. Its methods may be called
// at once; while it is away they give fault.Busy.
type Device struct {
	config Config
	keys   sync.Map // every key that was made or opened here, by label
	uses   atomic.Int64
	link
}

// Open logs in; a device that is away at first is a mistake. The caller closes.
func Open(c Config) (*Device, error) {
	d := &Device{config: c}
	if c.Log == nil {
		d.config.Log = slog.Default()
	}
	if c.Clock == nil {
		d.config.Clock = clock.System
	}
	if c.after == nil {
		d.config.after = time.After
	}
	if c.open == nil {
		d.config.open = d.configure
	}
	if err := d.first(); err != nil {
		return nil, fmt.Errorf("PKCS #11 token %s of %s: %w", c.Token, c.Module, err)
	}
	return d, nil
}

func (d *Device) configure() (token, error) {
	c := d.config
	return crypto11.Configure(&crypto11.Config{Path: c.Module, TokenLabel: c.Token, Pin: c.PIN, PoolWaitTimeout: turn})
}

// rsaBits is as long as those of keys in the database.
const rsaBits = 2048

// Makes tells whether the algorithm's keys can be here. Devices differ in what they call
// PS256 and EdDSA, so those are not.
func (d *Device) Makes(alg string) bool { return Makes(alg) }

// Makes is the same for a device that is away.
func Makes(alg string) bool { return alg == "ES256" || alg == "RS256" }

// Make makes a key pair that cannot leave the device. It is tried once: a second try could
// leave two keys under the label.
func (d *Device) Make(alg, label string) (crypto.Signer, error) {
	made, err := ask(d, making, label, func(s *session) (*key, error) {
		pair, err := generate(s, alg, label)
		if err != nil {
			return nil, err
		}
		k := &key{device: d, label: label, public: pair.Public()}
		k.at.Store(&handle{session: s, pair: pair})
		k.used.Store(d.uses.Add(1))
		return k, nil
	})
	if err != nil {
		return nil, err
	}
	d.keys.Store(label, made)
	return made, nil
}

func generate(t token, alg, label string) (crypto11.Signer, error) {
	switch id := []byte(label); alg {
	case "ES256":
		return t.GenerateECDSAKeyPairWithLabel(id, named(label), elliptic.P256())
	case "RS256":
		return t.GenerateRSAKeyPairWithLabel(id, named(label), rsaBits)
	}
	return nil, fmt.Errorf("hsm: no %s keys", alg)
}

// named is what the tools of the device show.
func named(label string) []byte { return []byte("tegata " + label) }

var (
	// ErrGone says that the device has no such key.
	ErrGone = errors.New("the PKCS #11 device does not have the key")
	// ErrOther says that what the device has under the label is another key.
	ErrOther = errors.New("the PKCS #11 device has another key under the label")
)

// Open gives the key that has the label and the public half. It does not ask the device:
// Ready and Sign do, and give ErrGone or ErrOther when it has no such key.
func (d *Device) Open(label string, public crypto.PublicKey) keys.Probed {
	k := &key{device: d, label: label, public: public}
	if known, ok := d.keys.LoadOrStore(label, k); ok && same(known.(*key).public, public) {
		return known.(*key)
	}
	return k
}

// find gives the key pair of the label with that public half.
func find(t token, label string, public crypto.PublicKey) (crypto11.Signer, error) {
	found, err := t.FindKeyPairs([]byte(label), nil)
	if err != nil {
		return nil, fmt.Errorf("hsm: %w", err)
	}
	for _, pair := range found {
		if same(pair.Public(), public) {
			return pair, nil
		}
	}
	if len(found) > 0 {
		return nil, ErrOther
	}
	return nil, ErrGone
}

// same tells whether two public halves are one.
func same(a, b crypto.PublicKey) bool {
	own, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(b)
}

// Remove deletes the key pair for ever; ErrOther when another one has its label.
func (d *Device) Remove(label string, public crypto.PublicKey) error {
	_, err := do(d, label, func(s *session) (_ struct{}, err error) {
		pair, err := find(s, label, public)
		if err == nil {
			err = pair.Delete()
		}
		if errors.Is(err, ErrGone) {
			return struct{}{}, nil
		}
		return struct{}{}, err
	})
	if err == nil {
		d.keys.Delete(label)
	}
	return err
}
