package oidc_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"tegata/idp/clients"
)

func TestParametersWithoutAValueCountAsLeftOut(t *testing.T) { // RFC 6749 §3.2; as zitadel/oidc sends them
	w := start(t).logIn()
	if got := w.redeem("basic", w.code("basic"), "client_id=", "client_secret="); got.StatusCode != 200 {
		t.Errorf("empty client_secret beside Basic: %s", got.Body)
	}
	wantError(t, w.redeem("basic", w.code("basic"), "code="), 400, "invalid_request")
	empty := []string{"max_age=", "prompt=", "id_token_hint=", "claims=", "request=", "request_uri=", "registration=", "response_mode=", "acr_values=", "dpop_jkt="}
	if sent := w.authorize("tracker", empty...).sent(t); !sent.Has("code") { // RFC 6749 §3.1
		t.Errorf("at authorize: %v, want a code", sent)
	}
	refused(t, "an empty response_type", w.authorize("tracker", "response_type="), "invalid_request")
	refused(t, "an empty parameter twice", w.authorize("tracker", "max_age=", "+max_age="), "invalid_request")
	form, _ := w.proof("tracker")
	for name, values := range request("tracker", empty...) {
		form[name] = values
	}
	if got := w.post("/oauth2/par", form); got.StatusCode != 201 {
		t.Errorf("pushed: status %d %s", got.StatusCode, got.Body)
	}
}

// RFC 6749 §2.3.1 wants id and secret form-encoded in HTTP Basic; Authlib, among
// others, sends them as they are.
func TestSecretsThatWereNotEncodedMatchToo(t *testing.T) {
	w := start(t).logIn()
	const odd = "50% of a+b & é/="
	w.edit("basic", func(c *clients.Client) { c.SecretDigests = digest(odd) })
	refusals := func() int { return w.counted["client_refused.client_secret_basic"] }
	w.provider.Count = func(event string) { w.counted[event]++ }
	for name, header := range map[string]string{"encoded": url.QueryEscape(odd), "raw": odd} {
		got := w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("basic:"+header)))
		wantError(t, got, 400, "invalid_grant") // the client is known; its token is not
		if refusals() != 0 {
			t.Errorf("%s: counted as refused", name)
		}
	}
	for name, header := range map[string]string{"half decoded": "50% of a b & é/=", "encoded twice": url.QueryEscape(url.QueryEscape(odd)), "nothing": "", "%": "%"} {
		before := refusals()
		got := w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("basic:"+header)))
		wantError(t, got, 401, "invalid_client")
		if refusals() != before+1 {
			t.Errorf("%s: counted %d times, want once", name, refusals()-before)
		}
	}
	wantError(t, w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("%zz:"+odd))), 401, "invalid_client")
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
