package oidc_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/oidc/registration"
)

// opens decrypts what came with the client's key.
func opens(t *testing.T, key any, text, alg, enc string) (jose.Header, string) {
	t.Helper()
	sealed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
	if err != nil {
		t.Fatalf("%.60s: %v", text, err)
	}
	inner, err := sealed.Decrypt(key)
	must(t, err)
	return sealed.Header, string(inner)
}

func TestAnswersAreEncryptedToTheClient(t *testing.T) { // OIDC Core §10.2, RFC 9701 §4, JARM §2.2
	w := start(t).logIn()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		short = rsaKey // a Go that makes none so short
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	set := &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: w.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"},
		{Key: short.Public(), KeyID: "short", Use: "enc"},
		{Key: rsaKey.Public(), KeyID: "r", Use: "enc"}, {Key: ecKey.Public(), KeyID: "e", Use: "enc"},
	}}
	if short == rsaKey {
		set.Keys = append(set.Keys[:1], set.Keys[2:]...)
	}
	for _, c := range []struct {
		alg, enc, kid string
		key           any
	}{
		{"RSA-OAEP-256", "A256GCM", "r", rsaKey}, {"ECDH-ES", "A128CBC-HS256", "e", ecKey},
		{"ECDH-ES+A128KW", "A128GCM", "e", ecKey}, {"ECDH-ES+A256KW", "A256GCM", "e", ecKey},
	} {
		w.edit("tracker", func(one *clients.Client) {
			one.JWKS = set
			one.IDTokenEncAlg, one.IDTokenEnc = c.alg, c.enc
			one.UserinfoEncAlg, one.UserinfoEnc = c.alg, c.enc
			one.IntrospectionEncAlg, one.IntrospectionEnc = c.alg, c.enc
			one.ResponseEncAlg, one.ResponseEnc = c.alg, c.enc
			one.UserinfoAlg = ""
		})
		tokens := w.tokens("tracker")
		header, inner := opens(t, c.key, tokens["id_token"].(string), c.alg, c.enc)
		if signed, claims := w.claims(inner); header.KeyID != c.kid || header.ExtraHeaders["cty"] != "JWT" || signed.Algorithm != "ES256" || claims["sub"] != w.person.Subject || claims["at_hash"] == nil {
			t.Errorf("%s: ID token %v inside %v", c.alg, claims, header)
		}
		got := w.userinfo(tokens["access_token"])
		header, inner = opens(t, c.key, got.Body, c.alg, c.enc)
		var claims map[string]any
		must(t, json.Unmarshal([]byte(inner), &claims))
		if got.Header.Get("Content-Type") != "application/jwt" || header.ExtraHeaders["cty"] != nil || claims["sub"] != w.person.Subject || claims["aud"] != "tracker" {
			t.Errorf("%s: userinfo %v inside %v", c.alg, claims, header)
		}
		w.edit("tracker", func(one *clients.Client) { one.UserinfoAlg = "ES256" })
		_, inner = opens(t, c.key, w.userinfo(tokens["access_token"]).Body, c.alg, c.enc)
		if _, claims := w.claims(inner); claims["sub"] != w.person.Subject {
			t.Errorf("%s: signed userinfo %v", c.alg, claims)
		}
		form, _ := w.proof("tracker")
		_, inner = opens(t, c.key, w.post("/oauth2/introspect", with(form, "token="+tokens["access_token"].(string)), "Accept: application/token-introspection+jwt").Body, c.alg, c.enc)
		if signed, claims := w.claims(inner); signed.ExtraHeaders["typ"] != "token-introspection+jwt" || claims["token_introspection"].(map[string]any)["active"] != true {
			t.Errorf("%s: introspection %v", c.alg, claims)
		}
		_, inner = opens(t, c.key, w.authorize("tracker", "response_mode=jwt").sent(t).Get("response"), c.alg, c.enc)
		if _, claims := w.claims(inner); claims["code"] == nil || claims["state"] != "the-state" {
			t.Errorf("%s: answer %v", c.alg, claims)
		}
	}
}

