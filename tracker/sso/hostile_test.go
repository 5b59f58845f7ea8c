package sso_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app/apptest"
	"tegata/tracker/sso"
)

// house is a tracker beside a provider that can lie.
type house struct {
	*apptest.Tracker
	provider *apptest.Provider
}

func open(t testing.TB, databaseURL string) house {
	t.Helper()
	held := clock.Hold(programtest.Began)
	provider := apptest.StartProvider(t, held)
	return house{apptest.Start(t, apptest.Options{Issuer: provider.URL, Clock: held, DatabaseURL: databaseURL}), provider}
}

// jar is one browser; it follows redirects only when it is told to.
type jar struct {
	t      testing.TB
	client *http.Client
	origin *url.URL // of the tracker
}

func (h house) browser(t testing.TB) *jar {
	t.Helper()
	cookies, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	origin, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &jar{t, &http.Client{Jar: cookies, CheckRedirect: stay}, origin}
}

// answer is what came back.
type answer struct {
	status   int
	location string
	body     string
}

func (b *jar) get(address string) answer {
	b.t.Helper()
	r, err := b.client.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{r.StatusCode, r.Header.Get("Location"), string(body)}
}

// toCallback begins a log-in and gives the URL that the provider sends the browser to.
func (b *jar) toCallback(path string) string {
	b.t.Helper()
	begun := b.get(b.origin.String() + path)
	if begun.status != http.StatusSeeOther {
		b.t.Fatalf("%s answers %d, want 303: %s", path, begun.status, begun.body)
	}
	back := b.get(begun.location)
	if !strings.HasPrefix(back.location, b.origin.String()+"/callback?") {
		b.t.Fatalf("the provider leads to %q", back.location)
	}
	return back.location
}

// session gives the tracker's session cookie, "" when there is none.
func (b *jar) session() string {
	for _, c := range b.client.Jar.Cookies(b.origin) {
		if c.Name == sso.SessionCookie {
			return c.Value
		}
	}
	return ""
}

// refused checks that a log-in ended with nothing but a page to start again from.
func (h house) refused(t *testing.T, b *jar, a answer, status int) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	if b.session() != "" {
		t.Error("there is a session")
	}
	if a.location != "" {
		t.Errorf("leads to %s, want nowhere", a.location)
	}
	if !strings.Contains(a.body, `id="again"`) || !strings.Contains(a.body, `href="/login`) {
		t.Errorf("the page has no way to start again: %s", a.body)
	}
}

func (h house) count(t *testing.T, want int, query string) {
	t.Helper()
	var got int
	if err := h.DB.Row(t.Context(), query, nil, &got); err != nil || got != want {
		t.Errorf("%s gives %d, %v; want %d", query, got, err, want)
	}
}

func change(address string, edit func(q url.Values)) string {
	u, _ := url.Parse(address)
	q := u.Query()
	edit(q)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestAnHonestProviderLogsIn(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		b := h.browser(t)
		a := b.get(b.toCallback("/login"))
		if a.status != http.StatusSeeOther || a.location != "/home" {
			t.Fatalf("callback answers %d to %q, want 303 to /home: %s", a.status, a.location, a.body)
		}
		h.count(t, 1, `select count(*) from tracker_sessions`)
		if n := h.provider.Calls("/userinfo"); n != 1 {
			t.Errorf("userinfo was called %d times, want once after a log-in", n)
		}
	})
}

