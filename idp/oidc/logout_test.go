package oidc_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/sessions"
	"tegata/shared/audit"
)

// leaves fails unless the browser was sent to location and is signed out, or not.
func (w *world) leaves(what string, got answer, location string, out bool) {
	w.t.Helper()
	if got.Header.Get("Location") != location {
		w.t.Errorf("%s: status %d, Location %q, want %q", what, got.StatusCode, got.Header.Get("Location"), location)
	}
	kept := w.cookies[sessions.CookieName] != ""
	silent := w.authorize("tracker", "prompt=none").sent(w.t)
	if kept == out || silent.Has("code") == out {
		w.t.Errorf("%s: cookie kept %t, code without log-in %t, want signed out %t", what, kept, silent.Has("code"), out)
	}
}

func (w *world) logout(values ...string) answer {
	w.t.Helper()
	return w.get("/oauth2/logout?" + with(url.Values{}, values...).Encode())
}

func TestLogoutByTheClient(t *testing.T) { // OpenID Connect RP-Initiated Logout §2, §3
	w := start(t)
	long := strings.Repeat("s", 128)
	for _, c := range []struct{ name, uri, state, want string }{
		{"with state", "https://rp.test/", long, "https://rp.test/?state=" + long},
		{"without state", "https://rp.test/", "", "https://rp.test/"},
		{"with a query of its own", "https://rp.test/bye?from=idp", "a&b", "https://rp.test/bye?from=idp&state=a%26b"},
		{"without an address", "", long, "/logout"},
	} {
		w.logIn()
		tokens := w.tokens("tracker")
		w.clock.Move(time.Hour) // the hint has expired, and is genuine
		values := []string{"id_token_hint=" + tokens["id_token"].(string)}
		if c.uri != "" {
			values = append(values, "post_logout_redirect_uri="+c.uri)
		}
		if c.state != "" {
			values = append(values, "state="+c.state)
		}
		w.leaves(c.name, w.logout(values...), c.want, true)
	}
	w.logIn()
	got := w.post("/oauth2/logout", url.Values{"id_token_hint": {w.tokens("tracker")["id_token"].(string)}})
	w.leaves("by POST", got, "/logout", true)
	if len(w.events("session.ended")) != 5 {
		t.Errorf("%d sessions ended in the audit log, want 5", len(w.events("session.ended")))
	}
}

func TestLogoutNeverLeadsAstray(t *testing.T) { // RP-Initiated Logout §3, A-075
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	const home = "post_logout_redirect_uri=https://rp.test/"
	parts := strings.Split(hint, ".")
	unsigned := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."
	other := start(t).logIn()
	foreign := other.tokens("tracker")["id_token"].(string)
	for _, c := range []struct {
		name   string
		values []string
	}{
		{"unregistered address", []string{"id_token_hint=" + hint, "post_logout_redirect_uri=https://evil.test/"}},
		{"query added", []string{"id_token_hint=" + hint, home + "?x=1"}},
		{"path added", []string{"id_token_hint=" + hint, home + "x"}},
		{"other client's address", []string{"id_token_hint=" + w.tokens("post")["id_token"].(string), home}},
		{"other client", []string{"id_token_hint=" + hint, "client_id=basic", home}},
		{"unsigned hint", []string{"id_token_hint=" + unsigned, home}},
		{"hint of another provider", []string{"id_token_hint=" + foreign, home}},
		{"changed hint", []string{"id_token_hint=" + parts[0] + "." + parts[1] + "x." + parts[2], home}},
		{"no hint, unregistered address", []string{"client_id=tracker", "post_logout_redirect_uri=https://evil.test/"}},
		{"no hint, no client", []string{home}},
		{"hint twice", []string{"id_token_hint=" + hint, "+id_token_hint=" + hint, home}},
	} {
		got := w.logout(c.values...)
		wantPage(t, c.name, got)
		if !w.authorize("tracker", "prompt=none").sent(t).Has("code") {
			t.Fatalf("%s: logged out", c.name)
		}
	}
}

