package accounts_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/shared/fault"
)

func TestSignUpMakesAPendingAccountAndOneMail(t *testing.T) { // S-032
	each(t, func(t *testing.T, w world) {
		w.signUp("Ada.N@Example.jp")
		a, err := w.ByEmail(t.Context(), "ada.n@example.jp")
		if err != nil {
			t.Fatal(err)
		}
		if a.State != accounts.Pending || a.GivenName != "Ada" || a.Country != "JP" || a.Zone != "Asia/Tokyo" || a.EmailVerified() {
			t.Errorf("account %+v, want a pending one with what was typed", a)
		}
		if len(a.Subject) < 22 || strings.Contains(a.Subject, a.ID) {
			t.Errorf("subject %q, want something random", a.Subject)
		}
		if got := w.mails("ada.n@example.jp"); len(got) != 1 || len(got[0].Code) != 8 {
			t.Errorf("mails %+v, want one with a code", got)
		}
		var version, language string
		err = w.db.Row(t.Context(), `select version, language from terms_acceptances where account_id = $1 and accepted_at = $2`,
			[]any{a.ID, start}, &version, &language)
		if err != nil || version != "2026-04" || language != "ja" { // S-029
			t.Errorf("terms %q %q %v, want 2026-04 in ja", version, language, err)
		}
	})
}

func TestSignUpFormRefusesWhatCannotBeRight(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *accounts.Draft)
		want   string // field and key; "" for none
	}{
		{"as it should be", func(d *accounts.Draft) {}, ""},
		{"names with what names have", func(d *accounts.Draft) { d.GivenName, d.FamilyName = "Jean-Luc", "O'Neil" }, ""},
		{"accents", func(d *accounts.Draft) { d.FamilyName = "Lindqvist Ståhl" }, ""},
		{"full-width Roman letters", func(d *accounts.Draft) { d.FamilyName = "Ｙａｍａｄａ" }, ""},
		{"kanji", func(d *accounts.Draft) { d.FamilyName = "山田" }, "family_name name.roman"},
		{"a control character", func(d *accounts.Draft) { d.GivenName = "Ada\r\nBcc: x" }, "given_name name.roman"},
		{"nothing but signs", func(d *accounts.Draft) { d.GivenName = "--" }, "given_name name.roman"},
		{"no name", func(d *accounts.Draft) { d.GivenName = " " }, "given_name name.missing"},
		{"a long name", func(d *accounts.Draft) { d.GivenName = strings.Repeat("a", 65) }, "given_name name.too_long"},
		{"a megabyte", func(d *accounts.Draft) { d.GivenName = strings.Repeat("ﷺ", 350_000) }, "given_name name.too_long"},
		{"no country", func(d *accounts.Draft) { d.Country = "" }, "country country.missing"},
		{"a country of its own", func(d *accounts.Draft) { d.Country = "XQ" }, "country country.unknown"},
		{"no address", func(d *accounts.Draft) { d.Email = "abc" }, "email email.form"},
		{"a short password", func(d *accounts.Draft) { d.Password = "Ab1!" }, "password password.rule.length"},
		{"a password with the address", func(d *accounts.Draft) { d.Password = "Example7!kumo" }, "password password.rule.email"},
		{"a password with a name", func(d *accounts.Draft) { d.Password = "Kumo7!nakamura" }, "password password.rule.name"},
		{"no password", func(d *accounts.Draft) { d.Password = "" }, "password password.missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := draft("ada@example.jp")
			c.change(&d)
			_, err := d.Check()
			got := ""
			if err != nil {
				var all []string
				for _, f := range fault.All(err) {
					all = append(all, f.Field+" "+f.Key)
				}
				got = strings.Join(all, ", ")
			}
			if got != c.want {
				t.Errorf("refused %q, want %q", got, c.want)
			}
		})
	}
}

func TestSigningUpAgainReplacesAPendingAccount(t *testing.T) { // K-08, S-042
	each(t, func(t *testing.T, w world) {
		w.signUp("ada@example.jp")
		old := w.token("ada@example.jp")
		before, _ := w.ByEmail(t.Context(), "ada@example.jp")
		w.clock.Move(3 * time.Minute)
		w.signUp("ADA@example.jp")
		after, err := w.ByEmail(t.Context(), "ada@example.jp")
		if err != nil || after.ID == before.ID || after.Subject == before.Subject {
			t.Fatalf("account %s after %s (%v), want a new one", after.ID, before.ID, err)
		}
		if got := w.link(old); got != accounts.Replaced {
			t.Errorf("the old link is %v, want replaced", got)
		}
		if got := w.link(w.token("ada@example.jp")); got != accounts.Fresh {
			t.Errorf("the new link is %v, want fresh", got)
		}
		if n := w.count("accounts"); n != 1 {
			t.Errorf("%d accounts, want 1", n)
		}
	})
}

