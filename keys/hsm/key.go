package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"sync/atomic"

	"github.com/ThalesGroup/crypto11"

	"tegata/keys"
)

var _ keys.Probed = (*key)(nil)

// key is a key pair in the device, told by its label and its public half. It outlives the
// session that it was found in: handles are good in theirs only, so in another one it is
// looked for again.
type key struct {
	device *Device
	label  string
	public crypto.PublicKey
	at     atomic.Pointer[handle]
	missed atomic.Pointer[session] // the first one that did not have it, since it was last seen
	used   atomic.Int64            // when it was of use last, in uses of the device; 0: never
}

// handle is the key in one session.
type handle struct {
	session *session
	pair    crypto11.Signer
	proved  atomic.Bool // a signature of it was checked
}

// in gives the key in this session.
func (k *key) in(s *session) (*handle, error) {
	if h := k.at.Load(); h != nil && h.session == s {
		return h, nil
	}
	pair, err := find(s, k.label, k.public)
	if err != nil {
		return nil, err
	}
	h := &handle{session: s, pair: pair}
	k.at.Store(h)
	k.missed.Store(nil)
	return h, nil
}

// with works with the key in this session, and looks for it once more when its handle is
// of no use, or has become another key's: somebody may have put it there anew.
func with[T any](k *key, s *session, work func(*handle) (T, error)) (value T, err error) {
	for range 2 {
		var h *handle
		if h, err = k.in(s); err != nil {
			return value, err
		}
		if value, err = work(h); err == nil {
			k.used.Store(k.device.uses.Add(1))
		}
		if !isOne(stale, err) && !errors.Is(err, ErrOther) {
			return value, err
		}
		k.at.CompareAndSwap(h, nil)
	}
	return value, err
}

// Public gives the public half.
func (k *key) Public() crypto.PublicKey { return k.public }

// Sign signs in the device, which has random numbers of its own. While it is away it gives
// fault.Busy.
func (k *key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	digest = bytes.Clone(digest) // the call may outlive this one
	return do(k.device, k.label, func(s *session) ([]byte, error) {
		return with(k, s, func(h *handle) ([]byte, error) { return k.sign(h, digest, opts) })
	})
}

// sign checks the first signature of a handle: what the device shows as the public half of
// a key need not be that.
func (k *key) sign(h *handle, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := h.pair.Sign(rand.Reader, digest, opts)
	if err != nil || h.proved.Load() {
		return signature, err
	}
	if !fits(k.public, digest, signature, opts) {
		return nil, ErrOther
	}
	h.proved.Store(true)
	return signature, nil
}

// fits tells whether the signature is of the key.
func fits(public crypto.PublicKey, digest, signature []byte, opts crypto.SignerOpts) bool {
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, digest, signature)
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(public, pss.HashFunc(), digest, signature, pss) == nil
		}
		return rsa.VerifyPKCS1v15(public, opts.HashFunc(), digest, signature) == nil
	}
	return false
}

// Ready asks the device for the key, without a signature. The ID tells whether the handle is
// still the key's: once that was deleted, a device may give its handle to another.
func (k *key) Ready() error {
	_, err := do(k.device, k.label, func(s *session) (_ struct{}, err error) {
		return with(k, s, func(h *handle) (struct{}, error) {
			id, err := h.session.GetAttribute(h.pair, crypto11.CkaId)
			if err == nil && (id == nil || string(id.Value) != k.label) {
				err = ErrOther
			}
			return struct{}{}, err
		})
	})
	return err
}