// A-021 … A-025: what came back is not what we asked for. None of it may reach the
// token endpoint.
func TestAWrongAnswerIsRefusedBeforeAnyTokenCall(t *testing.T) {
	h := open(t, "")
	for name, edit := range map[string]func(q url.Values){
		"iss missing":           func(q url.Values) { q.Del("iss") },
		"iss of another":        func(q url.Values) { q.Set("iss", "https://evil.example") },
		"iss with a slash":      func(q url.Values) { q.Set("iss", h.provider.URL+"/") },
		"iss twice":             func(q url.Values) { q.Add("iss", h.provider.URL) },
		"state missing":         func(q url.Values) { q.Del("state") },
		"state empty":           func(q url.Values) { q.Set("state", "") },
		"state unknown":         func(q url.Values) { q.Set("state", "01890000-0000-7000-8000-000000000000."+strings.Repeat("a", 43)) },
		"state with bad secret": func(q url.Values) { q.Set("state", q.Get("state")[:37]+strings.Repeat("a", 43)) },
		"state of 10 kB":        func(q url.Values) { q.Set("state", strings.Repeat("a", 10<<10)) },
		"state twice":           func(q url.Values) { q.Add("state", q.Get("state")) },
		"code missing":          func(q url.Values) { q.Del("code") },
		"code of 10 kB":         func(q url.Values) { q.Set("code", strings.Repeat("a", 10<<10)) },
		"code twice":            func(q url.Values) { q.Add("code", "other") },
		"error":                 func(q url.Values) { q.Set("error", "server_error") },
		"error that is a tag":   func(q url.Values) { q.Set("error", "<script>alert(1)</script>") },
	} {
		t.Run(name, func(t *testing.T) {
			b := h.browser(t)
			a := b.get(change(b.toCallback("/login"), edit))
			h.refused(t, b, a, http.StatusBadRequest)
			if strings.Contains(a.body, "<script>alert") {
				t.Error("the page repeats what a stranger wrote")
			}
		})
	}
	if n := h.provider.Calls("/token"); n != 0 {
		t.Errorf("the token endpoint was called %d times", n)
	}
}

// the state of one browser is nothing in another, and stays good in its own.
func TestAStateWorksOnlyInTheBrowserThatBeganIt(t *testing.T) {
	h := open(t, "")
	attacker, victim, fresh := h.browser(t), h.browser(t), h.browser(t)
	stolen := attacker.toCallback("/login")
	victim.toCallback("/login") // has a cookie of its own
	h.refused(t, victim, victim.get(stolen), http.StatusBadRequest)
	h.refused(t, fresh, fresh.get(stolen), http.StatusBadRequest)
	if n := h.provider.Calls("/token"); n != 0 {
		t.Errorf("the token endpoint was called %d times", n)
	}
	if a := attacker.get(stolen); a.status != http.StatusSeeOther {
		t.Errorf("its own browser gets %d, want 303: strangers must not use it up", a.status)
	}
}

func TestAStateWorksOnce(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	callback := b.toCallback("/login")
	b.get(callback)
	before := b.session()
	if a := b.get(callback); a.status != http.StatusBadRequest || !strings.Contains(a.body, "works once") {
		t.Errorf("a reused state gives %d, want 400 and an explanation", a.status)
	}
	if b.session() != before {
		t.Error("the session changed")
	}
	if n := h.provider.Calls("/token"); n != 1 {
		t.Errorf("the token endpoint was called %d times, want once", n)
	}
}

// the code of another log-in fails on PKCE, from another tab too.
func TestAnInjectedCodeIsRefused(t *testing.T) {
	h := open(t, "")
	attacker, victim := h.browser(t), h.browser(t)
	code := func(address string) string { u, _ := url.Parse(address); return u.Query().Get("code") }
	foreign := code(attacker.toCallback("/login"))
	a := victim.get(change(victim.toCallback("/login"), func(q url.Values) { q.Set("code", foreign) }))
	h.refused(t, victim, a, http.StatusBadRequest)
	otherTab := code(victim.toCallback("/login"))
	a = victim.get(change(victim.toCallback("/login"), func(q url.Values) { q.Set("code", otherTab) }))
	h.refused(t, victim, a, http.StatusBadRequest)
	h.count(t, 0, `select count(*) from candidates`)
}

// each log-in is fresh.
func TestStateNonceAndChallengeDifferEachTime(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	for range 100 {
		b.toCallback("/login")
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		seen := map[string]bool{}
		for _, q := range h.provider.Asked() {
			if len(q.Get(name)) < 43 || seen[q.Get(name)] {
				t.Fatalf("%s is %q: short or not fresh", name, q.Get(name))
			}
			seen[q.Get(name)] = true
		}
	}
}

