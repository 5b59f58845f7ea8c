package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

const (
	orders   = "https://orders.test/"
	invoices = "https://invoices.test/v1"
	partner  = "https://partner.test"
)

// services adds resources, and clients that need them, to a world: a service that acts
// for itself, the orders API that passes tokens on, and a batch job of a partner.
func services(t testing.TB, w *world, change ...func(*clients.Client)) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	web := []string{"openid", "profile", "email", "offline_access", "orders.read", "orders.write", "invoices.read"}
	all := []clients.Client{
		{
			ID: "service", GrantTypes: []string{clients.ClientCredentials}, Resources: []string{orders, invoices},
			Scopes: []string{"orders.read", "orders.write", "invoices.read"}, DetailTypes: []string{"transfer"},
		},
		{
			ID: "shop", RedirectURIs: []string{callback}, FirstParty: true, GrantTypes: []string{clients.AuthorizationCode, clients.RefreshToken},
			Resources: []string{orders, invoices}, Scopes: web, DetailTypes: []string{"transfer"}, IDTokenAlg: "ES256",
		},
		{
			ID: "orders-api", GrantTypes: []string{clients.TokenExchangeType, clients.ClientCredentials}, Resources: []string{invoices},
			Scopes: []string{"invoices.read"}, TokenExchange: &clients.TokenExchange{From: []string{"shop", "service"}, Scopes: []string{"invoices.read"}},
		},
		{ID: "invoices-api", GrantTypes: []string{clients.ClientCredentials}},
		{
			ID: "batch", GrantTypes: []string{clients.JWTBearer}, Scopes: []string{"openid", "email"}, FirstParty: true,
			AssertionIssuers: []clients.AssertionIssuer{{
				Issuer: partner, Subject: "email",
				JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "p1", Use: "sig"}}},
			}},
		},
		{
			ID: "tv", AuthMethod: clients.None, GrantTypes: []string{clients.DeviceCode, clients.RefreshToken},
			Scopes: []string{"openid", "email", "offline_access"},
		},
	}
	for i := range all {
		c := &all[i]
		c.Name, c.Source = map[string]string{"en": "A service"}, "test"
		if c.AuthMethod == "" {
			c.SecretDigests = digest(basicSecret)
		}
		for _, f := range change {
			f(c)
		}
		c.Default()
		if p := c.Check(c.ID, true); len(p) > 0 {
			t.Fatal(p)
		}
	}
	w.add(all...)
	must(t, w.provider.Clients.SyncResources(context.Background(), []clients.Resource{
		{ID: orders, Scopes: []string{"orders.read", "orders.write"}, TokenFormat: clients.JWT, TokenLifetime: "2m", ClientID: "orders-api", DetailTypes: []string{"transfer"}},
		{ID: invoices, Scopes: []string{"invoices.read"}, TokenFormat: clients.Opaque, TokenLifetime: "10m", ClientID: "invoices-api"},
	}))
	return key
}

// add registers more clients beside those of the world.
func (w *world) add(more ...clients.Client) {
	w.t.Helper()
	known, err := w.provider.Clients.List(w.t.Context())
	must(w.t, err)
	must(w.t, w.provider.Clients.Sync(w.t.Context(), append(known, more...)))
}

// ask sends a token request of a client with a secret.
func (w *world) ask(client, grant string, changes ...string) answer {
	w.t.Helper()
	return w.token(with(url.Values{"grant_type": {grant}}, changes...), basicAuth(client, basicSecret))
}

func (w *world) introspect(client string, token any, headers ...string) answer {
	w.t.Helper()
	return w.post("/oauth2/introspect", url.Values{"token": {token.(string)}}, append(headers, basicAuth(client, basicSecret))...)
}

