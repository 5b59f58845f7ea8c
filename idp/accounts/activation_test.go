package accounts_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/shared/fault"
)

func TestLinkAndThenLogInActivate(t *testing.T) { // S-038, S-039
	each(t, func(t *testing.T, w world) {
		w.signUp("ada@example.jp")
		token := w.token("ada@example.jp")
		for range 3 { // S-033, A-086: looking changes nothing
			if got := w.link(token); got != accounts.Fresh {
				t.Fatalf("the link is %v, want fresh", got)
			}
		}
		if _, err := w.LogIn(t.Context(), "ada@example.jp", good); !fault.Is(err, fault.Denied) {
			t.Errorf("log-in before the proof: %v, want denied", err)
		}
		l, err := w.ProveByLink(t.Context(), token)
		if err != nil || l.State != accounts.Fresh || l.Email != "ada@example.jp" {
			t.Fatalf("prove: %+v %v", l, err)
		}
		if a, _ := w.ByEmail(t.Context(), "ada@example.jp"); a.State != accounts.Proved || a.ActivatedAt != nil || !a.EmailVerified() {
			t.Errorf("after the link the account is %v, want proved and not active", a.State)
		}
		w.clock.Move(time.Minute)
		a, err := w.LogIn(t.Context(), "ADA@example.jp", good) // S-024
		if err != nil || a.State != accounts.Active || a.ActivatedAt == nil || !a.ActivatedAt.Equal(start.Add(time.Minute)) {
			t.Errorf("after the log-in: %+v %v, want active since now", a, err)
		}
		if got := w.link(token); got != accounts.Used { // S-044
			t.Errorf("the link is %v, want used", got)
		}
		got := strings.Join(w.actions(), " ")
		if got != "account.signed_up login.failed account.proved account.activated login.succeeded" {
			t.Errorf("audit trail: %s", got)
		}
	})
}

func TestLinkLivesSevenDaysToTheSecond(t *testing.T) { // S-034, A-087
	each(t, func(t *testing.T, w world) {
		w.signUp("ada@example.jp")
		token := w.token("ada@example.jp")
		w.clock.Set(start.Add(7*24*time.Hour - time.Second))
		if got := w.link(token); got != accounts.Fresh {
			t.Errorf("a second before: %v, want fresh", got)
		}
		w.clock.Set(start.Add(7*24*time.Hour + time.Second))
		if l, err := w.ProveByLink(t.Context(), token); err != nil || l.State != accounts.Expired {
			t.Errorf("a second after: %v %v, want expired", l.State, err)
		}
		id, err := w.ResendByLink(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if waiting, err := w.LookPending(t.Context(), id); err != nil || waiting.Email != "ada@example.jp" {
			t.Errorf("waiting page %+v %v", waiting, err)
		}
		if l, err := w.ProveByLink(t.Context(), w.token("ada@example.jp")); err != nil || l.State != accounts.Fresh {
			t.Errorf("the mail that was sent again: %v %v, want fresh", l.State, err)
		}
		if got := w.link(token); got != accounts.Used {
			t.Errorf("the old link is %v, want used: the address is proved", got)
		}
	})
}

func TestOnlyTheNewestMailWorks(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		id := w.signUp("ada@example.jp")
		old := w.mails("ada@example.jp")[0]
		w.clock.Move(time.Minute)
		if err := w.Resend(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		_, oldToken, _ := strings.Cut(old.Links[0], "token=")
		if l, err := w.ProveByLink(t.Context(), oldToken); err != nil || l.State != accounts.Replaced {
			t.Errorf("old link: %v %v, want replaced", l.State, err)
		}
		if _, err := w.ProveByCode(t.Context(), id, old.Code); !fault.Is(err, fault.Denied) {
			t.Errorf("old code: %v, want denied", err)
		}
		fresh := w.mails("ada@example.jp")[0].Code
		typed := fresh[:4] + "－" + fresh[4:] // a full-width hyphen
		if l, err := w.ProveByCode(t.Context(), id, typed); err != nil || l.State != accounts.Fresh {
			t.Errorf("new code: %v %v, want fresh", l.State, err)
		}
		if l, err := w.ProveByCode(t.Context(), id, fresh); err != nil || l.State != accounts.Used {
			t.Errorf("new code again: %v %v, want used", l.State, err)
		}
	})
}

func TestResendHasACoolDown(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		id := w.signUp("ada@example.jp")
		if err := w.Resend(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.clock.Move(59 * time.Second)
		err := w.Resend(t.Context(), id)
		if !fault.Is(err, fault.TooMany) || fault.Of(err).RetryAfter != time.Second {
			t.Errorf("after 59 s: %v, want one second more", err)
		}
		w.clock.Move(time.Second)
		if err := w.Resend(t.Context(), id); err != nil {
			t.Errorf("after 60 s: %v", err)
		}
		if n := len(w.mails("ada@example.jp")); n != 3 {
			t.Errorf("%d mails, want 3", n)
		}
	})
}

func TestTheMailCarriesOnWhatWasBegun(t *testing.T) { // S-016, S-045
	each(t, func(t *testing.T, w world) {
		d := draft("ada@example.jp")
		d.Resume = "0190a5f2-0000-7000-8000-000000000001"
		if _, err := w.SignUp(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if l, err := w.ProveByLink(t.Context(), w.token("ada@example.jp")); err != nil || l.Resume != d.Resume {
			t.Errorf("resume %q %v, want %q", l.Resume, err, d.Resume)
		}
	})
}

func TestTokensOfOthersAreUnknown(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.signUp("ada@example.jp")
		token := w.token("ada@example.jp")
		for _, wrong := range []string{"", "x", token[:36], token + "x", token[:37] + strings.Repeat("A", 43)} {
			if got := w.link(wrong); got != accounts.Unknown {
				t.Errorf("%q is %v, want unknown", wrong, got)
			}
			if _, err := w.ResendByLink(t.Context(), wrong); !fault.Is(err, fault.NotFound) {
				t.Errorf("resend by %q: %v, want not found", wrong, err)
			}
		}
	})
}

func TestTwentyCodesADayAreTriedAtMost(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		id := w.signUp("ada@example.jp")
		tried := 0
		for range 24 * 6 {
			if _, err := w.ProveByCode(t.Context(), id, "00000000"); fault.Is(err, fault.Denied) {
				tried++
			}
			w.clock.Move(10 * time.Minute)
			if err := w.Resend(t.Context(), id); err != nil && !fault.Is(err, fault.TooMany) {
				t.Fatal(err)
			}
		}
		if tried > 20 {
			t.Errorf("%d codes were compared within a day, want at most 20", tried)
		}
	})
}

func TestFiftyPressesProveOnce(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.signUp("ada@example.jp")
		token := w.token("ada@example.jp")
		var won, used atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				l, err := w.ProveByLink(t.Context(), token)
				switch {
				case err != nil:
					t.Error(err)
				case l.State == accounts.Fresh:
					won.Add(1)
				case l.State == accounts.Used:
					used.Add(1)
				default:
					t.Errorf("the link is %v", l.State)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || used.Load() != 49 {
			t.Errorf("%d won and %d came too late, want 1 and 49", won.Load(), used.Load())
		}
	})
}
