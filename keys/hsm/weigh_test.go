package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"tegata/keys/hsm"
	"tegata/shared/fault"
)

const removed = pkcs11.Error(pkcs11.CKR_DEVICE_REMOVED)

func TestAKeyThatCannotBeUsedTakesNothingFromTheOthers(t *testing.T) {
	for _, code := range []uint{
		pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED,
		pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_GENERAL_ERROR,
	} {
		f, d := newFake(t)
		all := made(t, d, "bad", "good")
		f.answers(func(what, label string) error {
			if what == "sign" && label == "bad" {
				return pkcs11.Error(code)
			}
			return nil
		})
		for range 3 {
			if err := signs(all[0]); !errors.Is(err, pkcs11.Error(code)) || fault.Is(err, fault.Busy) {
				t.Errorf("%v, want the key's own error", err)
			}
			if err := signs(all[1]); err != nil {
				t.Errorf("%v: the other key: %v", pkcs11.Error(code), err)
			}
			f.clock.Move(10 * time.Minute)
		}
		if f.opened != 1 || d.Away() {
			t.Errorf("%v: opened %d times", pkcs11.Error(code), f.opened)
		}
	}
}

func TestASessionThatIsLostIsOpenedAgain(t *testing.T) {
	for _, code := range []uint{
		pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_DEVICE_ERROR,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
		pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_KEY_HANDLE_INVALID, // of all keys
	} {
		f, d := newFake(t)
		all := made(t, d, "a", "b")
		f.answers(func(what, _ string) error {
			if what == "sign" && f.opened == 1 {
				return pkcs11.Error(code)
			}
			return nil
		})
		for _, k := range all {
			if err := signs(k); err != nil || f.opened != 2 {
				t.Errorf("%v: %v, opened %d times, want another session", pkcs11.Error(code), err, f.opened)
			}
		}
	}
}

func TestAKeyThatIsGoneIsNamedAndCanComeBack(t *testing.T) {
	for _, others := range [][]string{nil, {"other"}} {
		f, d := newFake(t)
		first := made(t, d, "first")[0]
		more := made(t, d, others...)
		kept := f.pairs["first"].PrivateKey
		f.put("first", nil)
		f.answers(func(what, label string) error {
			if what == "sign" && label == "first" && f.pairs["first"] == nil {
				return pkcs11.Error(pkcs11.CKR_KEY_HANDLE_INVALID)
			}
			return nil
		})
		for range 4 {
			if err := signs(first); !errors.Is(err, hsm.ErrGone) {
				t.Errorf("%v, want it gone", err)
			}
			f.clock.Move(10 * time.Minute)
		}
		if f.opened != 2 {
			t.Errorf("opened %d times, want one new session that looks for it", f.opened)
		}
		for _, k := range more {
			if err := signs(k); err != nil {
				t.Error(err)
			}
		}
		f.put("first", kept)
		if err := signs(first); err != nil || d.Away() {
			t.Errorf("it was put back, but %v", err)
		}
	}
}

// Some libraries show what other processes made only to those who start them anew, and
// verbs make keys in a process of their own.
func TestAKeyThatAnotherProcessMadeIsLookedForInANewSession(t *testing.T) {
	f, d := newFake(t)
	well := made(t, d, "well")[0]
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.answers(func(what, _ string) error {
		if what == "open" {
			f.put("made beside", private)
		}
		return nil
	})
	for _, k := range []crypto.Signer{d.Open("made beside", private.Public()), well} {
		if err := signs(k); err != nil || f.opened != 2 {
			t.Errorf("%v, opened %d times, want that the new session finds it", err, f.opened)
		}
	}
}

func TestAKeyWithAnotherPublicHalfDoesNotSign(t *testing.T) {
	f, d := newFake(t)
	all := made(t, d, "a", "b")
	wrong := d.Open("b", all[0].Public()) // a row whose label was changed
	if err := wrong.Ready(); !errors.Is(err, hsm.ErrOther) {
		t.Errorf("ready: %v, want another key", err)
	}
	if err := signs(wrong); !errors.Is(err, hsm.ErrOther) {
		t.Errorf("signed: %v, want another key", err)
	}
	if err := d.Remove("b", all[0].Public()); !errors.Is(err, hsm.ErrOther) {
		t.Errorf("removed: %v, want another key", err)
	}
	if err := signs(all[1]); err != nil || f.opened != 1 {
		t.Errorf("%v, opened %d times", err, f.opened)
	}
	// A device that shows one public half and signs with another.
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.put("a", private)
	f.pairs["a"].shows = all[0].Public()
	again := d.Open("a", all[0].Public())
	f.answers(func(what, _ string) error {
		if what == "look" {
			return pkcs11.Error(pkcs11.CKR_KEY_HANDLE_INVALID)
		}
		return nil
	})
	_ = again.Ready() // looks for it anew
	f.answers(nil)
	if err := signs(again); !errors.Is(err, hsm.ErrOther) {
		t.Errorf("%v, want that the signature is looked at", err)
	}
}

// A device may give the handle of a key that was deleted to the next one.
func TestAHandleThatIsAnotherKeysIsNotReady(t *testing.T) {
	f, d := newFake(t)
	all := made(t, d, "a", "b")
	a := d.Open("a", all[0].Public())
	f.reused = map[string]string{"a": "b"}
	if err := a.Ready(); !errors.Is(err, hsm.ErrOther) || f.opened != 1 {
		t.Errorf("%v, opened %d times, want that it is another key", err, f.opened)
	}
	f.answers(func(what, _ string) error {
		if what == "find" {
			f.put("a", nil)
		}
		return nil
	})
	f.clock.Move(-10 * time.Minute) // so that it is not looked for in another session
	if err := a.Ready(); !errors.Is(err, hsm.ErrGone) || f.opened != 1 {
		t.Errorf("%v, opened %d times, want that it is gone", err, f.opened)
	}
	if err := signs(all[1]); err != nil {
		t.Errorf("the other key: %v", err)
	}
}

// What is there under the label now is found by a new handle.
func TestAKeyWhoseHandleIsAnothersIsLookedForAgain(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "a")[0]
	f.reused = map[string]string{"a": "b"}
	f.answers(func(what, _ string) error {
		if what == "find" {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.reused = nil
		}
		return nil
	})
	if err := d.Open("a", k.Public()).Ready(); err != nil {
		t.Error(err)
	}
}
