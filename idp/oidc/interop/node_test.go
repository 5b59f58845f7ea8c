package interop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/browser"
)

// TestOpenIDClient is Node's openid-client.
func TestOpenIDClient(t *testing.T) {
	at := npm(t, "openid-client", "party.mjs")
	w := start(t, "grant_types: [authorization_code, refresh_token]", "scopes: [openid, profile, email, offline_access]", "require_pkce: true")
	w.run(at, nil, "node", "party.mjs")
	w.meet(saw{Refresh: true, Revoked: true})
}

// TestOAuth4WebAPI is oauth4webapi, which proves itself by a key.
func TestOAuth4WebAPI(t *testing.T) {
	at := npm(t, "oauth4webapi", "party.mjs")
	public, private := keyPair(t)
	w := start(t, "grant_types: [authorization_code, refresh_token]", "scopes: [openid, profile, email, offline_access]",
		"id_token_signed_response_alg: ES256", "token_endpoint_auth_method: private_key_jwt", "require_pkce: true", "jwks: {keys: ["+public+"]}")
	w.run(at, []string{"PRIVATE_KEY=" + private}, "node", "party.mjs")
	w.meet(saw{Alg: "ES256", Refresh: true, Revoked: true})
}

// TestAuthJS is Auth.js in an Express application; it has a page of its own to begin.
func TestAuthJS(t *testing.T) {
	at := npm(t, "authjs", "party.mjs")
	w := startAs(t, quirks{callback: "/auth/callback/tegata"}, "require_pkce: true")
	w.run(at, nil, "node", "party.mjs")
	p := browser.InProcess(t, browser.Options{Language: "en"})
	w.clock.Set(time.Now())
	p.Visit(w.site + "/login").Press("Sign in with Tegata")
	w.prove(p)
	w.check(p, saw{})
	p.Visit(w.site + "/logout").At(w.site + "/bye")
	p.Visit(w.site + "/login").Press("Sign in with Tegata").At(w.idp.URL + "/login")
}

// keyPair gives both halves of a fresh key as JWKs.
func keyPair(t testing.TB) (public, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	whole := jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	for half, text := range map[*jose.JSONWebKey]*string{&whole: &private, new(whole.Public()): &public} {
		b, err := json.Marshal(half)
		if err != nil {
			t.Fatal(err)
		}
		*text = string(b)
	}
	return public, private
}
