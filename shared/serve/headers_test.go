package serve_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/shared/serve"
)

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	h, _ := front(t, serve.Front{HTTPS: true}, func(http.ResponseWriter, *http.Request) {})
	for _, path := range []string{"/activate/x", "/not-there"} {
		got := ask(h, httptest.NewRequest("GET", path, nil)).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":    "default-src 'none'",
			"X-Frame-Options":            "DENY",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Permissions-Policy":         "camera=()",
			"Cache-Control":              "no-store",
			"Strict-Transport-Security":  "max-age=",
		} {
			if !strings.Contains(got.Get(name), want) {
				t.Errorf("%s: %s is %q, want %q in it", path, name, got.Get(name), want)
			}
		}
		for _, directive := range []string{"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(got.Get("Content-Security-Policy"), directive) {
				t.Errorf("%s: no %s in the policy", path, directive)
			}
		}
	}
	plain, _ := front(t, serve.Front{}, func(http.ResponseWriter, *http.Request) {})
	if got := ask(plain, httptest.NewRequest("GET", "/", nil)).Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS %q without https", got)
	}
}

func TestDataCarriesWhatHoldsForData(t *testing.T) {
	h, _ := front(t, serve.Front{HTTPS: true}, func(w http.ResponseWriter, r *http.Request) {
		serve.Data(w)
		if r.URL.Query().Has("panic") {
			panic("a page tells it")
		}
	})
	got := ask(h, httptest.NewRequest("GET", "/activate/x", nil)).Header()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Strict-Transport-Security": "max-age=63072000", "Permissions-Policy": "", "X-Frame-Options": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	page := ask(h, httptest.NewRequest("GET", "/activate/x?panic", nil)).Header()
	if page.Get("X-Frame-Options") != "DENY" || !strings.Contains(page.Get("Content-Security-Policy"), "style-src 'self'") {
		t.Errorf("the page about a panic has the headers %v, want those of a page", page)
	}
}

func TestWhatAHandlerAddsToAHeaderStaysItsOwn(t *testing.T) {
	h, _ := front(t, serve.Front{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("add") {
			w.Header().Add("Cache-Control", "private")
			w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		}
	})
	ask(h, httptest.NewRequest("GET", "/activate/x?add", nil))
	got := ask(h, httptest.NewRequest("GET", "/activate/x", nil)).Header()
	if len(got.Values("Cache-Control")) != 1 || got.Get("X-Frame-Options") != "DENY" {
		t.Errorf("another answer left its mark: %v", got)
	}
}

func TestAllowFormActionNamesOriginsAndNothingElse(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"https://RP.example.com:8443/cb?x=1", "form-action 'self' https://rp.example.com:8443"},
		{"com.example.app:/callback", "form-action 'self' com.example.app:"},
		{"https://rp.example.com; script-src *", "form-action 'self'"},
		{"https://*.example.com/", "form-action 'self'"},
		{"javascript:alert(1)", "form-action 'self'"},
		{"/relative", "form-action 'self'"},
		{"https:///cb", "form-action 'self'"},
	} {
		h, _ := front(t, serve.Front{}, func(w http.ResponseWriter, r *http.Request) {
			serve.AllowFormAction(r.Context(), c.url)
			serve.AllowFormAction(r.Context(), c.url)
		})
		got := ask(h, httptest.NewRequest("GET", "/activate/x", nil)).Header().Get("Content-Security-Policy")
		if !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: policy ends %q, want %q", c.url, got[strings.Index(got, "form-action"):], c.want)
		}
	}
}

func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	h := serve.Chain(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), serve.CrossSite(nil), serve.Forms(nil))
	for _, c := range []struct {
		name, method, site, origin, kind string
		want                             int
	}{
		{"own form", "POST", "same-origin", "", "application/x-www-form-urlencoded", 200},
		{"own form, charset told", "POST", "same-origin", "", "application/x-www-form-urlencoded; charset=utf-8", 200},
		{"old browser, own origin", "POST", "", "http://example.com", "application/x-www-form-urlencoded", 200},
		{"other site", "POST", "cross-site", "", "application/x-www-form-urlencoded", 403},
		{"sibling host", "POST", "same-site", "", "application/x-www-form-urlencoded", 403},
		{"old browser, other origin", "POST", "", "https://evil.example", "application/x-www-form-urlencoded", 403},
		{"sandboxed frame", "POST", "", "null", "application/x-www-form-urlencoded", 403},
		{"JSON", "POST", "same-origin", "", "application/json", 415},
		{"text as forms can send it", "POST", "same-origin", "", "text/plain", 415},
		{"multipart", "POST", "same-origin", "", "multipart/form-data; boundary=x", 415},
		{"no type", "POST", "same-origin", "", "", 415},
		{"reading is free", "GET", "cross-site", "", "", 200},
	} {
		r := httptest.NewRequest(c.method, "http://example.com/login", strings.NewReader("a=b"))
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin, "Content-Type": c.kind} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if w := ask(h, r); w.Code != c.want {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.want)
		}
	}
}

func TestCookiesAreBoundToThisHost(t *testing.T) {
	for _, c := range []struct {
		cookies serve.Cookies
		want    string
	}{
		{serve.Cookies{Secure: true}, "__Host-tegata_session=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		{serve.Cookies{}, "tegata_session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		c.cookies.Set(w, "tegata_session", "v", time.Hour)
		if got := w.Header().Get("Set-Cookie"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(w.Result().Cookies()[0])
		if got := c.cookies.Read(r, "tegata_session"); got != "v" {
			t.Errorf("read %q, want v", got)
		}
		w = httptest.NewRecorder()
		c.cookies.Clear(w, "tegata_session")
		if got := w.Result().Cookies()[0]; got.MaxAge != -1 || got.Value != "" || got.Name != c.cookies.Name("tegata_session") {
			t.Errorf("cleared to %v, want an empty cookie that has ended", got)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "tegata_session", Value: "planted"})
	if got := (serve.Cookies{Secure: true}).Read(r, "tegata_session"); got != "" {
		t.Errorf("a cookie without __Host- was read: %q", got)
	}
}

func TestTheHeadersOfAPageComeBeforeTheFirstByte(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter){
		"nothing is said": func(http.ResponseWriter) {},
		"a status":        func(w http.ResponseWriter) { w.WriteHeader(http.StatusSeeOther) },
		"a byte":          func(w http.ResponseWriter) { w.Write([]byte("x")) },
		"a flush":         func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
	} {
		h, _ := front(t, serve.Front{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Referrer-Policy", "origin")
			w.Header()["X-Frame-Options"] = nil
			begin(w)
		})
		s := httptest.NewServer(h)
		res, err := http.DefaultTransport.RoundTrip(httptest.NewRequest("GET", s.URL+"/activate/x", nil))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		s.Close()
		for header, want := range map[string]string{"Permissions-Policy": "camera=()", "Content-Security-Policy": "style-src 'self'", "Referrer-Policy": "origin"} {
			if got := res.Header.Get(header); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q in it", name, header, got, want)
			}
		}
		if got := res.Header.Values("X-Frame-Options"); got != nil {
			t.Errorf("%s: X-Frame-Options %q, want what the handler chose: none", name, got)
		}
	}
}
