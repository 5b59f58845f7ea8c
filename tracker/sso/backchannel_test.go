package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/shared/db/dbtest"
	"tegata/tracker/app/apptest"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims is a good logout token of the provider, changed.
func (h house) logoutClaims(change func(c map[string]any)) map[string]any {
	now := h.Clock.Now().Unix()
	c := map[string]any{
		"iss": h.provider.URL, "aud": "tegata-tracker", "iat": now, "exp": now + 120, "jti": time.Now().String(),
		"events": map[string]any{logoutEvent: map[string]any{}}, "sub": "sub-ada", "sid": "sid-1",
	}
	if change != nil {
		change(c)
	}
	return c
}

// told posts a logout token as the provider would.
func (h house) told(t *testing.T, token string) (status int, caching string) {
	t.Helper()
	r, err := http.PostForm(h.URL+"/backchannel-logout", url.Values{"logout_token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode, r.Header.Get("Cache-Control")
}

const alive = `select count(*) from tracker_sessions where ended_at is null`

// anything that is no logout token of the provider ends nothing.
func TestAForgedLogoutTokenEndsNothing(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		b := h.browser(t)
		b.get(b.toCallback("/login"))
		good := h.logoutClaims(nil)
		for name, token := range map[string]string{
			"nothing":            "",
			"no JWT":             "x.y.z",
			"unsigned":           h.provider.SignNone(good),
			"HS256":              h.provider.SignHS256(good),
			"RS256":              h.provider.SignRS256(good),
			"a stranger's key":   h.provider.SignStranger(good),
			"typ JWT":            h.provider.SignTyped("JWT", good),
			"no typ":             h.provider.SignES256(good),
			"too long":           strings.Repeat("a", 9000),
			"other issuer":       h.logout(func(c map[string]any) { c["iss"] = "https://evil.test" }),
			"other audience":     h.logout(func(c map[string]any) { c["aud"] = "shop" }),
			"two audiences":      h.logout(func(c map[string]any) { c["aud"] = []string{"tegata-tracker", "shop"} }),
			"no iat":             h.logout(func(c map[string]any) { delete(c, "iat") }),
			"from the future":    h.logout(func(c map[string]any) { c["iat"] = h.Clock.Now().Unix() + 300 }),
			"no exp":             h.logout(func(c map[string]any) { delete(c, "exp") }),
			"expired":            h.logout(func(c map[string]any) { c["exp"] = h.Clock.Now().Unix() - 60 }),
			"lives for a day":    h.logout(func(c map[string]any) { c["exp"] = h.Clock.Now().Unix() + 86400 }),
			"no jti":             h.logout(func(c map[string]any) { delete(c, "jti") }),
			"no events":          h.logout(func(c map[string]any) { delete(c, "events") }),
			"other event":        h.logout(func(c map[string]any) { c["events"] = map[string]any{"x": map[string]any{}} }),
			"two events":         h.logout(func(c map[string]any) { c["events"] = map[string]any{logoutEvent: map[string]any{}, "x": 1} }),
			"event is a text":    h.logout(func(c map[string]any) { c["events"] = map[string]any{logoutEvent: "x"} }),
			"event is null":      h.logout(func(c map[string]any) { c["events"] = map[string]any{logoutEvent: nil} }),
			"with a nonce":       h.logout(func(c map[string]any) { c["nonce"] = "n" }),
			"with an empty one":  h.logout(func(c map[string]any) { c["nonce"] = nil }),
			"neither sub or sid": h.logout(func(c map[string]any) { delete(c, "sub"); delete(c, "sid") }),
		} {
			if status, caching := h.told(t, token); status != http.StatusBadRequest || caching != "no-store" {
				t.Errorf("%s: %d, Cache-Control %q, want 400 and no-store", name, status, caching)
			}
			h.count(t, 1, alive)
		}
		for name, change := range map[string]func(c map[string]any){
			"another session":                  func(c map[string]any) { c["sid"] = "sid-2" },
			"another person":                   func(c map[string]any) { c["sub"] = "sub-bob"; delete(c, "sid") },
			"this session of another person":   func(c map[string]any) { c["sub"] = "sub-bob" },
			"another session of this person's": func(c map[string]any) { c["sid"] = "sid-3" },
		} {
			if status, _ := h.told(t, h.logout(change)); status != http.StatusOK {
				t.Errorf("%s: %d, want 200", name, status)
			}
			h.count(t, 1, alive)
		}
	})
}

func (h house) logout(change func(c map[string]any)) string {
	return h.provider.SignTyped("logout+jwt", h.logoutClaims(change))
}

// OIDC Back-Channel Logout §2.7: by sid or by sub; the browser is signed out at once.
func TestTheProviderEndsSessions(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		for i, change := range []func(c map[string]any){
			func(map[string]any) {},
			func(c map[string]any) { delete(c, "sub") },
			func(c map[string]any) { delete(c, "sid") },
		} {
			name := []string{"sid and sub", "sid alone", "sub alone"}[i]
			sid := "sid-" + name
			h.provider.Lie(func(p *apptest.Provider) { p.Claims = func(c map[string]any) { c["sid"] = sid } })
			b := h.browser(t)
			b.get(b.toCallback("/login"))
			token := h.logout(func(c map[string]any) { c["sid"] = sid; change(c) })
			if status, caching := h.told(t, token); status != http.StatusOK || caching != "no-store" {
				t.Errorf("%s: %d, Cache-Control %q, want 200 and no-store", name, status, caching)
			}
			if a := b.get(h.URL + "/home"); !strings.HasPrefix(a.location, "/login") {
				t.Errorf("%s: /home answers %d %q, want the log-in", name, a.status, a.location)
			}
			h.count(t, i+1, `select count(*) from audit_events where action = 'session.ended_by_provider' and actor = 'provider' and subject <> 'provider'`)
			if status, _ := h.told(t, token); status != http.StatusBadRequest {
				t.Errorf("%s, again: %d, want 400", name, status)
			}
		}
	})
}

// A log-in that ends here after the provider's session ended makes no session.
func TestALoginOfASessionThatIsOver(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	back := b.toCallback("/login")
	if status, _ := h.told(t, h.logout(nil)); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if b.get(back); b.session() != "" {
		t.Error("there is a session")
	}
	h.count(t, 0, alive)
	h.provider.Lie(func(p *apptest.Provider) { p.Claims = func(c map[string]any) { c["sid"] = "sid-2" } })
	if b.get(b.toCallback("/login")); b.session() == "" {
		t.Error("no session after a fresh log-in")
	}
}

func TestLogoutTokensThatComeOtherwise(t *testing.T) {
	h := open(t, "")
	token := h.logout(nil)
	for _, c := range []struct {
		name, query, kind, body string
		status                  int
	}{
		{"in the query", "?logout_token=" + token, "application/x-www-form-urlencoded", "", 400},
		{"twice", "", "application/x-www-form-urlencoded", "logout_token=" + token + "&logout_token=" + token, 400},
		{"as JSON", "", "application/json", `{"logout_token":"` + token + `"}`, 415},
	} {
		r, err := http.Post(h.URL+"/backchannel-logout"+c.query, c.kind, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != c.status || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, want %d", c.name, r.StatusCode, c.status)
		}
	}
	if r, err := http.Get(h.URL + "/backchannel-logout"); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v %v", r, err)
	}
}
