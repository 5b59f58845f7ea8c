package sso_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/program/programtest"
	"tegata/tracker/app/apptest"
	"tegata/tracker/sso"
)

func TestTheAuthorizationRequestAsksForWhatWeNeed(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	b.toCallback("/login?target_link_uri=" + url.QueryEscape(h.URL+"/personal?saved=1") + "&login_hint=ada@example.org&iss=" + url.QueryEscape(h.provider.URL))
	q := h.provider.Asked()[0]
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "tegata-tracker", "redirect_uri": h.URL + "/callback", "scope": "openid profile email",
		"code_challenge_method": "S256", "target_link_uri": h.URL + "/personal?saved=1", "login_hint": "ada@example.org", "ui_locales": "en",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// S-181: an address of its own per programme and language.
func TestTheProgrammeHasALogInAddressPerLanguage(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	b.toCallback("/cisco/ja/login")
	if got := h.provider.Asked()[0].Get("ui_locales"); got != "ja" {
		t.Errorf("ui_locales is %q, want ja", got)
	}
	if a := b.get(h.URL + "/"); !strings.Contains(a.body, `lang="ja"`) {
		t.Error("the language of the address is forgotten")
	}
	for _, path := range []string{"/cisco/tlh/login", "/other/en/login", "/cisco/en"} {
		if a := b.get(h.URL + path); a.status != http.StatusNotFound {
			t.Errorf("%s answers %d, want 404", path, a.status)
		}
	}
}

// HEAD has to be safe (RFC 9110 §9.2.1): who looks whether a link works begins no log-in
// and uses up no answer of the provider.
func TestHeadDoesNothing(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	back := b.toCallback("/login")
	h.count(t, 1, `select count(*) from once`)
	for _, address := range []string{h.URL + "/login", h.URL + "/cisco/ja/login", back} {
		r, err := http.Head(address)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET" || r.Header.Get("Location") != "" || len(r.Cookies()) > 0 {
			t.Errorf("HEAD %.40s: status %d, header %v", address, r.StatusCode, r.Header)
		}
	}
	if r, err := b.client.Head(back); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("HEAD of the answer in its own browser: %v, %v", r, err)
	}
	h.count(t, 1, `select count(*) from once`)
	if a := b.get(back); a.location != "/home" {
		t.Errorf("the answer after HEAD leads to %q with %d, want /home", a.location, a.status)
	}
}

// A-074 and OIDC Core §4: a log-in ends at the tracker and nowhere else.
func TestNobodyIsSentElsewhere(t *testing.T) {
	h := open(t, "")
	for _, target := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, "/%0d%0aLocation:x", "javascript:alert(1)", "\thttps://evil.example",
		"http://localhost.evil.example/", h.URL + "@evil.example/", "http://ada@" + strings.TrimPrefix(h.URL, "http://") + "/", "personal",
		"/" + strings.Repeat("a", 2000), "https:" + strings.TrimPrefix(h.URL, "http:") + "/home", "/x\x00", "///evil.example", "%2f%2fevil.example",
	} {
		b := h.browser(t)
		a := b.get(h.URL + "/login?target_link_uri=" + url.QueryEscape(target))
		if a.status == http.StatusSeeOther { // taken: then it must be a path of ours
			end := b.get(b.toCallback("/login?target_link_uri=" + url.QueryEscape(target)))
			u, err := url.Parse(end.location)
			if err != nil || u.Host != "" || !strings.HasPrefix(end.location, "/") || strings.HasPrefix(end.location, "//") {
				t.Errorf("%q ends at %q", target, end.location)
			}
			continue
		}
		h.refused(t, b, a, http.StatusBadRequest)
	}
	if a := h.browser(t).get(h.URL + "/login?iss=https%3A%2F%2Fevil.example"); a.status != http.StatusBadRequest {
		t.Errorf("a log-in for another issuer answers %d, want 400", a.status)
	}
}

func TestLocalPath(t *testing.T) {
	const home = "https://tracker.example"
	for target, want := range map[string]string{
		"": "", home: "", home + "/": "", "/personal": "/personal", home + "/personal?a=b#c": "/personal?a=b",
		"/login?target_link_uri=/x": "", "/callback": "", "/logout": "", "/a%2Fb": "/a%2Fb",
	} {
		if got, err := sso.LocalPath(home, target); err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", target, got, err, want)
		}
	}
	for _, target := range []string{
		"http://tracker.example/x", "https://tracker.example:444/x", "//tracker.example/x", "mailto:x", "x/y", "https://ada@tracker.example/x",
	} {
		if got, err := sso.LocalPath(home, target); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q gives %q, %v; want a refusal", target, got, err)
		}
	}
}

func TestTheTrackerStartsBeforeItsProvider(t *testing.T) {
	held := clock.Hold(programtest.Began)
	h := house{Tracker: apptest.Start(t, apptest.Options{Clock: held})}
	b := h.browser(t)
	if a := b.get(h.URL + "/readyz"); a.status != http.StatusOK {
		t.Errorf("/readyz answers %d: %s", a.status, a.body)
	}
	if a := b.get(h.URL + "/"); a.status != http.StatusOK || !strings.Contains(a.body, "does not answer at the moment") {
		t.Errorf("the start page answers %d without a kind word: %s", a.status, a.body)
	}
	h.refused(t, b, b.get(h.URL+"/login"), http.StatusServiceUnavailable)
}