func TestSignUpWithARegisteredAddressLooksLikeAnyOther(t *testing.T) { // S-025, A-081
	each(t, func(t *testing.T, w world) {
		w.active("ada@example.jp")
		w.clock.Move(2 * time.Hour)
		was := len(w.mails("ada@example.jp"))
		effort := func(email string) (hashes int64) {
			before := w.hasher.Computed()
			id := w.signUp(email)
			waiting, err := w.LookPending(t.Context(), id)
			if err != nil || waiting.Email != email {
				t.Errorf("waiting page of %s: %+v, %v", email, waiting, err)
			}
			for range 5 {
				if _, err := w.ProveByCode(t.Context(), id, "00000000"); !fault.Is(err, fault.Denied) {
					t.Errorf("wrong code for %s: %v, want denied", email, err)
				}
			}
			if _, err := w.ProveByCode(t.Context(), id, "00000000"); !fault.Is(err, fault.TooMany) {
				t.Errorf("sixth code for %s: %v, want too many", email, err)
			}
			if err := w.Resend(t.Context(), id); err != nil {
				t.Errorf("resend for %s: %v", email, err)
			}
			if err := w.Resend(t.Context(), id); !fault.Is(err, fault.TooMany) {
				t.Errorf("resend at once for %s: %v, want too many", email, err)
			}
			return w.hasher.Computed() - before
		}
		known, unknown := effort("ada@example.jp"), effort("eve@example.jp")
		if known != unknown || known != 1 {
			t.Errorf("%d hashes for a known address, %d for an unknown one, want 1", known, unknown)
		}
		a, err := w.ByEmail(t.Context(), "ada@example.jp")
		if err != nil || a.State != accounts.Active {
			t.Errorf("the account is %v (%v), want active as before", a.State, err)
		}
		mails := w.mails("ada@example.jp")
		if len(mails) != was+2 || mails[0].Code != "" || !slices.Contains(mails[0].Links, "https://id.example/forgot-password") {
			t.Errorf("%d mails, the newest %+v; want two more that lead to log-in and reset", len(mails), mails[0])
		}
	})
}

func TestAtMostFiveMailsAnHourReachAnAddress(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 60 {
			ctx := from(t, fmt.Sprintf("192.0.2.%d", i+1))
			if _, err := w.SignUp(ctx, draft("ada@example.jp")); err != nil {
				t.Fatalf("sign-up %d: %v, want the same answer each time", i, err)
			}
			w.clock.Move(59 * time.Second)
		}
		if n := len(w.mails("ada@example.jp")); n > 5 || n < 3 {
			t.Errorf("%d mails within an hour, want 3 to 5", n)
		}
		if got := w.link(w.token("ada@example.jp")); got != accounts.Fresh {
			t.Errorf("the newest mail is %v, want fresh: sign-ups without a mail must not end it", got)
		}
	})
}

func TestFiftySignUpsAtOnceMakeOneAccountAndOneMail(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				email := "ada@example.jp"
				if i%2 == 1 {
					email = "Ada@EXAMPLE.jp"
				}
				if _, err := w.SignUp(from(t, fmt.Sprintf("192.0.2.%d", i)), draft(email)); err != nil {
					t.Errorf("sign-up %d: %v", i, err)
				}
			})
		}
		all.Wait()
		if n := w.count("accounts"); n != 1 {
			t.Errorf("%d accounts, want 1", n)
		}
		if n := len(w.mails("ada@example.jp")); n != 1 {
			t.Errorf("%d mails, want 1", n)
		}
	})
}

func TestSignUpsThatAllMayMailLeaveOneLiveMail(t *testing.T) { // K-08, against limits that let all through
	each(t, func(t *testing.T, w world) {
		w.Rules.SignUpAddress.Burst, w.Rules.MailAddress.Burst = 100, 100
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := w.SignUp(t.Context(), draft("ada@example.jp")); err != nil && !fault.Is(err, fault.Busy) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		live := 0
		for _, m := range w.mails("ada@example.jp") {
			_, token, _ := strings.Cut(m.Links[0], "token=")
			if w.link(token) == accounts.Fresh {
				live++
			}
		}
		if n := w.count("accounts"); n != 1 || live != 1 {
			t.Errorf("%d accounts and %d live mails, want one of each", n, live)
		}
	})
}

func TestSweepForgetsWhoNeverProved(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.active("ada@example.jp")
		id := w.signUp("eve@example.jp")
		w.clock.Move(accounts.PendingFor + time.Second)
		if n, err := w.Sweep(t.Context(), w.clock.Now()); err != nil || n != 1 {
			t.Errorf("swept %d (%v), want 1", n, err)
		}
		if _, err := w.ByEmail(t.Context(), "eve@example.jp"); !fault.Is(err, fault.NotFound) {
			t.Errorf("eve: %v, want not found", err)
		}
		if _, err := w.LookPending(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("waiting page: %v, want not found", err)
		}
		if w.count("accounts") != 1 || w.count("passwords") != 1 {
			t.Error("want one account with one password left")
		}
	})
}
