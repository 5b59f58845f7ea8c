package serve_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/shared/serve"
)

func TestAKeptCookieIsMadeOnceForABrowser(t *testing.T) {
	c, made := serve.Cookies{Secure: true}, 0
	fresh := func() string { made++; return "fresh" }
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	if got := c.Keep(w, r, "browser", fresh); got != "fresh" || made != 1 {
		t.Errorf("first: %q, made %d", got, made)
	}
	set := w.Result().Cookies()
	if len(set) != 1 || set[0].Name != "__Host-browser" || set[0].Value != "fresh" || set[0].MaxAge != 0 || !set[0].HttpOnly || !set[0].Secure {
		t.Fatalf("set %v", set)
	}
	w = httptest.NewRecorder()
	r.AddCookie(set[0])
	if got := c.Keep(w, r, "browser", fresh); got != "fresh" || made != 1 || len(w.Result().Cookies()) != 0 {
		t.Errorf("again: %q, made %d, set %v; want the one that is there", got, made, w.Result().Cookies())
	}
}
