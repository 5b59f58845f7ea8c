package oidc_test

import (
	"net/http"
	"strings"
	"testing"
)

// The one page that others may frame, and no other.
func TestTheSessionFrame(t *testing.T) {
	w := start(t).logIn()
	got := w.get("/oauth2/session")
	policy := got.Header.Get("Content-Security-Policy")
	if got.StatusCode != http.StatusOK || !strings.Contains(policy, "frame-ancestors https:") || !strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("status %d, policy %q", got.StatusCode, policy)
	}
	answer := w.authorize("tracker")
	var cookie *http.Cookie
	for _, c := range answer.Cookies() {
		if c.Name == "tegata_state" {
			cookie = c
		}
	}
	if cookie == nil || cookie.HttpOnly || cookie.Path != "/oauth2/session" || strings.Contains(cookie.Value, w.session.ID) {
		t.Errorf("cookie %+v", cookie)
	}
	one, other := answer.sent(t).Get("session_state"), w.authorize("basic").sent(t).Get("session_state")
	if one == "" || one == other || len(strings.Split(one, ".")) != 2 {
		t.Errorf("session_state %q and %q, want one for each client", one, other)
	}
	if w.authorize("tracker", "scope=profile").sent(t).Has("session_state") {
		t.Error("session_state without openid")
	}
}