// ok reads a good answer.
func ok(t testing.TB, got answer) map[string]any {
	t.Helper()
	if got.StatusCode != 200 {
		t.Fatalf("status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(t)
}

func TestClientCredentials(t *testing.T) { // RFC 6749 §4.4, RFC 9068
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w)
		got := ok(t, w.ask("service", clients.ClientCredentials, "scope=orders.read"))
		header, claims := w.claims(got["access_token"])
		if header.ExtraHeaders[jose.HeaderType] != "at+jwt" || header.Algorithm != "ES256" {
			t.Errorf("header %v", header)
		}
		for name, want := range map[string]any{
			"iss": w.provider.Issuer, "sub": "service", "client_id": "service", "aud": orders, "scope": "orders.read",
		} {
			if claims[name] != want {
				t.Errorf("%s is %v, want %v", name, claims[name], want)
			}
		}
		if got["expires_in"] != 120.0 || got["scope"] != "orders.read" || got["refresh_token"] != nil || got["id_token"] != nil {
			t.Errorf("answer %v", got)
		}
		seen := ok(t, w.introspect("orders-api", got["access_token"]))
		if seen["active"] != true || seen["jti"] != claims["jti"] || seen["aud"] != orders || seen["exp"] != claims["exp"] || seen["iat"] != claims["iat"] {
			t.Errorf("introspection %v", seen)
		}
		if got := w.userinfo(got["access_token"]); got.StatusCode != 401 {
			t.Errorf("userinfo: status %d, want 401", got.StatusCode)
		}
		w.post("/oauth2/revoke", url.Values{"token": {got["access_token"].(string)}}, basicAuth("service", basicSecret))
		if seen := ok(t, w.introspect("orders-api", got["access_token"])); len(seen) != 1 || seen["active"] != false {
			t.Errorf("after the revocation: %v", seen)
		}
		opaque := ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))
		if opaque["scope"] != "invoices.read" || strings.Count(opaque["access_token"].(string), ".") != 1 || opaque["expires_in"] != 600.0 {
			t.Errorf("for the other resource: %v", opaque)
		}
	})
}

func TestClientCredentialsRefuses(t *testing.T) {
	w := start(t)
	services(t, w)
	for change, want := range map[string]string{
		"scope=openid": "invalid_scope", "scope=unknown": "invalid_scope", "scope=orders.read admin": "invalid_scope",
		"resource=https://elsewhere.test/": "invalid_target", "resource=orders": "invalid_target", "resource=" + orders + "#x": "invalid_target",
		"authorization_details=x": "invalid_authorization_details", `authorization_details=[{"type":"other"}]`: "invalid_authorization_details",
		`authorization_details=[{}]`: "invalid_authorization_details", `authorization_details=[]`: "invalid_authorization_details",
		"+resource=" + invoices + "x": "invalid_target", "scope=orders.read invoices.read": "invalid_target", // of two formats
	} {
		wantError(t, w.ask("service", clients.ClientCredentials, change), 400, want)
	}
	wantError(t, w.ask("shop", clients.ClientCredentials), 400, "unauthorized_client")
	wantError(t, w.ask("service", "password"), 400, "unsupported_grant_type")
	wantError(t, w.ask("service", clients.TokenExchangeType), 400, "invalid_request")
	wantError(t, w.ask("service", clients.TokenExchangeType, "subject_token=x"), 400, "unauthorized_client")
	wantError(t, w.token(url.Values{"grant_type": {clients.ClientCredentials}}, basicAuth("service", "wrong")), 401, "invalid_client")
}

func TestResourcesOfALogIn(t *testing.T) { // RFC 8707
	w := start(t).logIn()
	services(t, w)
	code := func(changes ...string) string { return w.code("shop", changes...) }
	redeem := func(code string, changes ...string) answer {
		return w.ask("shop", clients.AuthorizationCode, append([]string{"code=" + code, "redirect_uri=" + callback, "code_verifier=" + verifier}, changes...)...)
	}
	got := ok(t, redeem(code("scope=openid email orders.read", "resource="+orders)))
	_, claims := w.claims(got["access_token"])
	if !slices.Equal(claims["aud"].([]any), []any{orders, w.provider.Issuer}) || claims["scope"] != "openid email orders.read" || claims["sub"] != w.person.Subject {
		t.Errorf("claims %v", claims)
	}
	if got := w.userinfo(got["access_token"]); got.StatusCode != 200 {
		t.Errorf("userinfo: %s", got.Body)
	}
	got = ok(t, redeem(code("scope=openid email orders.read"), "resource="+orders)) // meant by its scope, named later
	_, claims = w.claims(got["access_token"])
	if claims["aud"] != orders || claims["scope"] != "orders.read" || got["scope"] != "orders.read" || got["id_token"] == nil {
		t.Errorf("named: claims %v", claims)
	}
	if got := w.userinfo(got["access_token"]); got.StatusCode != 401 {
		t.Errorf("userinfo: status %d, want 401", got.StatusCode)
	}
	again := code("scope=openid orders.read", "resource="+orders)
	wantError(t, redeem(again, "resource="+invoices), 400, "invalid_target")
	ok(t, redeem(again)) // a wrong resource burns no code
	if got := w.authorize("shop", "resource=https://elsewhere.test/").sent(t); got.Get("error") != "invalid_target" {
		t.Errorf("unknown resource: %v", got)
	}
	if got := w.authorize("tracker", "resource="+orders).sent(t); got.Get("error") != "invalid_target" {
		t.Errorf("of a client without it: %v", got)
	}
}

