package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/interaction"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// Nobody gets the data of somebody else than the client means without a word to the person.
func TestALoginHintOfAnotherPerson(t *testing.T) { // OIDC Core §3.1.2.1, A-067
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		other := w.second()
		var told []string
		for _, hint := range []string{other.Email, "nobody@example.org", "buffy", "\x01", strings.Repeat("x", 300), other.Subject} {
			silent := w.authorize("tracker", "prompt=none", "login_hint="+hint)
			refused(t, hint, silent, "login_required")
			sent := silent.sent(t)
			sent.Del("session_state") // has salt
			told = append(told, sent.Encode())
			w.asks("/login/account", "tracker", "login_hint="+hint)
		}
		for _, one := range told[1:] {
			if one != told[0] {
				t.Errorf("answers %q and %q tell whether an account exists", told[0], one)
			}
		}
		stay := w.asks("/login/account", "tracker", "login_hint="+other.Email)
		w.stays(stay)
		_, claims := w.claims(w.redeem("tracker", w.comesBack(stay).sent(t).Get("code")).json(t)["id_token"])
		if claims["sub"] != w.person.Subject {
			t.Errorf("stayed: sub %v, want %v", claims["sub"], w.person.Subject)
		}
		switched := w.asks("/login/account", "tracker", "login_hint="+other.Email)
		w.person = other
		w.typesPassword(switched)
		_, claims = w.claims(w.redeem("tracker", w.comesBack(switched).sent(t).Get("code")).json(t)["id_token"])
		if claims["sub"] != other.Subject {
			t.Errorf("logged in as the other: sub %v, want %v", claims["sub"], other.Subject)
		}
	})
}

func TestALoginHintOfWhoIsSignedIn(t *testing.T) {
	w := start(t).logIn()
	_, err := w.db.Exec(t.Context(), `update accounts set username = 'Hana77', phone_number = '+81312345678' where id = $1`, w.person.ID)
	must(t, err)
	w.edit("foreign", func(c *clients.Client) { c.FirstParty, c.SubjectType = true, clients.Pairwise })
	_, claims := w.claims(w.tokens("foreign")["id_token"])
	for client, hints := range map[string][]string{
		"tracker": {w.person.Email, "HANAKO@Example.ORG", " hanako@example.org ", "Hana77", "hana77", w.person.Subject,
			"acct:hanako@example.org", "MAILTO:hanako@example.org", "+81312345678", " "},
		"foreign": {claims["sub"].(string), "hanako@example.org"},
	} {
		for _, hint := range hints {
			for _, prompt := range []string{"prompt=none", "prompt="} {
				if sent := w.authorize(client, prompt, "login_hint="+hint).sent(t); !sent.Has("code") {
					t.Errorf("%s, %q, %s: %v, want a code", client, hint, prompt, sent)
				}
			}
		}
	}
	refused(t, "what another client knows them by", w.authorize("foreign", "prompt=none", "login_hint="+w.person.Subject), "login_required")
	id := w.asks("/login/account", "tracker", "prompt=select_account", "login_hint=hanako@example.org") // wanted as such
	w.stays(id)
	if sent := w.comesBack(id).sent(t); !sent.Has("code") {
		t.Errorf("%v, want a code", sent)
	}
}

// A client that the person allowed nothing is told the same whomever it guesses.
func TestALoginHintIsNoQuestionWhoIsSignedIn(t *testing.T) {
	w := start(t).logIn()
	var told []string
	for _, hint := range []string{w.person.Email, "nobody@example.org", w.second().Email} {
		told = append(told, w.authorize("foreign", "scope=openid", "prompt=none", "login_hint="+hint).sent(t).Get("error"))
	}
	if told[0] != told[1] || told[0] != told[2] {
		t.Errorf("errors %v tell who is signed in", told)
	}
}

// Where the person sees nothing, a client learns nothing of them but what they allowed it to
// know: a hint of anything else changes no answer.
func TestALoginHintAsksForNothingThatWasNotAllowed(t *testing.T) {
	w := start(t).logIn()
	_, err := w.db.Exec(t.Context(), `update accounts set username = 'Hana77', phone_number = '+81312345678' where id = $1`, w.person.ID)
	must(t, err)
	other := w.second()
	silent := func(hint string) string {
		return w.authorize("foreign", "scope=openid", "prompt=none", "login_hint="+hint).sent(t).Get("error")
	}
	hints := map[string][2]string{ // right, wrong
		"email": {w.person.Email, other.Email}, "profile": {"hana77", "buffy"}, "phone": {"+81312345678", "+81312345679"},
	}
	w.consents(w.asks("/consent", "foreign", "scope=openid"))
	for scope, both := range hints {
		if right, wrong := silent(both[0]), silent(both[1]); right != "" || wrong != "" {
			t.Errorf("%s was not allowed: errors %q and %q tell which hint is right", scope, right, wrong)
		}
	}
	if right, wrong := silent(w.person.Subject), silent(other.Subject); right != "" || wrong != "login_required" {
		t.Errorf("sub: errors %q and %q", right, wrong)
	}
	for _, both := range hints {
		w.asks("/login/account", "foreign", "scope=openid", "login_hint="+both[1]) // seen
	}
	w.edit("foreign", func(c *clients.Client) { c.Scopes = []string{"openid", "profile", "email", "phone"} })
	w.consents(w.asks("/consent", "foreign", "scope=openid profile email phone"))
	for scope, both := range hints {
		if right, wrong := silent(both[0]), silent(both[1]); right != "" || wrong != "login_required" {
			t.Errorf("%s was allowed: errors %q and %q", scope, right, wrong)
		}
	}
}

