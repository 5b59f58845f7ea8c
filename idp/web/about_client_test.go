package web_test

import (
	"strings"
	"testing"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/shared/browser"
)

// strange registers a client that nobody looked at, which returns to the shop.
func (w *world) strange(t *testing.T) {
	t.Helper()
	c := clients.Client{
		ID: "strange", Name: map[string]string{"en": "Your Bank"}, RedirectURIs: []string{"https://bank.example/cb", w.shop.URL + "/callback"}, AuthMethod: clients.None,
		InitiateLoginURI: "https://strange.example/start", Unverified: true,
		LogoURI: "https://strange.example/logo.png", PolicyURI: "https://strange.example/policy", TermsURI: "https://strange.example/terms",
	}
	c.Default()
	if _, err := w.Services.Clients.Register(t.Context(), c, clients.Registration{}); err != nil {
		t.Fatal(err)
	}
}

// ada opens an account that can log in.
func (w *world) ada(t *testing.T) {
	t.Helper()
	_, err := w.Services.Accounts.Seed(t.Context(), []accounts.Person{{
		Email: "ada@example.org", Password: good, GivenName: "Ada", FamilyName: "Lovelace", Country: "GB", Language: "en",
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// What a client says about itself is shown as links and never fetched; one that nobody
// looked at is marked on every page before the answer (A-059, OIDC Registration §2).
func TestPeopleAreWarnedOfStrangeClients(t *testing.T) {
	w := start(t, true)
	w.strange(t)
	w.ada(t)
	p := w.person(t, "en")
	host := "return to " + strings.TrimPrefix(w.shop.URL, "http://") + "." // and not to the other address that it registered
	looks := func() {
		t.Helper()
		p.Sees("has checked Your Bank", host, "How Your Bank uses your data", "Terms of use of Your Bank", "Logo of Your Bank")
		if html := p.HTML(); strings.Index(html, `id="unverified"`) > strings.Index(html, `id="main"`) {
			t.Error("the warning stands below the form")
		}
		if strings.Contains(p.HTML(), `src="https://strange`) {
			t.Error("a picture of a client is fetched")
		}
	}
	p.Visit(w.authorize("client_id", "strange")).At("/login")
	looks()
	p.Fill("Email address", "ada@example.org").Press("Next").At("/login/password")
	looks()
	p.Fill("Password", good).Press("Log in").At("/consent")
	looks()
	p.Press("Approve").At(w.shop.URL + "/callback")
	p.Visit(w.authorize("client_id", "strange")).At("/consent") // again: it could be anybody
	p.Visit("/profile").SeesNot("Your Bank")
}

// The answer is posted by a script of ours where there are scripts, and by a button
// where there are none. OAuth 2.0 Form Post Response Mode.
func TestAnswersByFormPost(t *testing.T) {
	for _, script := range []bool{true, false} {
		w := start(t, true)
		w.ada(t)
		p := browser.Chromium(t, browser.Options{Base: w.URL, Language: "en", Script: script})
		inEnglish.enter(p.Visit(w.authorize("response_mode", "form_post")), "ada@example.org", good)
		if !script {
			p.Sees("You are on your way back to " + strings.TrimPrefix(w.shop.URL, "http://")).Press("Continue / 続ける")
		}
		p.Sees("posted: true 0123456789").At(w.shop.URL + "/callback")
	}
}
