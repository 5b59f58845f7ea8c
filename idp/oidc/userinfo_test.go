package oidc_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/shared/secret"
)

func TestUserinfo(t *testing.T) { // OIDC Core §5.3.1: GET, POST with header, POST with form
	w := start(t).logIn()
	token := w.tokens("tracker")["access_token"].(string)
	bearer := "Authorization: Bearer " + token
	for name, got := range map[string]answer{
		"GET":              w.get("/oauth2/userinfo", bearer),
		"lower case":       w.get("/oauth2/userinfo", "Authorization: bearer "+token),
		"POST with header": w.post("/oauth2/userinfo", nil, bearer),
		"POST with form":   w.post("/oauth2/userinfo", url.Values{"access_token": {token}}),
		"in capitals":      w.post("/oauth2/userinfo", url.Values{"access_token": {token}}, "Content-Type: APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8"),
	} {
		if got.StatusCode != 200 || got.json(t)["sub"] != w.person.Subject || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
		}
	}
}

// Whoever stands before us may have looked at the other one.
func TestTwoAuthorizationHeadersAreRefused(t *testing.T) { // RFC 9110 §11.6.2
	w := start(t).logIn()
	token := w.tokens("basic")["access_token"].(string)
	_, basic, _ := strings.Cut(basicAuth("basic", basicSecret), ": ")
	for path, header := range map[string]string{"/oauth2/userinfo": "Bearer " + token, "/oauth2/introspect": basic, "/oauth2/revoke": basic} {
		for _, other := range []string{header, "Bearer x", "Negotiate x", ""} {
			r, err := http.NewRequest("POST", w.server.URL+path, strings.NewReader(url.Values{"token": {token}}.Encode()))
			must(t, err)
			r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {header, other}}
			if got := w.do(r); got.StatusCode != 400 || !strings.Contains(got.Body+got.Header.Get("WWW-Authenticate"), "invalid_request") {
				t.Errorf("%s, beside %q: status %d %s", path, other, got.StatusCode, got.Body)
			}
		}
	}
	if got := w.userinfo(token); got.StatusCode != 200 { // nothing was revoked
		t.Errorf("with one: status %d %s", got.StatusCode, got.Body)
	}
}

func TestClaimsByScope(t *testing.T) { // OIDC Core §5.4
	w := start(t).logIn()
	for scope, want := range map[string][]string{
		"openid":               {"sub"},
		"openid email":         {"sub", "email", "email_verified"},
		"openid profile":       {"sub", "name", "given_name", "family_name", "nickname", "zoneinfo", "locale", "updated_at"},
		"email openid profile": {"sub", "name", "given_name", "family_name", "nickname", "zoneinfo", "locale", "updated_at", "email", "email_verified"},
	} {
		claims := w.userinfo(w.tokens("tracker", "scope="+scope)["access_token"]).json(t)
		for _, name := range want {
			if claims[name] == nil {
				t.Errorf("%s: no %s in %v", scope, name, claims)
			}
		}
		for name := range claims {
			if !slices.Contains(want, name) {
				t.Errorf("%s: %s was not asked for", scope, name)
			}
		}
	}
	claims := w.userinfo(w.tokens("tracker")["access_token"]).json(t)
	if claims["name"] != "Hanako Yamada" || claims["email"] != "hanako@example.org" || claims["email_verified"] != true || claims["zoneinfo"] != "Asia/Tokyo" {
		t.Errorf("claims %v", claims)
	}
}

func TestClaimsParameter(t *testing.T) { // OIDC Core §5.5
	w := start(t).logIn()
	tokens := w.tokens("tracker", "scope=openid", `claims={"userinfo":{"name":{"essential":true},"unknown":null},"id_token":{"email":null,"sub":{"value":"`+w.person.Subject+`"}}}`)
	claims := w.userinfo(tokens["access_token"]).json(t)
	if claims["name"] != "Hanako Yamada" || claims["email"] != nil {
		t.Errorf("userinfo %v, want the name and no address", claims)
	}
	_, id := w.claims(tokens["id_token"])
	if id["email"] != "hanako@example.org" || id["name"] != nil || id["sub"] != w.person.Subject {
		t.Errorf("ID token %v, want the address and no name", id)
	}
}

func TestUserinfoRefuses(t *testing.T) { // RFC 6750 §3
	w := start(t).logIn()
	tokens := w.tokens("tracker")
	token := tokens["access_token"].(string)
	if got := w.get("/oauth2/userinfo"); got.StatusCode != 401 || strings.Contains(got.Header.Get("WWW-Authenticate"), "error") {
		t.Errorf("no token: status %d, challenge %q, want 401 without an error", got.StatusCode, got.Header.Get("WWW-Authenticate"))
	}
	for name, bad := range map[string]string{
		"unknown": secret.NewToken().String(), "malformed": "x", "ID token": tokens["id_token"].(string), "cut": token[:len(token)-1],
		"longer": token + "A", "other case": strings.ToUpper(token), "a code": w.code("tracker"), "empty": "",
	} {
		got := w.userinfo(bad)
		if got.StatusCode != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: status %d, challenge %q", name, got.StatusCode, got.Header.Get("WWW-Authenticate"))
		}
	}
	if got := w.get("/oauth2/userinfo?access_token=" + token); got.StatusCode != 400 {
		t.Errorf("token in the URL: status %d, want 400", got.StatusCode)
	}
	if got := w.post("/oauth2/userinfo", url.Values{"access_token": {token}}, "Authorization: Bearer "+token); got.StatusCode != 400 {
		t.Errorf("token twice: status %d, want 400", got.StatusCode)
	}
	if got := w.userinfo(w.tokens("tracker", "scope=email")["access_token"]); got.StatusCode != 403 {
		t.Errorf("without openid: status %d, want 403", got.StatusCode)
	}
	w.clock.Move(5*time.Minute + time.Second)
	if got := w.userinfo(token); got.StatusCode != 401 {
		t.Errorf("expired: status %d, want 401", got.StatusCode)
	}
}

func TestEveryChangedByteOfATokenIsRefused(t *testing.T) {
	w := start(t).logIn()
	token := w.tokens("tracker")["access_token"].(string)
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		if changed[i] <= ' ' || changed[i] == 0x7f {
			continue // not even a header
		}
		if got := w.userinfo(string(changed)); got.StatusCode != 401 {
			// The last character of base64 carries bits that decode to nothing: we
			// compare texts, so that counts as changed as well.
			t.Errorf("byte %d changed: status %d", i, got.StatusCode)
		}
	}
}

func TestTokensEndWithTheirSession(t *testing.T) {
	w := start(t).logIn()
	token := w.tokens("tracker")["access_token"]
	must(t, w.provider.Sessions.EndAll(context.Background(), w.person.ID))
	if got := w.userinfo(token); got.StatusCode != 401 {
		t.Errorf("after the log-out: status %d, want 401", got.StatusCode)
	}
}

func TestScriptsMayReadUserinfo(t *testing.T) { // any origin, no credentials
	w := start(t).logIn()
	got := w.userinfo(w.tokens("tracker")["access_token"])
	if got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers %v", got.Header)
	}
	if got := w.authorize("tracker"); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("authorize is open to scripts")
	}
}