// Whoever logs in on the page of the log-in said who they are; whoever was signed in by
// another page meanwhile did not.
func TestALoginHintHoldsThroughTheLogIn(t *testing.T) {
	w := start(t)
	for name, hint := range map[string]string{"of another": "nobody@example.org", "of this one": w.person.Email} {
		w.cookies = map[string]string{sessions.BrowserCookieName: interaction.NewBrowser()}
		id := w.asks("/login", "tracker", "login_hint="+hint)
		w.typesPassword(id)
		if sent := w.comesBack(id).sent(t); !sent.Has("code") {
			t.Errorf("%s: %v, want a code", name, sent)
		}
	}
	w.cookies = map[string]string{sessions.BrowserCookieName: interaction.NewBrowser()}
	id := w.asks("/login", "tracker", "login_hint=nobody@example.org")
	w.logIn()
	u, err := url.Parse(w.comesBack(id).Header.Get("Location"))
	must(t, err)
	if u.Path != "/login/account" {
		t.Errorf("signed in by another page: sent to %s, want to be asked", u)
	}
}

// A fresh log-in names who it is anyway.
func TestALoginHintBesideAFreshLogIn(t *testing.T) {
	w := start(t).logIn()
	w.clock.Move(time.Minute)
	for _, change := range []string{"prompt=login", "max_age=1"} {
		w.asks("/login", "tracker", change, "login_hint=nobody@example.org")
	}
	w.asks("/signup", "tracker", "prompt=create", "login_hint=nobody@example.org")
}

// The hint holds in a conversation that began with somebody, too: they had to log in again, or
// to allow something, and another page of the browser signed in somebody else before they did.
func TestALoginHintHoldsWhenTheSessionIsReplaced(t *testing.T) {
	w := start(t).logIn()
	first, other := w.person, w.second()
	w.clock.Move(time.Minute)
	for name, c := range map[string]struct {
		hint       string
		asks       []string
		first      string // where the person is sent at first
		then       string // where when they signed in again by another page
		afterOther string // and where when somebody else did
	}{
		"too old, of another":       {other.Email, []string{"tracker", "max_age=1"}, "/login", "/login/account", "/login/account"},
		"too old, of this one":      {first.Email, []string{"tracker", "max_age=1"}, "/login", "", "/login/account"},
		"consent, of this one":      {first.Email, []string{"foreign", "scope=openid"}, "/consent", "/consent", "/login/account"},
		"prompt=login, of this one": {first.Email, []string{"tracker", "prompt=login"}, "/login", "/login", "/login"}, // no other page counts
	} {
		w.cookies = map[string]string{sessions.BrowserCookieName: interaction.NewBrowser()}
		w.person = first
		w.logIn()
		w.clock.Move(time.Minute)
		id := w.asks(c.first, c.asks[0], append(c.asks[1:], "login_hint="+c.hint)...)
		goes := func(when, want string) {
			t.Helper()
			w.goes(name+": "+when, id, want)
		}
		goes("at first", c.first)
		w.person = other
		w.logIn()
		goes("somebody else", c.afterOther)
		w.person = first
		w.logIn()
		goes("the same again", c.then)
	}
}

// Whoever was meant and typed another address has to be asked for its password, whoever is
// signed in by another page; and is meant again when they take it back.
func TestALoginHintWhenAnotherAddressWasTyped(t *testing.T) {
	w := start(t).logIn()
	first, other := w.person, w.second()
	for name, c := range map[string]struct {
		asks        []string
		first, then string
	}{
		"too old": {[]string{"tracker", "max_age=1"}, "/login", ""},
		"consent": {[]string{"foreign", "scope=openid"}, "/consent", "/consent"},
	} {
		w.cookies = map[string]string{sessions.BrowserCookieName: interaction.NewBrowser()}
		w.person = first
		w.logIn()
		w.clock.Move(time.Minute)
		id := w.asks(c.first, c.asks[0], append(c.asks[1:], "login_hint="+first.Email)...)
		goes := func(when, want string) {
			t.Helper()
			w.goes(name+": "+when, id, want)
		}
		must(t, w.provider.Interaction.Identify(w.signedIn(), id, w.cookies[sessions.BrowserCookieName], other.Email))
		goes("another address", "/login/password")
		w.logIn()
		goes("signed in again by another page", "/login/password")
		w.stays(id)
		w.person = other
		w.logIn()
		goes("taken back, and somebody else", "/login/account")
		w.person = first
		w.logIn()
		goes("taken back", c.then)
	}
}

// goes checks the page to which the conversation leads, "" for back to the client with a code.
func (w *world) goes(when, id, want string) {
	w.t.Helper()
	u, err := url.Parse(w.comesBack(id).Header.Get("Location"))
	must(w.t, err)
	if want == "" && u.Query().Get("code") == "" || want != "" && u.Path != want {
		w.t.Errorf("%s: sent to %s, want %q", when, u, want)
	}
}
