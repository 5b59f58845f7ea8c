package accounts_test

import (
	"fmt"
	"testing"

	"tegata/idp/accounts"
	"tegata/shared/fault"
)

func TestAHouseholdIsOnePlace(t *testing.T) { // IPv6: one /64
	each(t, func(t *testing.T, w world) {
		compared := 0
		for i := range 15 {
			place := fmt.Sprintf("2001:db8:0:1::%x", i+1)
			if _, err := w.LogIn(from(t, place), "ada@example.jp", "x"); fault.Is(err, fault.Denied) {
				compared++
			}
		}
		if compared != 10 {
			t.Errorf("%d guesses compared, want 10", compared)
		}
		if _, err := w.LogIn(from(t, "2001:db8:0:2::1"), "ada@example.jp", "x"); !fault.Is(err, fault.Denied) {
			t.Errorf("the neighbour: %v, want denied", err)
		}
	})
}

func TestOnePlaceCannotSignUpForever(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.Rules.SignUpPlace.Burst = 3
		var err error
		for i := range 4 {
			_, err = w.SignUp(from(t, "192.0.2.1"), draft(fmt.Sprintf("p%d@example.jp", i)))
		}
		if f := fault.Of(err); f == nil || f.Kind != fault.TooMany || f.RetryAfter <= 0 {
			t.Errorf("fourth sign-up: %v, want too many and when to come back", err)
		}
		if n := w.count("accounts"); n != 3 {
			t.Errorf("%d accounts, want 3", n)
		}
	})
}

func TestFreeMailIsRecognised(t *testing.T) { // S-026
	for email, want := range map[string]bool{
		"ada@gmail.com": true, "Ada@Yahoo.co.JP ": true, "ada@example.co.jp": false, "gmail.com": false, "": false,
	} {
		if got := accounts.FreeMail(email); got != want {
			t.Errorf("%q: %v, want %v", email, got, want)
		}
	}
}
