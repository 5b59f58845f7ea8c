package oidc_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// second is another person.
func (w *world) second() accounts.Account {
	w.t.Helper()
	a, err := w.provider.Accounts.Create(context.Background(), accounts.Person{
		Email: "taro@example.org", Password: password, GivenName: "Taro", FamilyName: "Sato", Country: "JP", Language: "ja",
	})
	must(w.t, err)
	return a
}

// asks starts a request that has to ask something, and gives the interaction's id.
func (w *world) asks(page, client string, changes ...string) string {
	w.t.Helper()
	got := w.authorize(client, changes...)
	u, err := url.Parse(got.Header.Get("Location"))
	must(w.t, err)
	if got.StatusCode != http.StatusSeeOther || u.Host != "" || u.Path != page || u.Query().Get("interaction") == "" {
		w.t.Fatalf("status %d, Location %q, want %s?interaction=…", got.StatusCode, got.Header.Get("Location"), page)
	}
	return u.Query().Get("interaction")
}

// typesPassword is what the log-in pages do.
func (w *world) typesPassword(id string) {
	w.t.Helper()
	ctx, browser := w.signedIn(), w.cookies[sessions.BrowserCookieName]
	must(w.t, w.provider.Interaction.Identify(ctx, id, browser, w.person.Email))
	s, token, err := w.provider.Interaction.Password(ctx, id, browser, password)
	must(w.t, err)
	w.session, w.cookies[sessions.CookieName] = s, token
}

func (w *world) signedIn() context.Context {
	if w.cookies[sessions.CookieName] == "" {
		return context.Background()
	}
	s := w.session
	return sessions.With(context.Background(), &s)
}

func (w *world) comesBack(id string) answer {
	w.t.Helper()
	return w.get("/oauth2/authorize?interaction=" + id)
}

func TestLogInAndComeBack(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		id := w.asks("/login", "tracker", "target_link_uri=https://rp.test/exams", "login_hint=hanako@example.org")
		it, err := w.provider.Interaction.Peek(t.Context(), id)
		if err != nil || it.Target != "https://rp.test/exams" || it.ClientID != "tracker" {
			t.Errorf("conversation %+v, %v; want the target and the client", it, err)
		}
		if got := w.comesBack(id); !strings.HasPrefix(got.Header.Get("Location"), "/login?interaction=") {
			t.Errorf("too early: Location %q, want the log-in again", got.Header.Get("Location"))
		}
		w.typesPassword(id)
		sent := w.comesBack(id).sent(t)
		if sent.Get("state") != "the-state" || sent.Get("iss") != w.provider.Issuer {
			t.Errorf("answer %v", sent)
		}
		if got := w.redeem("tracker", sent.Get("code")); got.StatusCode != 200 {
			t.Errorf("token: %s", got.Body)
		}
		wantPage(t, "the same conversation again", w.comesBack(id))
	})
}

func TestForeignTargetIsDropped(t *testing.T) {
	w := start(t)
	for _, target := range []string{"https://evil.test/", "//evil.test", "https://rp.test.evil.test/", "https://user@rp.test/", "javascript:alert(1)", "https://rp.test:444/", "http://rp.test/"} {
		it, err := w.provider.Interaction.Peek(t.Context(), w.asks("/login", "tracker", "target_link_uri="+target))
		if err != nil || it.Target != "" {
			t.Errorf("%s was kept as %q (%v)", target, it.Target, err)
		}
	}
}

func TestConversationBelongsToItsBrowser(t *testing.T) {
	w := start(t)
	id := w.asks("/login", "tracker")
	w.typesPassword(id)
	own := w.cookies[sessions.BrowserCookieName]
	for _, other := range []string{"", "x", strings.Repeat("x", 43)} {
		w.cookies[sessions.BrowserCookieName] = other
		wantPage(t, "browser "+other, w.comesBack(id))
	}
	w.cookies[sessions.BrowserCookieName] = own
	if sent := w.comesBack(id).sent(t); !sent.Has("code") {
		t.Errorf("own browser: %v, want a code", sent)
	}
	wantPage(t, "unknown conversation", w.comesBack("018f0000-0000-7000-8000-000000000000"))
}

func TestOldConversation(t *testing.T) {
	w := start(t)
	id := w.asks("/login", "tracker")
	w.clock.Move(2 * time.Hour)
	wantPage(t, "two hours later", w.comesBack(id))
}