// OIDC Core §3.1.3.7, conformance §5: what the provider's tokens may not be.
func TestForgedTokensAreRefused(t *testing.T) {
	h := open(t, "")
	set := func(name string, value any) func(p *apptest.Provider) {
		return func(p *apptest.Provider) { p.Claims = func(c map[string]any) { c[name] = value } }
	}
	without := func(name string) func(p *apptest.Provider) {
		return func(p *apptest.Provider) { p.Claims = func(c map[string]any) { delete(c, name) } }
	}
	signed := func(sign func(p *apptest.Provider, claims map[string]any) string) func(p *apptest.Provider) {
		return func(p *apptest.Provider) { p.Sign = sign }
	}
	now := programtest.Began.Unix()
	for name, lie := range map[string]func(p *apptest.Provider){
		"alg none":            signed((*apptest.Provider).SignNone),
		"RS256":               signed((*apptest.Provider).SignRS256),
		"HS256, public key":   signed((*apptest.Provider).SignHS256),
		"a stranger's key":    signed((*apptest.Provider).SignStranger),
		"no ID token":         signed(func(*apptest.Provider, map[string]any) string { return "" }),
		"garbage":             signed(func(*apptest.Provider, map[string]any) string { return "a.b.c" }),
		"changed payload":     signed(changedPayload),
		"iss of another":      set("iss", "https://evil.example"),
		"iss missing":         without("iss"),
		"aud of another":      set("aud", "another-client"),
		"aud list with more":  set("aud", []string{"tegata-tracker", "another-client"}),
		"aud missing":         without("aud"),
		"azp of another":      set("azp", "another-client"),
		"sub missing":         without("sub"),
		"nonce of another":    set("nonce", "other"),
		"nonce missing":       without("nonce"),
		"iat missing":         without("iat"),
		"iat in the future":   set("iat", now+120),
		"exp missing":         without("exp"),
		"exp over":            set("exp", now-31),
		"nbf in the future":   set("nbf", now+120),
		"at_hash of another":  set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"userinfo of another": func(p *apptest.Provider) { p.UserInfo = func(c map[string]any) { c["sub"] = "sub-x" } },
		"userinfo of nobody":  func(p *apptest.Provider) { p.UserInfo = func(c map[string]any) { delete(c, "sub") } },
	} {
		t.Run(name, func(t *testing.T) {
			h.provider.Honest()
			b := h.browser(t)
			callback := b.toCallback("/login")
			h.provider.Lie(lie)
			h.refused(t, b, b.get(callback), http.StatusBadRequest)
		})
	}
	h.count(t, 0, `select count(*) from candidates`)
	h.count(t, 0, `select count(*) from tracker_sessions`)
	h.provider.Honest()
	if b := h.browser(t); b.get(b.toCallback("/login")).status != http.StatusSeeOther {
		t.Error("the honest log-in does not work any more")
	}
}

func changedPayload(p *apptest.Provider, claims map[string]any) string {
	good := strings.Split(p.SignES256(claims), ".")
	claims["sub"] = "sub-x"
	other := strings.Split(p.SignES256(claims), ".")
	return good[0] + "." + other[1] + "." + good[2]
}

func TestAProviderThatIsNotWellIsNotBlamedOnThePerson(t *testing.T) {
	h := open(t, "")
	for name, c := range map[string]struct {
		lie    func(p *apptest.Provider)
		status int
	}{
		"500 of the token endpoint": {func(p *apptest.Provider) {
			p.Tokens = func(w http.ResponseWriter) bool { w.WriteHeader(500); return true }
		}, http.StatusServiceUnavailable},
		"a token answer without end": {func(p *apptest.Provider) {
			p.Tokens = func(w http.ResponseWriter) bool {
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, `{"access_token":"`+strings.Repeat("a", 3<<20))
				return true
			}
		}, http.StatusServiceUnavailable},
		"invalid_client": {func(p *apptest.Provider) {
			p.Tokens = func(w http.ResponseWriter) bool {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(401)
				io.WriteString(w, `{"error":"invalid_client"}`)
				return true
			}
		}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			h.provider.Honest()
			b := h.browser(t)
			callback := b.toCallback("/login")
			h.provider.Lie(c.lie)
			h.refused(t, b, b.get(callback), c.status)
		})
	}
}

