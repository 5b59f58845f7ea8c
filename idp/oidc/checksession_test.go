package oidc_test

import (
	"crypto/sha256"
	"encoding/hex"
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
	refusal := w.authorize("tracker", "prompt=consent none").sent(t)
	if refusal.Get("error") == "" || !w.frameSays(refusal.Get("session_state")) {
		t.Errorf("refusal %v, want the state of who is signed in", refusal)
	}
	w.cookies = map[string]string{}
	if silent := w.authorize("tracker", "prompt=none").sent(t); silent.Get("error") != "login_required" || !w.frameSays(silent.Get("session_state")) {
		t.Errorf("silently, signed out: %v, want the state of nobody", silent)
	}
}

// frameSays tells whether a page of client tracker that shows its session_state would
// hear "unchanged".
func (w *world) frameSays(state string) bool {
	sum, salt, _ := strings.Cut(state, ".")
	want := sha256.Sum256([]byte("tracker https://rp.test " + w.cookies["tegata_state"] + " " + salt))
	return sum == hex.EncodeToString(want[:])
}