func TestPromptLoginAsksAgain(t *testing.T) { // OIDC Core §3.1.2.1, A-065
	w := start(t).logIn()
	for _, change := range []string{"prompt=login", "max_age=0"} {
		before := w.session.AuthTime
		w.clock.Move(time.Minute)
		id := w.asks("/login", "tracker", change)
		if got := w.comesBack(id); !strings.HasPrefix(got.Header.Get("Location"), "/login") {
			t.Errorf("%s: skipped by going on: %q", change, got.Header.Get("Location"))
		}
		w.typesPassword(id)
		_, claims := w.claims(w.redeem("tracker", w.comesBack(id).sent(t).Get("code")).json(t)["id_token"])
		if got := int64(claims["auth_time"].(float64)); got <= before.Unix() {
			t.Errorf("%s: auth_time %d, want later than %d", change, got, before.Unix())
		}
	}
}

func TestSelectAccountAsksWhichOne(t *testing.T) { // OIDC Core §3.1.2.1
	w := start(t).logIn()
	before := w.session.AuthTime
	w.clock.Move(time.Minute)
	id := w.asks("/login/account", "tracker", "prompt=select_account")
	if got := w.comesBack(id); !strings.HasPrefix(got.Header.Get("Location"), "/login/account?") {
		t.Errorf("skipped by going on: %q", got.Header.Get("Location"))
	}
	w.stays(id)
	_, claims := w.claims(w.redeem("tracker", w.comesBack(id).sent(t).Get("code")).json(t)["id_token"])
	if got := int64(claims["auth_time"].(float64)); got != before.Unix() {
		t.Errorf("auth_time %d, want %d: nobody logged in again", got, before.Unix())
	}

	id = w.asks("/login/account", "tracker", "prompt=select_account")
	first := claims["sub"]
	w.person = w.second()
	w.typesPassword(id)
	_, claims = w.claims(w.redeem("tracker", w.comesBack(id).sent(t).Get("code")).json(t)["id_token"])
	if claims["sub"] == first {
		t.Error("another account was used, and the client was told of the first")
	}
}

// stays is what the page of accounts does.
func (w *world) stays(id string) {
	w.t.Helper()
	s := w.session
	must(w.t, w.provider.Interaction.Choose(context.Background(), id, w.cookies[sessions.BrowserCookieName], &s))
}

func TestConsent(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		answers := func(id string, allow bool) {
			t.Helper()
			s := w.session
			must(t, w.provider.Interaction.Consent(context.Background(), id, w.cookies[sessions.BrowserCookieName], &s, allow))
		}
		id := w.asks("/consent", "foreign", "scope=openid")
		answers(id, false)
		refused(t, "denied", w.comesBack(id), "access_denied")

		id = w.asks("/consent", "foreign", "scope=openid")
		answers(id, true)
		if sent := w.comesBack(id).sent(t); !sent.Has("code") {
			t.Errorf("allowed: %v, want a code", sent)
		}
		if sent := w.authorize("foreign", "scope=openid").sent(t); !sent.Has("code") {
			t.Errorf("remembered: %v, want a code", sent)
		}
		w.asks("/consent", "foreign", "scope=openid email")
		w.asks("/consent", "foreign", "scope=openid", "prompt=consent")
		for range 2 { // anybody may say that they are a public client
			id = w.asks("/consent", "native", "scope=openid")
			answers(id, true)
			w.comesBack(id)
			refused(t, "public client, silently", w.authorize("native", "scope=openid", "prompt=none"), "consent_required")
		}
		w.edit("foreign", func(c *clients.Client) { c.Unverified = true })
		w.asks("/consent", "foreign", "scope=openid")
		if sent := w.authorize("foreign", "scope=openid", "prompt=none").sent(t); !sent.Has("code") {
			t.Errorf("unverified, silently: %v, want a code: it proves itself, and that much was allowed", sent)
		}
		refused(t, "more than was allowed", w.authorize("foreign", "scope=openid email", "prompt=none"), "consent_required")
	})
}

func TestOneCodePerConversation(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		id := w.asks("/login", "tracker")
		w.typesPassword(id)
		answers := make([]answer, 10)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = w.comesBack(id) })
		}
		all.Wait()
		won := 0
		for _, a := range answers {
			if a.StatusCode == http.StatusSeeOther && a.sent(t).Has("code") {
				won++
			} else {
				wantPage(t, "the loser", a)
			}
		}
		if won != 1 {
			t.Errorf("%d codes, want 1", won)
		}
	})
}

func TestHintHoldsThroughTheLogIn(t *testing.T) { // OIDC Core §3.1.2.2
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	w.person, w.cookies = w.second(), map[string]string{}
	id := w.asks("/login", "tracker", "id_token_hint="+hint)
	w.typesPassword(id)
	refused(t, "another person logged in", w.comesBack(id), "login_required")
}
