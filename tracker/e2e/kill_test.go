package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/app"
	"tegata/shared/browser"
)

// rounds is how often each kill is tried; TEGATA_KILL_ROUNDS=500 is for a quiet night.
func rounds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("TEGATA_KILL_ROUNDS"))
	if err != nil {
		return 12
	}
	return n
}

// killAfter kills the program a random moment after do began, and waits for both.
func (b *binary) killAfter(most time.Duration, do func()) {
	done := make(chan struct{})
	go func() { do(); close(done) }()
	time.Sleep(rand.N(most))
	b.kill()
	<-done
}

// TestKilledSignUpLeavesNoHalfAccount kills idp while somebody signs up (F-01): the
// address is free, or the account is there together with its mail; and trying again
// works.
func TestKilledSignUpLeavesNoHalfAccount(t *testing.T) {
	b := build(t)
	for i := range rounds(t) {
		email := fmt.Sprintf("round%d@example.org", i)
		b.start()
		form := url.Values{
			"email": {email}, "password": {"Zebra-crossing 77"}, "given_name": {"Kill"}, "family_name": {"Nine"}, "country": {"JP"},
		}
		b.killAfter(60*time.Millisecond, func() {
			if resp, err := http.PostForm(b.url+"/signup", form); err == nil {
				resp.Body.Close()
			}
		})
		b.look(func(s *app.Services) { checkWhole(t, s, email) })
	}
	b.start()
	p := browser.InProcess(t, browser.Options{Language: "en"})
	p.Visit(b.url+"/signup").Fill("Email address", "round0@example.org").Fill("Password", "Zebra-crossing 77").
		Fill("First name (Roman letters)", "Kill").Fill("Last name (Roman letters)", "Nine").
		Choose("Country or region", "Japan").Press("Register").At("/signup/sent")
}

// checkWhole fails when an account is there without its mail, or the other way round.
func checkWhole(t *testing.T, s *app.Services, email string) {
	t.Helper()
	ctx := context.Background()
	account, err := s.Accounts.ByEmail(ctx, email)
	mails := 0
	rows, listErr := s.Outbox.List(ctx, "", 1000)
	if listErr != nil {
		t.Fatal(listErr)
	}
	for _, row := range rows {
		if row.To == email {
			mails++
		}
	}
	switch {
	case err == nil && (account.State != accounts.Pending || mails != 1):
		t.Errorf("%s: account is %s with %d mails in the outbox, want pending with one", email, account.State, mails)
	case err != nil && mails != 0:
		t.Errorf("%s: no account (%v), but %d mails", email, err, mails)
	}
}

// TestKilledRedemptionSpendsACodeOnce kills idp while a code is redeemed (F-04): after
// the restart the code works at most once more, and never after an answer was given.
func TestKilledRedemptionSpendsACodeOnce(t *testing.T) {
	b := build(t)
	for range rounds(t) {
		b.start()
		verifier := strings.Repeat("v", 43)
		_, code := b.signIn(verifier)
		redeem := func() bool { return b.redeem(http.DefaultClient, code, verifier) != "" }
		answers := 0
		b.killAfter(8*time.Millisecond, func() {
			if redeem() {
				answers++
			}
		})
		b.start()
		for range 3 {
			if redeem() {
				answers++
			}
		}
		if answers > 1 {
			t.Errorf("one code was redeemed %d times", answers)
		}
		b.kill()
	}
}
