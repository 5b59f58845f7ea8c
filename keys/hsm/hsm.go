// Package hsm keeps signing keys in a device that speaks PKCS #11 (an HSM, a cloud's, or
// SoftHSM2 for tests) and signs with them; they cannot be taken out.
//
//	Open     finds the token and logs in
//	Device   what keys.Ring makes its keys in: ES256 and RS256
//	link.go  the session: when it is lost it is opened again
//	key.go   a key that is found again in the new session
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
}

// Device is a token of a device that is logged in, or is away. Its methods may be called
// at once; while it is away they give fault.Busy.
type Device struct {
	config Config
	link
}

// Open logs in; a device that is away at first is a mistake. The caller closes.
func Open(c Config) (*Device, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = clock.System
	}
	d := &Device{config: c}
	token, err := d.configure()
	if err != nil {
		return nil, err
	}
	d.opened = c.Clock()
	d.token.Store(token)
	return d, nil
}

func (d *Device) configure() (*crypto11.Context, error) {
	c := d.config
	token, err := crypto11.Configure(&crypto11.Config{Path: c.Module, TokenLabel: c.Token, Pin: c.PIN, PoolWaitTimeout: closing})
	if err != nil {
		return nil, fmt.Errorf("PKCS #11 token %s of %s: %w", c.Token, c.Module, err)
	}
	return token, nil
}

// rsaBits is as long as those of keys in the database.
const rsaBits = 2048

// Makes tells whether the algorithm's keys can be here. Devices differ in what they call
// PS256 and EdDSA, so those are not.
func (d *Device) Makes(alg string) bool { return alg == "ES256" || alg == "RS256" }

// Make makes a key pair that cannot leave the device. It is tried once: a second try could
// leave two keys under the label.
func (d *Device) Make(alg, label string) (crypto.Signer, error) {
	var made *key
	err := d.once(func(token *crypto11.Context) error {
		pair, err := generate(token, alg, label)
		if err == nil {
			made = d.keep(label, token, pair)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func generate(token *crypto11.Context, alg, label string) (crypto11.Signer, error) {
	switch id := []byte(label); alg {
	case "ES256":
		return token.GenerateECDSAKeyPairWithLabel(id, named(label), elliptic.P256())
	case "RS256":
		return token.GenerateRSAKeyPairWithLabel(id, named(label), rsaBits)
	}
	return nil, fmt.Errorf("hsm: no %s keys", alg)
}

// named is what the tools of the device show.
func named(label string) []byte { return []byte("tegata " + label) }

// ErrGone says that the device has no such key.
var ErrGone = errors.New("the PKCS #11 device does not have the key")

// Open gives a key that Make made, or ErrGone.
func (d *Device) Open(label string) (crypto.Signer, error) {
	var found *key
	err := d.do(func(token *crypto11.Context) error {
		pair, err := find(token, label)
		if err == nil {
			found = d.keep(label, token, pair)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func find(token *crypto11.Context, label string) (crypto11.Signer, error) {
	found, err := token.FindKeyPairs([]byte(label), nil)
	if err != nil {
		return nil, fmt.Errorf("hsm: %w", err)
	}
	if len(found) == 0 {
		return nil, ErrGone
	}
	return found[0], nil
}

// Remove deletes a key pair for ever.
func (d *Device) Remove(label string) error {
	return d.do(func(token *crypto11.Context) error {
		found, err := token.FindKeyPairs([]byte(label), nil)
		if err != nil {
			return fmt.Errorf("hsm: %w", err)
		}
		for _, key := range found {
			if err := key.Delete(); err != nil {
				return fmt.Errorf("hsm: %w", err)
			}
		}
		return nil
	})
}
