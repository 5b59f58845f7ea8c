package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/idp/clients"
)

// OIDC Front-Channel Logout §3. A browser that obeys the refresh although a script has
// gone on already, as that of the conformance suite does, calls the client twice.
func TestLeavingHasOneWayOnWithScriptAndOneWithout(t *testing.T) {
	set := testSet(t)
	pages := &Pages{Page: set}
	frames := []clients.Frame{{Client: "Shop", Address: "https://shop.example/bye?iss=x&sid=y"}}
	r := httptest.NewRequest("GET", "/oauth2/logout", nil)
	w := httptest.NewRecorder()
	set.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return pages.Leave(w, r, frames, "https://shop.example/back?state=a&b=c")
	}).ServeHTTP(w, r)
	body := w.Body.String()
	const refresh = `<noscript><meta http-equiv="refresh" content="5; url=https://shop.example/back?state=a&amp;b=c"></noscript>`
	if w.Header().Get("Refresh") != "" || strings.Count(body, `http-equiv="refresh"`) != 1 || !strings.Contains(body, refresh) {
		t.Errorf("header %q, page %s", w.Header().Get("Refresh"), body)
	}
	if !strings.Contains(body, "leave.js") || !strings.Contains(body, `src="https://shop.example/bye?iss=x&amp;sid=y"`) {
		t.Errorf("no script or no frame: %s", body)
	}
}
