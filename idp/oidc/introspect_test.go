package oidc_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

func TestIntrospection(t *testing.T) { // RFC 7662 §2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		tokens := w.offline("basic")
		seen := ok(t, w.introspect("basic", tokens["access_token"]))
		now := w.clock.Now().Unix()
		for name, want := range map[string]any{
			"active": true, "token_type": "Bearer", "client_id": "basic", "iss": w.provider.Issuer, "aud": w.provider.Issuer, "sub": w.person.Subject,
			"scope": "openid profile offline_access", "iat": float64(now), "exp": float64(now + 300),
		} {
			if seen[name] != want {
				t.Errorf("%s is %v, want %v", name, seen[name], want)
			}
		}
		if seen["jti"] == nil || seen["auth_time"] == nil {
			t.Errorf("answer %v", seen)
		}
		refresh := ok(t, w.introspect("basic", tokens["refresh_token"]))
		if refresh["active"] != true || refresh["exp"] != float64(now+30*24*3600) || refresh["token_type"] != nil {
			t.Errorf("refresh token %v: want its own end", refresh)
		}
		w.clock.Move(6 * time.Minute)
		if seen := ok(t, w.introspect("basic", tokens["access_token"])); len(seen) != 1 || seen["active"] != false {
			t.Errorf("expired: %v, want nothing but inactive", seen)
		}
	})
}

func TestIntrospectionIsForThoseWhoMayKnow(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	tokens := w.offline("basic")
	for _, token := range []any{tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "x", w.code("basic")} {
		got := w.introspect("foreign", token)
		if got.StatusCode != 200 || got.Body != `{"active":false}` {
			t.Errorf("another client learns %d %s", got.StatusCode, got.Body)
		}
	}
	if got := w.introspect("orders-api", w.shopToken()); got.json(t)["active"] != true {
		t.Errorf("the resource the token is for: %s", got.Body)
	}
	if got := w.introspect("invoices-api", w.shopToken()); got.Body != `{"active":false}` {
		t.Errorf("another resource: %s", got.Body)
	}
	form := url.Values{"token": {tokens["access_token"].(string)}}
	wantError(t, w.post("/oauth2/introspect", form), 401, "invalid_client")
	wantError(t, w.post("/oauth2/introspect", with(url.Values{}, "client_id=native", "token=x")), 401, "invalid_client")
	wantError(t, w.post("/oauth2/introspect", form, basicAuth("basic", "wrong")), 401, "invalid_client")
	wantError(t, w.post("/oauth2/introspect", url.Values{}, basicAuth("basic", basicSecret)), 400, "invalid_request")
	proof, _ := w.proof("tracker")
	proof.Set("token", "x")
	if got := w.post("/oauth2/introspect", proof); got.Body != `{"active":false}` {
		t.Errorf("by assertion: %s", got.Body)
	}
	wantError(t, w.post("/oauth2/introspect", proof), 401, "invalid_client") // the assertion came before
}

func TestSignedIntrospection(t *testing.T) { // RFC 9701
	w := start(t).logIn()
	services(t, w, func(c *clients.Client) {
		if c.ID == "invoices-api" {
			c.IntrospectionAlg = "PS256"
		}
	})
	token := ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))["access_token"]
	for client, want := range map[string]struct {
		alg    string
		active bool
	}{"invoices-api": {"PS256", true}, "service": {"RS256", true}, "orders-api": {"RS256", false}} {
		got := w.introspect(client, token, "Accept: application/json;q=0.5, application/token-introspection+jwt")
		if got.Header.Get("Content-Type") != "application/token-introspection+jwt" {
			t.Fatalf("type %q: %s", got.Header.Get("Content-Type"), got.Body)
		}
		header, claims := w.claims(got.Body)
		inner := claims["token_introspection"].(map[string]any)
		if header.Algorithm != want.alg || header.ExtraHeaders[jose.HeaderType] != "token-introspection+jwt" || claims["aud"] != client ||
			claims["iss"] != w.provider.Issuer || claims["iat"] == nil || claims["sub"] != nil || claims["exp"] != nil || inner["active"] != want.active {
			t.Errorf("%s: header %v, claims %v", client, header, claims)
		}
	}
	if got := w.introspect("service", token, "Accept: */*"); got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("type %q", got.Header.Get("Content-Type"))
	}
}

// Whoever would rather have JSON gets it; a JWT gets only who asks for it by its name.
func TestIntrospectionGoesByWhatTheCallerWouldRatherHave(t *testing.T) { // RFC 9110 §12.4.2, §12.5.1
	const jwt = "application/token-introspection+jwt"
	w := start(t).logIn()
	services(t, w)
	token := ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))["access_token"]
	for accept, signed := range map[string]bool{
		jwt: true, jwt + ", application/json": true, "APPLICATION/Token-Introspection+JWT;q=0.1": true, jwt + " ; charset=utf-8 ; Q=0.3": true,
		jwt + ";q=0.9, application/*;q=0.5": true, jwt + ";q=0.5, application/json;q=0.1, */*": true,
		jwt + ";q=0.1, application/json": false, jwt + ";q=0.1, */*;q=0.2": false, jwt + ";q=0.5, Application/*, */*;q=0.1": false,
		jwt + ";q=0": false, jwt + ";q=0.000": false, jwt + ";q=2": false, jwt + ";q=x": false, "application/*": false, "application/jwt": false,
	} {
		got := w.introspect("service", token, "Accept: "+accept).Header.Get("Content-Type")
		if want := map[bool]string{true: jwt, false: "application/json"}[signed]; got != want {
			t.Errorf("Accept: %s: type %q, want %q", accept, got, want)
		}
	}
}

func TestEveryChangedByteOfAJWTIsRefused(t *testing.T) {
	w := start(t)
	services(t, w)
	token := ok(t, w.ask("service", clients.ClientCredentials, "resource="+orders))["access_token"].(string)
	for i := 0; i < len(token); i += 7 {
		changed := []byte(token)
		if changed[i] ^= 1; changed[i] <= ' ' || changed[i] == 0x7f {
			continue
		}
		if got := w.introspect("service", string(changed)); got.Body != `{"active":false}` {
			t.Errorf("byte %d changed: %s", i, got.Body)
		}
	}
	if got := w.introspect("service", token); got.json(t)["active"] != true {
		t.Errorf("as it came: %s", got.Body)
	}
}

// TestATokenOfAnotherKindIsNoAccessToken: A-042.
func TestATokenOfAnotherKindIsNoAccessToken(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	at := ok(t, w.ask("service", clients.ClientCredentials, "resource="+orders))["access_token"].(string)
	if got := w.get("/oauth2/logout?post_logout_redirect_uri=https://rp.test/&id_token_hint=" + at); got.StatusCode != 400 {
		t.Errorf("an access token as id_token_hint: status %d %s", got.StatusCode, got.Body)
	}
	if got := w.authorize("tracker", "id_token_hint="+at).sent(t); got.Get("error") != "invalid_request" {
		t.Errorf("at the authorization endpoint: %v", got)
	}
	wantError(t, w.refresh("basic", at), 400, "invalid_grant")
	wantError(t, w.redeem("tracker", at), 400, "invalid_grant")
}

// verify reads a JWT of ours in any of our algorithms.
func (w *world) verify(text string, into any) jose.Header {
	w.t.Helper()
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal([]byte(w.get("/oauth2/jwks").Body), &set))
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	must(w.t, err)
	must(w.t, token.Claims(&set, into))
	return token.Headers[0]
}
