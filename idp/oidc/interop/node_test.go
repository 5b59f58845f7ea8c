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

// What a client needs to be shown a consent again and to get a refresh token.
var offline = []string{"grant_types: [authorization_code, refresh_token]", "scopes: [openid, profile, email, offline_access]"}

// TestOpenIDClient is Node's openid-client.
func TestOpenIDClient(t *testing.T) {
	at := npm(t, "openid-client", "party.mjs")
	w := start(t, append(offline, "require_pkce: true")...)
	w.run(at, nil, "node", "party.mjs")
	w.meet(saw{Refresh: true, Revoked: true})
}

// TestOpenIDClientPushesAndBinds is openid-client with PAR and DPoP, with a secret and
// as FAPI 2.0 wants it. The provider wants its nonces in every proof.
func TestOpenIDClientPushesAndBinds(t *testing.T) {
	at := npm(t, "openid-client", "fapi.mjs")
	for profile, lines := range map[string][]string{
		"":                {"dpop_bound_access_tokens: true", "require_pushed_authorization_requests: true", "id_token_signed_response_alg: ES256"},
		"security":        {"profile: fapi2_security"},
		"message_signing": {"profile: fapi2_message_signing"},
	} {
		t.Run("profile "+profile, func(t *testing.T) {
			environ := []string{"PROFILE=" + profile}
			if profile != "" {
				public, private := keyPair(t)
				lines, environ = append(lines, withKey(public)...), append(environ, "PRIVATE_KEY="+private)
			}
			w := startAs(t, quirks{settings: wantNonces}, append(lines, offline...)...)
			w.run(at, environ, "node", "fapi.mjs")
			w.meet(saw{Alg: "ES256", TokenType: "dpop", Signed: profile != "", Refresh: true, Revoked: true})
		})
	}
}

// TestOAuth4WebAPI is oauth4webapi, which proves itself by a key.
func TestOAuth4WebAPI(t *testing.T) {
	at := npm(t, "oauth4webapi", "party.mjs")
	public, private := keyPair(t)
	w := start(t, append(withKey(public), append(offline, "id_token_signed_response_alg: ES256", "require_pkce: true")...)...)
	w.run(at, []string{"PRIVATE_KEY=" + private}, "node", "party.mjs")
	w.meet(saw{Alg: "ES256", Refresh: true, Revoked: true})
}

// TestOAuth4WebAPIPushesAndBinds is oauth4webapi as FAPI 2.0 wants it: PAR, DPoP with
// the provider's nonces, JARM.
func TestOAuth4WebAPIPushesAndBinds(t *testing.T) {
	at := npm(t, "oauth4webapi", "fapi.mjs")
	public, private := keyPair(t)
	w := startAs(t, quirks{settings: wantNonces}, append(withKey(public), append(offline, "profile: fapi2_security")...)...)
	w.run(at, []string{"PRIVATE_KEY=" + private}, "node", "fapi.mjs")
	w.meet(saw{Alg: "ES256", TokenType: "dpop", Signed: true, Nonces: true, Refresh: true, Revoked: true})
}

// wantNonces is a provider that takes no DPoP proof without one of its nonces. RFC 9449 §8
var wantNonces = []string{"TEGATA_IDP_DPOP_NONCE=true"}

// withKey is the registration of a client that proves itself by this key.
func withKey(public string) []string {
	return []string{"token_endpoint_auth_method: private_key_jwt", "jwks: {keys: [" + public + "]}"}
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
