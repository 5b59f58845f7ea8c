package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestACodeIsGoodForOneThing: the client, the address and the verifier it was made for.
// Whatever comes with something else burns it.
func TestACodeIsGoodForOneThing(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	for _, c := range []struct {
		name, client string
		change       []string
	}{
		{"another client", "library", nil},
		{"another client, its own address", "library", []string{"redirect_uri", "https://library.test/cb"}},
		{"the attacker's client", "rival", nil},
		{"another registered address", "shop", []string{"redirect_uri", "https://rp.test/other"}},
		{"no address", "shop", []string{"redirect_uri", ""}},                                      // A-010, RFC 6749 §4.1.3
		{"another verifier", "shop", []string{"code_verifier", strings.Repeat("w", 43)}},          // RFC 7636 §4.6
		{"no verifier", "shop", []string{"code_verifier", ""}},
		{"the challenge as verifier", "shop", []string{"code_verifier", challenge(verifier)}},
		{"a short verifier", "shop", []string{"code_verifier", "v"}},                              // RFC 7636 §4.1
		{"an endless verifier", "shop", []string{"code_verifier", strings.Repeat("v", 5000)}},
	} {
		code := i.code()
		if a := i.redeem(c.client, code, c.change...); a.status != 400 || a.Error != "invalid_grant" || a.Access != "" {
			t.Errorf("%s: %+v, want invalid_grant", c.name, a)
		}
		if a := i.redeem("shop", code); a.Error != "invalid_grant" {
			t.Errorf("%s: the code is still good: %+v", c.name, a)
		}
	}
	if !s.recorded(t, "code.burnt") { // an alert in the audit log
		t.Error("no audit event tells of the stolen code")
	}
	if a := i.redeem("shop", i.code()); a.Access == "" || a.ID == "" {
		t.Errorf("the untouched request fails: %+v", a)
	}
}

// recorded tells whether the provider's audit log has such an event.
func (s *siege) recorded(t *testing.T, action string) bool {
	t.Helper()
	events, err := s.IDP.Audit.Tail(context.Background(), 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Action == action {
			return true
		}
	}
	return false
}

// TestAVerifierWithoutAChallengeIsRefused: the downgrade the other way round.
func TestAVerifierWithoutAChallengeIsRefused(t *testing.T) { // RFC 9700 §2.1.1, A-012
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	code := i.code("code_challenge", "", "code_challenge_method", "")
	if a := i.redeem("shop", code); a.Error != "invalid_grant" && a.Error != "invalid_request" {
		t.Errorf("%+v, want a refusal", a)
	}
	r := i.authorize(wish("client_id", "library", "redirect_uri", "https://library.test/cb", "code_challenge", "", "code_challenge_method", ""))
	if r.query("error") != "invalid_request" {
		t.Errorf("a client that must use PKCE: sent to %s", r.to())
	}
}

// TestAUsedCodeEndsWhatItLedTo: after a second, and after half a minute.
func TestAUsedCodeEndsWhatItLedTo(t *testing.T) { // A-014, RFC 6749 §4.1.2, oidcc-codereuse-30seconds
	for _, wait := range []time.Duration{time.Second, 30 * time.Second, 10 * time.Minute} {
		s := besiege(t, "sqlite")
		i := s.intruder(t)
		i.logIn("", victim, victimPassword)
		code := i.code("scope", "openid offline_access", "prompt", "consent")
		a := i.redeem("shop", code)
		if !i.alive(a.Access) {
			t.Fatalf("the first use failed: %+v", a)
		}
		s.Clock.Move(wait)
		if again := i.redeem("shop", code); again.Error != "invalid_grant" || again.Access != "" {
			t.Errorf("again after %s: %+v, want invalid_grant", wait, again)
		}
		if i.alive(a.Access) {
			t.Errorf("the access token outlives the theft of its code (%s)", wait)
		}
		if a.Refresh != "" {
			again := i.token("shop", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh}})
			if again.Error != "invalid_grant" {
				t.Errorf("the refresh token outlives it: %+v", again)
			}
		}
	}
}

// TestACodeLivesAMinute: it works at 59 seconds and not at 61.
func TestACodeLivesAMinute(t *testing.T) { // A-017, FAPI 2.0 §5.3.2.1
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	young, old := i.code(), i.code()
	s.Clock.Move(59 * time.Second)
	if a := i.redeem("shop", young); a.Access == "" {
		t.Errorf("at 59 s: %+v", a)
	}
	s.Clock.Move(2 * time.Second)
	if a := i.redeem("shop", old); a.Error != "invalid_grant" {
		t.Errorf("at 61 s: %+v, want invalid_grant", a)
	}
}

// TestOfManyRedemptionsOneWins: ONE(50), on both databases.
func TestOfManyRedemptionsOneWins(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			i := s.intruder(t)
			i.logIn("", victim, victimPassword)
			for round := range 4 {
				code := i.code()
				won := race(50, func() bool {
					a := i.redeem("shop", code)
					if a.Access == "" && a.Error != "invalid_grant" {
						t.Errorf("a loser is told %+v, want invalid_grant", a)
					}
					return a.Access != ""
				})
				if won != 1 {
					t.Errorf("round %d: %d redemptions won, want 1", round, won)
				}
			}
		})
	}
}

