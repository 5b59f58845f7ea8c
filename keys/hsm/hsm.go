// Package hsm keeps signing keys in a device that speaks PKCS #11 (an HSM, a cloud's, or
// SoftHSM2 for tests) and signs with them; they cannot be taken out.
//
//	Open     finds the token and logs in
//	Device   what keys.Ring makes its keys in: ES256 and RS256
//
// Keys of other algorithms stay sealed in the database. The kid, the states and all the
// rest are the ring's: the device knows only labels.
package hsm

import (
	"crypto"
	"crypto/elliptic"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"

	"tegata/keys"
)

var _ keys.Device = (*Device)(nil)

// Config is where the device is.
type Config struct {
	Module string // the library of the device's maker: /usr/lib/softhsm/libsofthsm2.so
	Token  string // the label of the token
	PIN    string
}

// Device is a token of a device that is logged in. Its methods may be called at once.
type Device struct{ token *crypto11.Context }

// Open logs in. The caller closes.
func Open(c Config) (*Device, error) {
	token, err := crypto11.Configure(&crypto11.Config{Path: c.Module, TokenLabel: c.Token, Pin: c.PIN})
	if err != nil {
		return nil, fmt.Errorf("PKCS #11 token %s of %s: %w", c.Token, c.Module, err)
	}
	return &Device{token}, nil
}

// Close logs out.
func (d *Device) Close() error { return d.token.Close() }

// rsaBits is as long as those of keys in the database.
const rsaBits = 2048

// Makes tells whether the algorithm's keys can be here. Devices differ in what they call
// PS256 and EdDSA, so those are not.
func (d *Device) Makes(alg string) bool { return alg == "ES256" || alg == "RS256" }

// Make makes a key pair that cannot leave the device.
func (d *Device) Make(alg, label string) (crypto.Signer, error) {
	switch id := []byte(label); alg {
	case "ES256":
		return d.token.GenerateECDSAKeyPairWithLabel(id, named(label), elliptic.P256())
	case "RS256":
		return d.token.GenerateRSAKeyPairWithLabel(id, named(label), rsaBits)
	}
	return nil, fmt.Errorf("hsm: no %s keys", alg)
}

// named is what the tools of the device show.
func named(label string) []byte { return []byte("tegata " + label) }

// ErrGone says that the device has no such key.
var ErrGone = errors.New("the PKCS #11 device does not have the key")

// Open gives a key that Make made.
func (d *Device) Open(label string) (crypto.Signer, error) {
	found, err := d.token.FindKeyPairs([]byte(label), nil)
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
	found, err := d.token.FindKeyPairs([]byte(label), nil)
	if err != nil {
		return fmt.Errorf("hsm: %w", err)
	}
	for _, key := range found {
		if err := key.Delete(); err != nil {
			return fmt.Errorf("hsm: %w", err)
		}
	}
	return nil
}
