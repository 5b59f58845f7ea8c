package oidc_test

import (
	"net/url"
	"testing"
)

// HEAD has to be safe (RFC 9110 §9.2.1): who looks whether a link works gets no code, and
// ends no session.
func TestHeadDoesNothing(t *testing.T) {
	w := start(t).logIn()
	w.keepsDiary()
	w.provider.Count = func(event string) { w.counted[event]++ }
	identity := w.tokens("basic")["id_token"].(string)
	issued, written := w.counted["code_issued"], len(w.diary("basic"))
	for _, path := range []string{
		"/oauth2/authorize?" + request("basic").Encode(),
		"/oauth2/authorize?interaction=x",
		"/oauth2/logout?" + url.Values{"id_token_hint": {identity}}.Encode(),
	} {
		got := w.head(path)
		if got.StatusCode != 405 || got.Header.Get("Allow") != "GET, POST" || got.Header.Get("Location") != "" || len(got.Cookies()) > 0 {
			t.Errorf("HEAD %.30s: status %d, header %v", path, got.StatusCode, got.Header)
		}
	}
	if n := len(w.diary("basic")); w.counted["code_issued"] != issued || n != written {
		t.Errorf("%d codes issued and %d lines written by HEAD", w.counted["code_issued"]-issued, n-written)
	}
	if sent := w.authorize("basic", "prompt=none").sent(t); !sent.Has("code") {
		t.Errorf("after HEAD at the log-out: %v, want a code", sent)
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/oauth2/jwks", "/oauth2/session"} {
		if got := w.head(path); got.StatusCode != 200 {
			t.Errorf("HEAD %s: status %d", path, got.StatusCode)
		}
	}
	w.leaves("GET", w.logout("id_token_hint="+identity), "/logout", true)
}