// TestOneCodeForOneConversation: pressing the last button twice.
func TestOneCodeForOneConversation(t *testing.T) { // A-063, ONE(20)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			i := s.intruder(t)
			last := i.logIn(i.authorize(wish()).query("interaction"), victim, victimPassword)
			won := race(20, func() bool {
				r := i.get(last.to())
				if r.query("code") == "" && (r.StatusCode < 400 || r.leaves(s.IDP.URL)) {
					t.Errorf("a loser gets %d to %s, want a friendly page", r.StatusCode, r.to())
				}
				return r.query("code") != ""
			})
			if won != 1 {
				t.Errorf("%d codes for one conversation, want 1", won)
			}
		})
	}
}

// TestACodeIsNotAnotherKindOfTicket: nor is anything else a code.
func TestACodeIsNotAnotherKindOfTicket(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	activation := s.signUp(t, "new@example.org")
	a := i.redeem("shop", i.code())
	for name, code := range map[string]string{
		"an activation token": activation.token, "an access token": a.Access, "an ID token": a.ID, "the session cookie": i.cookie(s.IDP.URL, "tegata_session"),
		"half a code": strings.Split(i.code(), ".")[0], "nothing": "", "NUL": "\x00", "a megabyte less one": strings.Repeat("a.", 30_000),
	} {
		if got := i.redeem("shop", code); got.Error == "" || got.Access != "" {
			t.Errorf("%s is taken for a code: %+v", name, got)
		}
	}
	code := i.code()
	if r := i.get("/activate?token=" + url.QueryEscape(code)); !strings.Contains(r.body, "<h1>") || strings.Contains(r.body, `id="activate"`) {
		t.Error("a code is taken for an activation link")
	}
	for name, bearer := range map[string]string{"a code": code, "an ID token": a.ID, "the session cookie": i.cookie(s.IDP.URL, "tegata_session"), "": ""} {
		if i.alive(bearer) {
			t.Errorf("userinfo takes %s", name)
		}
	}
	if r := i.get("/oauth2/userinfo?access_token=" + a.Access); r.StatusCode == http.StatusOK {
		t.Error("userinfo takes a token from the query")
	}
}

// TestClientsProveThemselves: each by its own method and secret.
func TestClientsProveThemselves(t *testing.T) { // RFC 6749 §2.3, §5.2
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	form := func(pairs ...string) url.Values {
		return with(url.Values{"grant_type": {"authorization_code"}, "code": {i.code()}, "redirect_uri": {"https://rp.test/cb"}, "code_verifier": {verifier}}, pairs...)
	}
	for name, c := range map[string]struct {
		basic string
		form  url.Values
	}{
		"nobody":                         {"", form()},
		"by name only":                   {"", form("client_id", "shop")},
		"secret in the body":             {"", form("client_id", "shop", "client_secret", clientSecret)},
		"two ways at once":               {"shop", form("client_id", "shop", "client_secret", clientSecret)},
		"another name in the body":       {"shop", form("client_id", "library")},
		"unknown":                        {"nobody", form()},
		"the tracker with a secret":      {"tegata-tracker", form()},
		"a public one with a secret":     {"phone", form()},
		"an assertion without signature": {"", form("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ0ZWdhdGEtdHJhY2tlciIsInN1YiI6InRlZ2F0YS10cmFja2VyIn0.")}, // A-038
		"a megabyte of dots":             {"", form("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", strings.Repeat(".", 50_000))},                                                            // A-055
	} {
		if a := i.token(c.basic, c.form); a.Access != "" || a.Error != "invalid_client" && a.Error != "invalid_request" || a.status >= 500 {
			t.Errorf("%s: %+v, want invalid_client", name, a)
		}
	}
	if a := i.token("shop", form()); a.Access == "" {
		t.Errorf("the untouched request fails: %+v", a)
	}
}

// TestAConversationBelongsToItsBrowser: an approval address that somebody else sends
// approves nothing.
func TestAConversationBelongsToItsBrowser(t *testing.T) { // A-062, CVE-2022-39222
	s := besiege(t, "sqlite")
	x, v := s.intruder(t), s.intruder(t)
	v.logIn("", victim, victimPassword)
	theirs := x.authorize(wish("client_id", "rival", "redirect_uri", "https://evil.test/cb")).query("interaction")
	for _, path := range []string{"/login", "/login/password", "/login/account", "/consent", "/oauth2/authorize", "/terms/accept"} {
		r := v.get(path + "?interaction=" + theirs)
		if r.query("code") != "" || strings.HasPrefix(r.to(), "https://evil.test") {
			t.Errorf("%s: the victim's browser is sent to %s", path, r.to())
		}
	}
	for _, form := range []url.Values{{"interaction": {theirs}, "decision": {"allow"}}, {"interaction": {theirs}, "decision": {"stay"}}, {"interaction": {theirs}, "password": {victimPassword}}} {
		for _, path := range []string{"/consent", "/login/password", "/login/account"} {
			if r := v.post(path, form); r.leaves(s.IDP.URL) {
				t.Errorf("post to %s leads to %s", path, r.to())
			}
		}
	}
	if r := x.get("/oauth2/authorize?interaction=" + theirs); r.query("code") != "" {
		t.Error("the attacker got a code of the victim")
	}
}