func TestNothingTravelsOpenInsteadOfEncrypted(t *testing.T) {
	w := start(t).logIn()
	files := startSite(t)
	w.edit("tracker", func(c *clients.Client) { c.JWKSURI, c.JWKS = files.puts(t, "/jwks", c.JWKS), nil }) // under jwks it would be refused
	code := w.code("tracker")
	w.edit("tracker", func(c *clients.Client) { c.IDTokenEncAlg, c.IDTokenEnc = "RSA-OAEP-256", "A128GCM" }) // it has no such key
	wantError(t, w.redeem("tracker", code), 400, "invalid_request")
	w.edit("tracker", func(c *clients.Client) { c.IDTokenEncAlg, c.IDTokenEnc = "", "" })
	if got := w.redeem("tracker", code); got.StatusCode != 200 { // the refusal did not burn it
		t.Errorf("afterwards: status %d %s", got.StatusCode, got.Body)
	}
	discovery := w.get("/.well-known/openid-configuration").json(t)
	for name, want := range map[string]int{"id_token_encryption_alg_values_supported": 4, "userinfo_encryption_enc_values_supported": 3} {
		if list, _ := discovery[name].([]any); len(list) != want {
			t.Errorf("%s: %v", name, discovery[name])
		}
	}
}

func TestRegistrationsOfEncryption(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	keys := &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "e", Use: "enc"}}}
	for name, c := range map[string]struct {
		want   string
		client clients.Client
	}{
		"good":             {"", clients.Client{JWKS: keys, IDTokenEncAlg: "ECDH-ES"}},
		"no keys":          {"c.id_token_encrypted_response_alg", clients.Client{IDTokenEncAlg: "ECDH-ES"}},
		"an old algorithm": {"c.userinfo_encrypted_response_alg", clients.Client{JWKS: keys, UserinfoEncAlg: "RSA1_5"}},
		"an unknown enc":   {"c.introspection_encrypted_response_enc", clients.Client{JWKS: keys, IntrospectionEncAlg: "ECDH-ES", IntrospectionEnc: "A1GCM"}},
		"enc alone":        {"c.authorization_encrypted_response_enc", clients.Client{JWKS: keys, ResponseEnc: "A128GCM"}},
	} {
		one := c.client
		one.ID, one.Name, one.RedirectURIs, one.SecretDigests = "x", map[string]string{"en": "x"}, []string{callback}, digest("x")
		one.Default()
		var paths []string
		for _, p := range one.Check("c", false) {
			paths = append(paths, p.Path)
		}
		if strings.Join(paths, " ") != c.want {
			t.Errorf("%s: %v, want %q", name, paths, c.want)
		}
	}
}

// Anybody may register numbers that are no key. That is the client's mistake, so it hears of
// it, and nobody is woken.
func TestNumbersThatAreNoKeyAreRefused(t *testing.T) {
	var log bytes.Buffer
	o := op{startWith(t, func(p *oidc.Provider) {
		p.Registration.Mode, p.Log = registration.Open, slog.New(slog.NewTextHandler(&log, nil))
	}), ""}
	files := startSite(t)
	text := base64.RawURLEncoding.EncodeToString
	even := map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "enc", "n": text(bytes.Repeat([]byte{0xfe}, 256)), "e": "AQAB"}}}
	about := fields{"redirect_uris": []string{callback}, "id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks": even}
	wantError(t, o.call("POST", "/oauth2/register", "", about), 400, "invalid_client_metadata")

	o.logIn()
	uri := files.puts(t, "/jwks", even)
	o.edit("basic", func(c *clients.Client) {
		c.JWKSURI, c.IDTokenEncAlg, c.IDTokenEnc = uri, "RSA-OAEP-256", "A128GCM"
		c.IntrospectionEncAlg, c.IntrospectionEnc = c.IDTokenEncAlg, c.IDTokenEnc
		c.ResponseEncAlg, c.ResponseEnc = c.IDTokenEncAlg, c.IDTokenEnc
	})
	log.Reset()
	wantError(t, o.redeem("basic", o.code("basic")), 400, "invalid_request")
	wantError(t, o.post("/oauth2/introspect", url.Values{"token": {"x"}}, basicAuth("basic", basicSecret), "Accept: application/token-introspection+jwt"), 400, "invalid_request")
	if got := o.authorize("basic", "response_mode=jwt"); got.StatusCode != 400 {
		t.Errorf("at authorize: status %d %s", got.StatusCode, got.Body)
	}
	if bytes.Contains(log.Bytes(), []byte("ERROR")) {
		t.Errorf("the log says %s", log.String())
	}
}