func TestLogoutAsksWhenNothingShowsWhoWants(t *testing.T) { // RP-Initiated Logout §2
	w := start(t).logIn()
	mine := w.tokens("tracker")["id_token"].(string)
	w.leaves("no parameters", w.logout(), "/logout", false)
	w.leaves("only state", w.logout("state=x"), "/logout", false)
	w.leaves("no hint", w.logout("client_id=tracker", "post_logout_redirect_uri=https://rp.test/"), "/logout", false)
	w.person, w.cookies = w.second(), map[string]string{}
	w.logIn()
	w.leaves("somebody else's hint", w.logout("id_token_hint="+mine, "post_logout_redirect_uri=https://rp.test/"), "/logout", false)
}

// A client's server, as oauth2-proxy calls, or a browser that lost its cookie.
func TestLogoutEndsTheSessionThatTheHintNames(t *testing.T) { // RP-Initiated Logout §2, §3
	w := start(t).logIn()
	l := listen(t)
	box := w.farewells(l)
	tokens := w.tokens("tracker")
	w.tokens("basic")
	kept, home := w.cookies, "post_logout_redirect_uri=https://rp.test/"
	w.cookies = map[string]string{}
	got := w.logout("id_token_hint="+tokens["id_token"].(string), home, "state=x")
	if got.Header.Get("Location") != "https://rp.test/?state=x" {
		t.Errorf("Location %q", got.Header.Get("Location"))
	}
	w.cookies = kept
	refused(t, "the browser of that session", w.authorize("tracker", "prompt=none"), "login_required")
	_, err := box.Deliver(t.Context())
	must(t, err)
	if len(l.heard()) != 2 {
		t.Errorf("%d clients told, want both of the session", len(l.heard()))
	}
}

func TestLogoutInAnotherBrowser(t *testing.T) {
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	first := w.cookies
	w.cookies = map[string]string{}
	w.clock.Move(time.Minute)
	w.logIn() // the same person, in another browser
	w.leaves("the same person's hint", w.logout("id_token_hint="+hint), "/logout", true)
	w.cookies = first
	refused(t, "the session that the hint named", w.authorize("tracker", "prompt=none"), "login_required")
	told := w.events("session.ended")
	if !slices.ContainsFunc(told, func(e audit.Event) bool { return e.Actor == "client" && e.Details["clients"] == "tracker" }) {
		t.Errorf("the audit log does not say by whose hint a session ended: %+v", told)
	}

	w = start(t).logIn()
	hint = w.tokens("tracker")["id_token"].(string)
	first = w.cookies
	w.person, w.cookies = w.second(), map[string]string{}
	w.logIn()
	w.leaves("somebody else's hint", w.logout("id_token_hint="+hint), "/logout", false)
	w.cookies = first
	if !w.authorize("tracker", "prompt=none").sent(t).Has("code") {
		t.Error("a hint in somebody else's browser ended the session it names, without asking")
	}
}

func TestAHintOfAClientThatTheSessionDoesNotKnow(t *testing.T) {
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	w.clock.Move(time.Second)
	w.withdraws("tracker")
	kept := w.cookies
	w.cookies = map[string]string{}
	w.logout("id_token_hint=" + hint)
	w.cookies = kept
	if !w.authorize("basic", "prompt=none").sent(t).Has("code") {
		t.Error("a client that the person is done with ended the session")
	}
}

// A browser that posts from the client's page leaves SameSite=Lax cookies at home.
func TestLogoutPostedFromAnotherSite(t *testing.T) {
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	form := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rp.test/"}, "state": {"x y"}}
	kept := w.cookies
	w.cookies = map[string]string{}
	got := w.post("/oauth2/logout", form, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site")
	to := got.Header.Get("Location")
	if got.StatusCode != 303 || !strings.HasPrefix(to, "/oauth2/logout?") {
		t.Fatalf("status %d, Location %q: want the same request by GET", got.StatusCode, to)
	}
	w.cookies = kept
	w.leaves("what the browser follows", w.get(to), "https://rp.test/?state=x+y", true)
}

func TestLogoutWithoutASession(t *testing.T) {
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	w.cookies = map[string]string{}
	w.leaves("signed out already", w.logout("id_token_hint="+hint, "post_logout_redirect_uri=https://rp.test/", "state=x"), "https://rp.test/?state=x", true)
}