func TestRefreshNarrowsAndNeverWidens(t *testing.T) { // A-051, RFC 8707 §2.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		id := w.asks("/consent", "shop", "scope=openid email offline_access orders.read", "prompt=consent", "resource="+orders)
		w.consents(id)
		first := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(t).Get("code"), "redirect_uri="+callback, "code_verifier="+verifier))
		token := first["refresh_token"].(string)
		refresh := func(changes ...string) answer {
			return w.ask("shop", clients.RefreshToken, append([]string{"refresh_token=" + token}, changes...)...)
		}
		for change, want := range map[string]string{
			"scope=openid orders.write": "invalid_scope", "scope=invoices.read": "invalid_scope", "resource=" + invoices: "invalid_target",
			"resource=https://elsewhere.test/": "invalid_target", `authorization_details=[{"type":"transfer"}]`: "invalid_authorization_details",
		} {
			wantError(t, refresh(change), 400, want)
		}
		got := ok(t, refresh("scope=email"))
		if got["scope"] != "email" {
			t.Errorf("scope %v", got["scope"])
		}
		if seen := ok(t, w.introspect("shop", got["access_token"])); seen["scope"] != "email" {
			t.Errorf("the narrow token: %v", seen)
		}
		if got := w.userinfo(got["access_token"]); got.StatusCode == 200 {
			t.Error("a token without openid is good for userinfo")
		}
		token = got["refresh_token"].(string)
		got = ok(t, refresh("resource="+orders)) // all of it is still there
		if got["scope"] != "orders.read" {
			t.Errorf("scope %v", got["scope"])
		}
	})
}

func TestAuthorizationDetails(t *testing.T) { // RFC 9396
	w := start(t).logIn()
	services(t, w)
	const small, large = `{"amount":"10.00","type":"transfer"}`, `{"amount":12345678901234567890,"to":"x","type":"transfer"}`
	code := w.code("shop", "scope=openid orders.read", "resource="+orders, "authorization_details=["+large+","+small+"]")
	got := w.ask("shop", clients.AuthorizationCode, "code="+code, "redirect_uri="+callback, "code_verifier="+verifier)
	_, claims := w.claims(ok(t, got)["access_token"])
	if !strings.Contains(got.Body, `"authorization_details":[`+large+`,`+small+`]`) || len(claims["authorization_details"].([]any)) != 2 {
		t.Errorf("answer %s, claims %v", got.Body, claims)
	}
	if seen := w.introspect("orders-api", got.json(t)["access_token"]); !strings.Contains(seen.Body, large) {
		t.Errorf("introspection %s", seen.Body)
	}
	code = w.code("shop", "scope=openid", "authorization_details=["+large+","+small+"]")
	narrowed := w.ask("shop", clients.AuthorizationCode, "code="+code, "redirect_uri="+callback, "code_verifier="+verifier,
		`authorization_details=[{"type":"transfer", "amount":"10.00"}]`)
	if !strings.Contains(narrowed.Body, `"authorization_details":[`+small+`]`) {
		t.Errorf("narrowed: %s", narrowed.Body)
	}
	if got := w.authorize("shop", `authorization_details=[{"type":"other"}]`).sent(t); got.Get("error") != "invalid_authorization_details" {
		t.Errorf("another type: %v", got)
	}
}