func TestErrorsOfTheProviderAreToldKindly(t *testing.T) {
	h := open(t, "")
	for code, want := range map[string]struct {
		status int
		text   string
	}{
		"access_denied":           {http.StatusForbidden, "You did not log in"},
		"temporarily_unavailable": {http.StatusServiceUnavailable, "does not answer"},
		"login_required":          {http.StatusBadRequest, "did not work"},
	} {
		h.provider.Lie(func(p *apptest.Provider) {
			p.Answer = func(q url.Values) {
				q.Del("code")
				q.Set("error", code)
				q.Set("error_description", "secret details")
			}
		})
		b := h.browser(t)
		a := b.get(b.toCallback("/login?target_link_uri=/personal"))
		h.refused(t, b, a, want.status)
		if !strings.Contains(a.body, want.text) || strings.Contains(a.body, "secret details") {
			t.Errorf("%s: page %s, want %q and nothing of the description", code, a.body, want.text)
		}
		if !strings.Contains(a.body, `href="/login?target_link_uri=%2Fpersonal"`) {
			t.Errorf("%s: starting again forgets the place wanted", code)
		}
	}
}

// metadata of another issuer is never used.
func TestMetadataOfAnotherIssuerIsRefused(t *testing.T) {
	for name, lie := range map[string]func(m map[string]any){
		"another issuer":     func(m map[string]any) { m["issuer"] = "https://evil.example" },
		"a slash at the end": func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/" },
		"no token endpoint":  func(m map[string]any) { delete(m, "token_endpoint") },
		"a file as JWKS":     func(m map[string]any) { m["jwks_uri"] = "file:///etc/passwd" },
	} {
		t.Run(name, func(t *testing.T) {
			held := clock.Hold(programtest.Began)
			provider := apptest.StartProvider(t, held)
			provider.Lie(func(p *apptest.Provider) { p.Metadata = lie })
			h := house{apptest.Start(t, apptest.Options{Issuer: provider.URL, Clock: held}), provider}
			b := h.browser(t)
			h.refused(t, b, b.get(h.URL+"/login"), http.StatusServiceUnavailable)
			if n := provider.Calls("/authorize"); n != 0 {
				t.Error("a log-in was begun")
			}
		})
	}
}

// A key that we have not seen is asked for; nobody has to restart anything.
func TestARotatedKeyIsPickedUp(t *testing.T) {
	h := open(t, "")
	for range 3 {
		b := h.browser(t)
		if a := b.get(b.toCallback("/login")); a.status != http.StatusSeeOther {
			t.Fatalf("log-in answers %d: %s", a.status, a.body)
		}
		h.provider.Rotate(t)
	}
}

// Who signs up first may be gone for days; the answer that comes late starts again by
// itself and keeps the place.
func TestALateAnswerStartsAgainByItself(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	callback := b.toCallback("/login?target_link_uri=/schedule")
	h.Clock.Move(7 * 24 * time.Hour)
	a := b.get(callback)
	if a.status != http.StatusSeeOther || a.location != "/login?target_link_uri=%2Fschedule" {
		t.Fatalf("answers %d to %q, want a fresh start", a.status, a.location)
	}
	if a := b.get(b.toCallback(a.location)); a.location != "/schedule" {
		t.Errorf("ends at %q, want /schedule", a.location)
	}
}

func TestManyAnswersWithOneStateGiveOneSession(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		b := h.browser(t)
		callback := b.toCallback("/login")
		statuses := make(chan int, 20)
		start := make(chan struct{})
		for range cap(statuses) {
			go func() {
				<-start
				r, err := b.client.Get(callback)
				if err != nil {
					statuses <- 0
					return
				}
				r.Body.Close()
				statuses <- r.StatusCode
			}()
		}
		close(start)
		won := 0
		for range cap(statuses) {
			switch s := <-statuses; s {
			case http.StatusSeeOther:
				won++
			case http.StatusBadRequest:
			default:
				t.Errorf("status %d", s)
			}
		}
		if won != 1 {
			t.Errorf("%d answers won, want one", won)
		}
		h.count(t, 1, `select count(*) from tracker_sessions`)
	})
}
