package hsm

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/miekg/pkcs11"
	"github.com/thales-e-security/pool"
)

// lost are the answers of a device that only a new session helps with. PKCS #11 v2.40 §5.1.
var lost = []pkcs11.Error{
	pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED,
	pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_SLOT_ID_INVALID,
	pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID,
	pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
}

// unclear are those that can be about the session or about one key: a key that was deleted
// and one that a session lost sight of look alike, and a token that is full refuses a new
// key while the others sign. All others are about the key.
var unclear = []pkcs11.Error{
	pkcs11.CKR_HOST_MEMORY, pkcs11.CKR_DEVICE_MEMORY,
	pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED,
	pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
}

// crowded are those of a device that has no session left for a call.
var crowded = []pkcs11.Error{pkcs11.CKR_SESSION_COUNT}

func isCrowded(err error) bool { return errors.Is(err, pool.ErrTimeout) || isOne(crowded, err) }

// stale are those of a handle that is of no use any more.
var stale = []pkcs11.Error{pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID}

// refused are those after which another attempt with the same PIN would only bring the
// token closer to locking it.
var refused = []pkcs11.Error{
	pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED,
	pkcs11.CKR_USER_PIN_NOT_INITIALIZED,
}

func refusesPIN(err error) bool { return isOne(refused, err) }

func isOne(codes []pkcs11.Error, err error) bool {
	var code pkcs11.Error
	return errors.As(err, &code) && slices.Contains(codes, code)
}

// lostError says that the session is of no use any more.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// weigh tells errors that mean that the session is lost from those of the one key that the
// call was about, which must not take it away from the others. Where the device leaves that
// open, another key is asked to sign.
func (d *Device) weigh(s *session, label string, err error) error {
	switch {
	case err == nil:
		return nil
	case isOne(lost, err),
		errors.Is(err, ErrGone) && d.mayReturn(s, label),
		(isOne(unclear, err) || errors.Is(err, errPanic)) && !d.well(s, label):
		return &lostError{err}
	}
	return err
}

// mayReturn tells whether another session might find a key that this one does not: another
// program may have made it after this session was opened, and some libraries show such keys
// to new sessions only, so that other keys are well says nothing. One that another session
// missed before is gone, and so is one that was removed here.
func (d *Device) mayReturn(s *session, label string) bool {
	known, ok := d.keys.Load(label)
	if !ok {
		return false
	}
	k := known.(*key)
	if !k.missed.CompareAndSwap(nil, s) && k.missed.Load() != s {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config.Clock().Sub(d.opened) >= calm
}

// witnesses is how many other keys are asked whether the session is well: it has to come
// out within the limit of the call that is in doubt.
const witnesses = 2

// well tells whether another key of ours can sign in the session, of those that could most
// lately: one that another node removed says nothing. The signature is of nothing, and
// thrown away. A device that has no session left for the question leaves it open, and the
// session is kept.
func (d *Device) well(s *session, but string) bool {
	digest := sha256.Sum256([]byte("tegata asks whether the device is well"))
	for _, other := range d.lately(but) {
		_, err := try(func() ([]byte, error) {
			h, err := other.in(s)
			if err != nil {
				return nil, err
			}
			return h.pair.Sign(rand.Reader, digest[:], crypto.SHA256)
		})
		if err == nil || isCrowded(err) {
			return true
		}
	}
	return false
}

// lately gives the keys that were of use last, at most as many as are asked.
func (d *Device) lately(but string) []*key {
	var all []*key
	d.keys.Range(func(label, other any) bool {
		if label != but {
			all = append(all, other.(*key))
		}
		return true
	})
	slices.SortFunc(all, func(a, b *key) int { return cmp.Compare(b.used.Load(), a.used.Load()) })
	return all[:min(len(all), witnesses)]
}
