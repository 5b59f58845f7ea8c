package oidc_test

import (
	"net/http"
	"testing"
	"time"
)

func TestParametersWithoutAValueCountAsLeftOut(t *testing.T) { // RFC 6749 §3.2; as zitadel/oidc sends them
	w := start(t).logIn()
	if got := w.redeem("basic", w.code("basic"), "client_id=", "client_secret="); got.StatusCode != 200 {
		t.Errorf("empty client_secret beside Basic: %s", got.Body)
	}
	wantError(t, w.redeem("basic", w.code("basic"), "code="), 400, "invalid_request")
}

func TestOlderClientsMayAssertForAnHour(t *testing.T) { // as Authlib does
	w := start(t).logIn()
	for after, good := range map[time.Duration]bool{time.Hour: true, 61 * time.Minute: false} {
		exp := w.clock.Now().Add(after).Unix()
		got := w.asserting("old", w.assertion("old", func(claims map[string]any) { claims["exp"] = exp }))
		if (got.StatusCode == 200) != good {
			t.Errorf("expires after %s: %s", after, got.Body)
		}
	}
}

func TestScriptsMayRevoke(t *testing.T) { // a public client in a browser; as oidc-client-ts does
	w := start(t)
	for _, path := range []string{"/oauth2/token", "/oauth2/revoke"} {
		r, err := http.NewRequest(http.MethodOptions, w.server.URL+path, nil)
		must(t, err)
		got := w.do(r)
		if got.StatusCode != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: status %d, headers %v", path, got.StatusCode, got.Header)
		}
	}
}
