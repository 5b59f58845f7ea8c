package hsm_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/pkcs11"
	"github.com/thales-e-security/pool"

	"tegata/shared/fault"
)

func TestATokenWithoutAFreeSessionIsBusyAndNotAway(t *testing.T) {
	for _, full := range []error{pool.ErrTimeout, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)} {
		f, d := newFake(t)
		k := made(t, d, "a")[0]
		f.answers(func(string, string) error { return full })
		if err := signs(k); !fault.Is(err, fault.Busy) || fault.Of(err).RetryAfter < time.Second || d.Away() || f.opened != 1 {
			t.Errorf("%v: %v, away: %t, opened %d times, want busy", full, err, d.Away(), f.opened)
		}
		f.answers(nil)
		if err := signs(k); err != nil {
			t.Error(err)
		}
	}
}

// To ask another key takes a session, too, and nobody waits long for one.
func TestInACrowdedTokenOneBadKeyTakesTheSessionFromNobody(t *testing.T) {
	for _, full := range []error{pool.ErrTimeout, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)} {
		f, d := newFake(t)
		all := made(t, d, "bad", "b", "c", "d")
		var asked atomic.Int32
		f.answers(func(what, label string) error {
			if label == "bad" {
				return pkcs11.Error(pkcs11.CKR_FUNCTION_FAILED)
			}
			asked.Add(1)
			return full
		})
		if err := signs(all[0]); !errors.Is(err, pkcs11.Error(pkcs11.CKR_FUNCTION_FAILED)) {
			t.Errorf("%v, want the key's own error", err)
		}
		if n := asked.Load(); n != 1 || d.Away() || f.opened != 1 {
			t.Errorf("%v: %d others were asked, away: %t, opened %d times", full, n, d.Away(), f.opened)
		}
	}
}

// Other nodes remove keys as well, and nothing tells this one.
func TestTheKeysThatSignedLastTellWhetherTheDeviceIsWell(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "bad", "in use", "1", "2", "3", "4", "5", "6", "7", "8")
	if err := signs(k[1]); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	f.answers(func(what, label string) error {
		if what == "sign" && label != "bad" {
			asked.Add(1)
		}
		if what == "sign" && label != "in use" {
			return pkcs11.Error(pkcs11.CKR_FUNCTION_FAILED)
		}
		return nil
	})
	if err := signs(k[0]); !errors.Is(err, pkcs11.Error(pkcs11.CKR_FUNCTION_FAILED)) || asked.Load() != 1 || f.opened != 1 {
		t.Errorf("%v, %d others were asked, opened %d times", err, asked.Load(), f.opened)
	}
	asked.Store(0)
	f.answers(func(what, label string) error {
		if what == "sign" && f.opened == 1 {
			asked.Add(1)
			return pkcs11.Error(pkcs11.CKR_FUNCTION_FAILED)
		}
		return nil
	})
	if err := signs(k[0]); err != nil || asked.Load() != 3 || f.opened != 2 {
		t.Errorf("%v, %d were asked, opened %d times, want the key, two others and a new session", err, asked.Load(), f.opened)
	}
}

// The schedule tries again and again to make the next key.
func TestATokenThatIsFullSignsOn(t *testing.T) {
	for _, code := range []uint{pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_HOST_MEMORY} {
		f, d := newFake(t)
		k := made(t, d, "a")[0]
		f.answers(func(what, _ string) error {
			if what == "make" {
				return pkcs11.Error(code)
			}
			return nil
		})
		for range 3 {
			if _, err := d.Make("ES256", "b"); !errors.Is(err, pkcs11.Error(code)) || fault.Is(err, fault.Busy) {
				t.Errorf("%v, want %v", err, pkcs11.Error(code))
			}
			if err := signs(k); err != nil || f.opened != 1 {
				t.Errorf("%v, opened %d times", err, f.opened)
			}
		}
	}
}
