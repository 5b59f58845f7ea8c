package web_test

import (
	"context"
	"testing"

	"tegata/shared/db"
)

// TestNewTermsAreAskedAtTheNextLogIn: what was accepted is kept with version, time and
// language, nobody gets past the page, and the way leads on to the client (S-029).
func TestNewTermsAreAskedAtTheNextLogIn(t *testing.T) {
	w := start(t, true)
	w.Accounts.Terms = "2027-01"
	p := w.person(t, "en").Visit(w.authorize())
	inEnglish.enter(p, "maya.lindqvist@example.com", "brisk Walnut, 4 kites")
	p.Title("Our terms have changed").Sees("maya.lindqvist@example.com", "2027-01")
	p.Visit(w.authorize()).Title("Our terms have changed") // the address bar is no way round
	p.Visit(w.URL + "/profile").Title("Our terms have changed")
	p.Visit(w.authorize("prompt", "none")).Sees("interaction_required")
	p.Visit(w.authorize()).Press(inEnglish.other).Title("ご利用条件が新しくなりました").Press("同意して続ける").Sees("answer: code")
	p.Visit(w.authorize()).Sees("answer: code")
	p.Visit(w.URL + "/terms/accept").At("/profile")

	var version, language string
	account, err := w.Accounts.ByEmail(context.Background(), "maya.lindqvist@example.com")
	if err != nil {
		t.Fatal(err)
	}
	err = w.DB.Row(context.Background(), `
		select version, language from terms_acceptances
		where account_id = $1 and accepted_at = $2 and version <> '2026-01'`,
		db.Args(account.ID, w.Clock.Now()), &version, &language)
	if err != nil || version != "2027-01" || language != "ja" {
		t.Errorf("kept %s in %s (%v), want 2027-01 in ja", version, language, err)
	}
}

// TestNewTermsOfSomebodyWhoCameDirectly: a log-in without a client ends at home.
func TestNewTermsOfSomebodyWhoCameDirectly(t *testing.T) {
	w := start(t, true)
	w.Accounts.Terms = "2027-01"
	w.person(t, "en").Visit(w.URL + "/terms/accept").At("/login") // strangers have nothing to accept
	p := w.person(t, "en").Visit("/login")
	inEnglish.enter(p, "maya.lindqvist@example.com", "brisk Walnut, 4 kites")
	p.Title("Our terms have changed").Follow(inEnglish.logOut).Press(inEnglish.logOut).Visit("/profile").At("/login")
	inEnglish.enter(p, "maya.lindqvist@example.com", "brisk Walnut, 4 kites")
	p.Press("Accept and continue").At("/profile")
}
