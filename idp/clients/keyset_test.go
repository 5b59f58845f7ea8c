package clients_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
)

// someKeys are public keys of each kind that a client may have.
func someKeys(t *testing.T) map[string]any {
	t.Helper()
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"RSA": long.Public(), "short RSA": short.Public(), "P-256": p256.Public(), "P-384": p384.Public(), "Ed25519": edwards}
}

// A client whose keys cannot do what it is registered for could never log in, or nobody
// could be logged in for it. RFC 7517 §4.1, RFC 7518 §3.1, §4.1.
func TestKeysHaveToFitWhatTheyAreFor(t *testing.T) {
	kinds := someKeys(t)
	signs := func(alg string) func(*clients.Client) {
		return func(c *clients.Client) { c.AuthMethod, c.AuthAlg = clients.PrivateKeyJWT, alg }
	}
	encrypts := func(alg string) func(*clients.Client) {
		return func(c *clients.Client) {
			c.AuthMethod, c.RequirePKCE, c.IDTokenEncAlg = clients.PrivateKeyJWT, true, alg
		}
	}
	requests := func(alg string) func(*clients.Client) {
		return func(c *clients.Client) {
			c.SecretDigests, c.RequestObjectAlg = []string{strings.Repeat("0", 64)}, alg
		}
	}
	for _, c := range []struct {
		kind, alg, use string
		change         func(*clients.Client)
		wrong          string
	}{
		{"RSA", "", "", signs("ES256"), "client.token_endpoint_auth_signing_alg"},
		{"P-384", "", "", signs("ES256"), "client.token_endpoint_auth_signing_alg"},
		{"P-384", "", "", signs(""), "client.jwks"},
		{"P-256", "", "", signs("RS256"), "client.token_endpoint_auth_signing_alg"},
		{"P-256", "", "enc", signs("ES256"), "client.token_endpoint_auth_signing_alg"},
		{"RSA", "PS256", "", signs("RS256"), "client.token_endpoint_auth_signing_alg"},
		{"RSA", "RSA-OAEP-256", "", signs(""), "client.jwks"},
		{"P-256", "ES256", "sig", signs("ES256"), ""},
		{"RSA", "", "", signs(""), ""},
		{"RSA", "", "", signs("PS256"), ""},
		{"Ed25519", "", "", signs("EdDSA"), ""},
		{"P-256", "", "", requests("PS256"), "client.request_object_signing_alg"},
		{"RSA", "", "", requests("PS256"), ""},
		{"short RSA", "", "", signs(""), "client.jwks.keys[0]"},
		{"short RSA", "", "", requests("PS256"), "client.jwks.keys[0]"},
		{"short RSA", "", "", encrypts("RSA-OAEP-256"), "client.jwks.keys[0]"},
		{"short RSA", "", "", func(c *clients.Client) { c.AuthMethod = clients.PrivateKeyJWT; c.RequestObjectAlg = "ES256" },
			"client.jwks.keys[0] client.request_object_signing_alg"},
		{"RSA", "", "", encrypts("ECDH-ES"), "client.id_token_encrypted_response_alg"},
		{"P-256", "", "sig", encrypts("ECDH-ES"), "client.id_token_encrypted_response_alg"},
		{"P-256", "", "", encrypts("RSA-OAEP-256"), "client.id_token_encrypted_response_alg"},
		{"P-256", "", "", encrypts("ECDH-ES"), ""},
		{"RSA", "", "", encrypts("RSA-OAEP-256"), ""},
	} {
		client := clients.Client{
			ID: "shop", Name: map[string]string{"en": "Shop"}, RedirectURIs: []string{"https://rp.test/cb"},
			JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: kinds[c.kind], KeyID: "k", Algorithm: c.alg, Use: c.use}}},
		}
		c.change(&client)
		client.Default()
		var wrong []string
		for _, one := range client.CheckIn("client", clients.Setting{ResponseTypes: []string{"code"}}) {
			wrong = append(wrong, one.Path)
		}
		if p := client.Check("client", false); len(p) > 0 {
			t.Errorf("%s key %q %q: a client that is there already is refused: %v", c.kind, c.alg, c.use, p)
		}
		if got := strings.Join(wrong, " "); got != c.wrong {
			t.Errorf("%s key %q %q, assertions %q, ID tokens %q: wrong is %q, want %q", c.kind, c.alg, c.use, client.AuthAlg, client.IDTokenEncAlg, got, c.wrong)
		}
	}
}

// FAPI 2.0 §5.4.1 leaves RS256 out, so an RSA key does, as PS256 goes with it.
func TestAProfileNarrowsWhatKeysAreFor(t *testing.T) {
	kinds := someKeys(t)
	for alg, good := range map[string]bool{"RS256": false, "PS256": true, "": true} {
		client := clients.Client{
			ID: "bank", Name: map[string]string{"en": "Bank"}, RedirectURIs: []string{"https://rp.test/cb"}, Profile: clients.FAPI2MessageSigning,
			JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: kinds["RSA"], Algorithm: alg}}},
		}
		client.Default()
		if p := client.CheckIn("client", clients.Setting{ResponseTypes: []string{"code"}}); (len(p) == 0) != good {
			t.Errorf("a key for %q: %v", alg, p)
		}
	}
}