// bearerJWT is an assertion of the partner about the person, changed.
func (w *world) bearerJWT(key *ecdsa.PrivateKey, change func(map[string]any)) string {
	w.t.Helper()
	now := w.provider.Clock()
	claims := map[string]any{
		"iss": partner, "sub": w.person.Email, "aud": w.provider.Issuer + "/oauth2/token", "jti": secret.Text(),
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "p1"}}, nil)
	must(w.t, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(w.t, err)
	return text
}

func TestAssertionOfSomebodyTrusted(t *testing.T) { // RFC 7523 §2.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		key := services(t, w)
		good := w.bearerJWT(key, nil)
		got := ok(t, w.ask("batch", clients.JWTBearer, "assertion="+good, "scope=openid email"))
		if who := w.userinfo(got["access_token"]).json(t); who["sub"] != w.person.Subject || who["email"] != w.person.Email {
			t.Errorf("userinfo %v", who)
		}
		if got["refresh_token"] != nil || got["id_token"] != nil {
			t.Errorf("answer %v", got)
		}
		wantError(t, w.ask("batch", clients.JWTBearer, "assertion="+good), 400, "invalid_grant") // twice
	})
}

func TestAssertionsThatAreRefused(t *testing.T) { // RFC 7523 §3, A-037
	w := start(t)
	key := services(t, w)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	set := func(name string, value any) string {
		return w.bearerJWT(key, func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	now := w.provider.Clock()
	for name, text := range map[string]string{
		"nonsense": "x", "another key": w.bearerJWT(other, nil), "another issuer": set("iss", "https://evil.test"),
		"for somebody else": set("aud", "https://evil.test"), "for many": set("aud", []string{w.provider.Issuer, "https://evil.test"}),
		"without an audience": set("aud", nil), "too old": set("exp", now.Add(-time.Minute).Unix()), "for ever": set("exp", now.Add(48*time.Hour).Unix()),
		"without an end": set("exp", nil), "from tomorrow": set("nbf", now.Add(time.Hour).Unix()), "without an id": set("jti", nil),
		"about nobody": set("sub", "nobody@example.org"), "about no address": set("sub", "x"),
		"our own ID token": w.logIn().tokens("tracker")["id_token"].(string),
	} {
		got := w.ask("batch", clients.JWTBearer, "assertion="+text)
		if got.StatusCode != 400 || got.json(t)["error"] != "invalid_grant" {
			t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
		}
	}
	for claim, says := range map[string]string{"exp": "The assertion needs an exp.", "jti": "The assertion needs a jti."} {
		if got := w.ask("batch", clients.JWTBearer, "assertion="+set(claim, nil)).json(t)["error_description"]; got != says {
			t.Errorf("without %s: %q, want %q", claim, got, says)
		}
	}
	wantError(t, w.ask("batch", clients.JWTBearer, "assertion="+w.bearerJWT(key, nil), "scope=profile"), 400, "invalid_scope")
	wantError(t, w.ask("service", clients.JWTBearer, "assertion="+w.bearerJWT(key, nil)), 400, "unauthorized_client")
}

func asJSON(t testing.TB, value any) string {
	t.Helper()
	b, err := json.Marshal(value)
	must(t, err)
	return string(b)
}

func TestTokensOfEveryGrantCanBeBound(t *testing.T) { // RFC 9449 §6
	w := start(t).logIn()
	services(t, w)
	caller := bank{world: w, dpop: newKey(t)}
	for resource, from := range map[string]string{orders: "orders-api", invoices: "invoices-api"} {
		form := url.Values{"grant_type": {clients.ClientCredentials}, "resource": {resource}}
		got := ok(t, w.post("/oauth2/token", form, basicAuth("service", basicSecret), caller.proves("POST", "/oauth2/token", nil)))
		want := `{"jkt":"` + jkt(t, caller.dpop) + `"}`
		seen := ok(t, w.introspect(from, got["access_token"]))
		if got["token_type"] != "DPoP" || seen["token_type"] != "DPoP" || asJSON(t, seen["cnf"]) != want {
			t.Errorf("answer %v, introspection %v, want cnf %s", got, seen, want)
		}
		if resource != orders {
			continue
		}
		if _, claims := w.claims(got["access_token"]); asJSON(t, claims["cnf"]) != want {
			t.Errorf("JWT %v", claims)
		}
	}
}
