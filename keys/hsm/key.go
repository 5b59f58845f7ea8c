package hsm

import (
	"crypto"
	"errors"
	"io"
	"sync/atomic"

	"github.com/ThalesGroup/crypto11"

	"tegata/keys"
)

var _ keys.Probed = (*key)(nil)

// key is a key pair in the device. It outlives the session that it was found in: handles
// are good in theirs only, so in another one it is looked for again.
type key struct {
	device *Device
	label  string
	public crypto.PublicKey
	at     atomic.Pointer[handle]
}

// handle is the key in one session.
type handle struct {
	token *crypto11.Context
	pair  crypto11.Signer
}

// keep gives the key with the handle that it has now.
func (d *Device) keep(label string, token *crypto11.Context, pair crypto11.Signer) *key {
	k := &key{device: d, label: label, public: pair.Public()}
	k.at.Store(&handle{token, pair})
	return k
}

// errOther says that somebody put another key in the place of ours.
var errOther = errors.New("the PKCS #11 device has another key under the label")

// in gives the key in this session.
func (k *key) in(token *crypto11.Context) (crypto11.Signer, error) {
	if h := k.at.Load(); h != nil && h.token == token {
		return h.pair, nil
	}
	pair, err := find(token, k.label)
	if err != nil {
		return nil, err
	}
	if own, ok := k.public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(pair.Public()) {
		return nil, errOther
	}
	k.at.Store(&handle{token, pair})
	return pair, nil
}

// Public gives the public half as it was when the key was first seen.
func (k *key) Public() crypto.PublicKey { return k.public }

// Sign signs in the device. While it is away it gives fault.Busy.
func (k *key) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	err = k.device.do(func(token *crypto11.Context) error {
		pair, err := k.in(token)
		if err != nil {
			return err
		}
		signature, err = pair.Sign(random, digest, opts)
		return err
	})
	return signature, err
}

// Ready asks the device for the key, without a signature.
func (k *key) Ready() error {
	return k.device.do(func(token *crypto11.Context) error {
		pair, err := k.in(token)
		if err != nil {
			return err
		}
		_, err = token.GetAttribute(pair, crypto11.CkaId)
		return err
	})
}
