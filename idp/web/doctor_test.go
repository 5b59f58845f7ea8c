package web_test

import (
	"fmt"
	"testing"

	"tegata/idp/clients"
	"tegata/shared/browser"
)

// troubled notes a morning of a client with most things wrong.
func troubled(t *testing.T, p *party) {
	t.Helper()
	clock := func(more ...string) map[string]string {
		d := map[string]string{"clock": "92", "clock_by": "proof"}
		for i := 0; i+1 < len(more); i += 2 {
			d[more[i]] = more[i+1]
		}
		return d
	}
	callback := p.URL + "/callback"
	for _, r := range []clients.Request{
		{Endpoint: "authorize", Outcome: "ok"},
		{Endpoint: "token", Outcome: "ok", Details: clock("clock", "1")},
		{Endpoint: "userinfo", Outcome: "ok", Details: clock("clock", "1")},
		{Endpoint: "userinfo", Outcome: "invalid_token", Reason: clients.ReasonTokenOver},
		{Endpoint: "authorize", Outcome: "invalid_request", Reason: clients.ReasonRedirectURI, Details: map[string]string{"given": callback + "/", "registered": callback}},
		{Endpoint: "authorize", Outcome: "invalid_request", Reason: clients.ReasonRedirectURI,
			Details: map[string]string{"given": "https://staging-with-a-very-long-name.shop.example/oauth/callback?code=…", "registered": callback}},
		{Endpoint: "authorize", Outcome: "ok", Reason: clients.ReasonScope, Details: map[string]string{"scopes": "groups offline_access"}},
		{Endpoint: "token", Outcome: "invalid_client", Reason: clients.ReasonAuthMethod, Details: map[string]string{"given": "client_secret_post", "registered": "client_secret_basic"}},
		{Endpoint: "token", Outcome: "invalid_grant", Reason: clients.ReasonPKCEMismatch},
		{Endpoint: "logout", Outcome: "invalid_request", Reason: clients.ReasonLogoutURI, Details: map[string]string{"given": "https://shop.example/", "registered": ""}},
		{Endpoint: "device_authorization", Outcome: "unauthorized_client", Reason: clients.ReasonUnregistered},
		{Endpoint: "token", Outcome: "use_dpop_nonce", Reason: clients.ReasonProofNonce, Details: clock()},
		{Endpoint: "userinfo", Outcome: "invalid_dpop_proof", Reason: clients.ReasonProofURL,
			Details: clock("given", p.idp.URL+"/oauth2/userinfo/", "registered", p.idp.URL+"/oauth2/userinfo")},
		{Endpoint: "token", Outcome: "invalid_dpop_proof", Reason: clients.ReasonClock, Details: clock()},
	} {
		r.ClientID = "party"
		p.idp.Diary.Note(r)
	}
	if err := p.idp.Diary.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The doctor's page in a real browser: on a desk and on a phone, by day and by night.
func TestTheDoctorsPageInChromium(t *testing.T) {
	p := withParty(t, "    first_party: true\n")
	troubled(t, p)
	for _, o := range []browser.Options{
		{Language: "en", Width: 1280, Script: true}, {Language: "ja", Width: 1280, Script: false, Dark: true},
		{Language: "ja", Width: 360, Script: true}, {Language: "en", Width: 360, Script: false, Dark: true},
	} {
		t.Run(fmt.Sprintf("%s %d", o.Language, o.Width), func(t *testing.T) {
			o.Base = p.idp.URL
			one := browser.Chromium(t, o)
			one.Visit(shareLink(t, p)).Sees("+92", map[string]string{"en": "92 s ahead of ours", "ja": "92 秒進んでいます"}[o.Language], "client_secret_post", "callback/", "offline_access")
			browser.Axe(t, one)
			one.Picture("doctor")
		})
	}
}

// What a stranger sent in an address cannot steer who reads it: neither a terminal, nor the
// direction of the text.
func TestTheDoctorsPageShowsNoInvisibleCharacters(t *testing.T) {
	p := withParty(t, "")
	p.idp.Diary.Note(clients.Request{
		ClientID: "party", Endpoint: "authorize", Outcome: "invalid_request", Reason: clients.ReasonRedirectURI,
		Details: map[string]string{"given": "https://shop.example/\x1b[31m\u202eabc", "registered": p.URL + "/callback"},
	})
	if err := p.idp.Diary.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	one.Visit(shareLink(t, p)).Sees("\uFFFD[31m\uFFFDabc").SeesNot("\x1b", "\u202e")
}

// Who has no link of this client sees nothing of it, and the link leaves no trace: the
// page is not kept, and tells no other site where the person came from.
func TestTheDoctorsPageIsForWhoHasTheLink(t *testing.T) {
	p := withParty(t, "")
	troubled(t, p)
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	link := shareLink(t, p)
	one.Visit(link).Sees("invalid_dpop_proof", "What is registered")
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := one.Header(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	for _, other := range []string{"/doctor", "/doctor?token=", "/doctor?client=party", "/doctor?token=party", link[:len(link)-4] + "AAAA"} {
		one.Visit(other).SeesNot("invalid_dpop_proof", "What is registered")
		if one.Status() != 404 {
			t.Errorf("%s: status %d, want 404", other, one.Status())
		}
	}
	for range 40 {
		one.Visit(link)
	}
	if one.Status() != 429 {
		t.Errorf("looked at 41 times in a moment: status %d, want 429", one.Status())
	}
}