// the browser holds a session cookie and nothing of the tokens; at rest the ID
// token is sealed.
func TestTokensStayOnTheServer(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		b := h.browser(t)
		callback := b.toCallback("/login")
		var idToken string
		h.provider.Lie(func(p *apptest.Provider) {
			p.Sign = func(p *apptest.Provider, c map[string]any) string { idToken = p.SignES256(c); return idToken }
		})
		b.get(callback)
		for _, c := range b.client.Jar.Cookies(b.origin) {
			if strings.Contains(c.Value, "eyJ") || strings.Contains(c.Value, idToken[:20]) {
				t.Errorf("cookie %s holds a token", c.Name)
			}
		}
		var sealed, digest []byte
		if err := h.DB.Row(t.Context(), `select id_token, digest from tracker_sessions`, nil, &sealed, &digest); err != nil {
			t.Fatal(err)
		}
		_, secretPart, _ := strings.Cut(b.session(), ".")
		if bytes.Contains(sealed, []byte("eyJ")) || bytes.Contains(digest, []byte(secretPart)) {
			t.Error("the database shows a token")
		}
		if page := b.get(h.URL + "/welcome/address"); strings.Contains(page.body, idToken) {
			t.Error("a page shows the ID token")
		}
	})
}

func (b *jar) post(address string) answer {
	b.t.Helper()
	r, err := b.client.PostForm(address, url.Values{})
	if err != nil {
		b.t.Fatal(err)
	}
	r.Body.Close()
	return answer{status: r.StatusCode, location: r.Header.Get("Location")}
}

// OIDC RP-Initiated Logout §2: both sessions end.
func TestLogOutEndsBothSessions(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		b := h.browser(t)
		b.get(b.toCallback("/login"))
		old := b.session()
		a := b.post(h.URL + "/logout")
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, h.provider.URL+"/logout?") {
			t.Fatalf("log-out answers %d to %q, want the provider's", a.status, a.location)
		}
		back := b.get(a.location)
		asked := h.provider.LoggedOut()
		if asked.Get("id_token_hint") == "" || asked.Get("post_logout_redirect_uri") != h.URL+"/" || asked.Get("client_id") != "tegata-tracker" {
			t.Errorf("the provider was asked %v", asked)
		}
		if page := b.get(back.location); !strings.Contains(page.body, "logged out") && !strings.Contains(page.body, "ログアウトしました") {
			t.Errorf("the start page does not say so: %s", page.body)
		}
		if b.session() != "" {
			t.Error("the session cookie stays")
		}
		b.client.Jar.SetCookies(b.origin, []*http.Cookie{{Name: sso.SessionCookie, Value: old, Path: "/"}})
		if a := b.get(h.URL + "/home"); !strings.HasPrefix(a.location, "/login") {
			t.Errorf("the old cookie still opens /home: %d %q", a.status, a.location)
		}
		h.count(t, 0, `select count(*) from tracker_sessions where ended_at is null`)
	})
}

func TestLogOutOfNobodyIsNoMistake(t *testing.T) {
	h := open(t, "")
	if a := h.browser(t).post(h.URL + "/logout"); a.status != http.StatusSeeOther || a.location != h.URL+"/?state=signed-out" {
		t.Errorf("answers %d to %q, want the start page", a.status, a.location)
	}
}

func TestASessionEndsWhenItIsIdleOrOld(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		open := func(b *jar) bool { return b.get(h.URL+"/welcome/address").status == http.StatusOK }
		idle, busy := h.browser(t), h.browser(t)
		idle.get(idle.toCallback("/login"))
		busy.get(busy.toCallback("/login"))
		for range 11 {
			h.Clock.Move(time.Hour)
			if !open(busy) {
				t.Fatal("a session in use ended before its time")
			}
		}
		if open(idle) {
			t.Error("a session idle for 11 hours is open, want at most 2")
		}
		h.Clock.Move(time.Hour)
		if open(busy) {
			t.Error("a session of 12 hours is open, want at most 12")
		}
	})
}

// who logs in on a shared browser gets a new session; the old one is over.
func TestANewLoginReplacesTheSessionOfTheBrowser(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	b.get(b.toCallback("/login"))
	first := b.session()
	h.provider.Lie(func(p *apptest.Provider) { p.Person["sub"] = "sub-bob"; p.Person["given_name"] = "Bob" })
	b.get(b.toCallback("/login"))
	if b.session() == first {
		t.Error("the session token stayed the same")
	}
	h.count(t, 1, `select count(*) from tracker_sessions where ended_at is null`)
	if page := b.get(h.URL + "/welcome/address"); !strings.Contains(page.body, "Bob") || strings.Contains(page.body, "Ada") {
		t.Error("the page shows somebody else")
	}
}

func TestAForgedSessionCookieIsNobody(t *testing.T) {
	h := open(t, "")
	b := h.browser(t)
	b.get(b.toCallback("/login"))
	id, _, _ := strings.Cut(b.session(), ".")
	for _, value := range []string{"x", id, id + ".", id + "." + strings.Repeat("a", 43), strings.Repeat("a", 4000)} {
		b.client.Jar.SetCookies(b.origin, []*http.Cookie{{Name: sso.SessionCookie, Value: value, Path: "/"}})
		if a := b.get(h.URL + "/home"); !strings.HasPrefix(a.location, "/login") {
			t.Errorf("cookie %.20q gives %d %q, want the log-in", value, a.status, a.location)
		}
	}
}

func TestSweepForgetsWhatIsOver(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		h := open(t, rawURL)
		b := h.browser(t)
		b.get(b.toCallback("/login"))
		h.Sweep(t.Context())
		h.count(t, 1, `select count(*) from tracker_sessions`)
		h.Clock.Move(10 * 24 * time.Hour)
		h.Sweep(t.Context())
		h.count(t, 0, `select count(*) from tracker_sessions`)
		h.count(t, 0, `select count(*) from once`)
	})
}
