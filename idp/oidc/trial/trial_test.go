package trial_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/trial"
)

const issuer = "https://id.test"

// registered is a client that signs its assertions.
func registered() clients.Client {
	c := clients.Client{
		ID: "shop", Name: map[string]string{"en": "Shop"}, RedirectURIs: []string{"https://rp.test/cb"}, FirstParty: true, Source: "config",
		AuthMethod: clients.PrivateKeyJWT, JWKSURI: "http://127.0.0.1:1/jwks",
	}
	c.Default()
	return c
}

// tried is what a trial says, by what it looked at; wrong ones begin with "WRONG ".
func tried(t *testing.T, c clients.Client) map[string]string {
	said := map[string]string{}
	for _, f := range (trial.Provider{Issuer: issuer, Development: true}).Try(t.Context(), c) {
		if said[f.What] = f.Text; !f.OK {
			said[f.What] = "WRONG " + f.Text
		}
	}
	return said
}

func TestATrialTellsWhatRequestsAndTokensNeed(t *testing.T) {
	for _, c := range []struct {
		change           func(*clients.Client)
		requests, tokens string
		example          bool
	}{
		{func(*clients.Client) {}, "may come as parameters", "whoever has them", true},
		{func(c *clients.Client) { c.RequirePushed, c.DPoPBound = true, true }, "have to be pushed to " + issuer + "/oauth2/par", "DPoP proofs, which each", false},
		{func(c *clients.Client) { c.RequireSignedRequest, c.CertificateBound = true, true }, "signed by the client", "bound to its certificate", false},
		{func(c *clients.Client) { c.DPoPBound, c.CertificateBound = true, true }, "may come", "and to its certificate", true},
	} {
		client := registered()
		c.change(&client)
		said := tried(t, client)
		if !strings.Contains(said["requests"], c.requests) || !strings.Contains(said["tokens"], c.tokens) || (said["try it"] != "") != c.example {
			t.Errorf("requests %q, tokens %q, example %q; want %q, %q, %t", said["requests"], said["tokens"], said["try it"], c.requests, c.tokens, c.example)
		}
	}
}

func TestATrialFetchesTheKeysOfTheClient(t *testing.T) {
	answer, status := "", http.StatusOK
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		rw.Write([]byte(answer))
	}))
	defer site.Close()
	client := registered()
	client.JWKSURI = site.URL
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Algorithm: "ES256"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	same := func(*clients.Client) {}
	good := `{"keys":[` + string(public) + `]}`
	for _, c := range []struct {
		answer string
		status int
		change func(*clients.Client)
		what   string
		want   string
	}{
		{good, 200, same, "keys", "k1 ES256"},
		{`{"keys":[]}`, 200, same, "keys", "WRONG none of 0 keys"},
		{`nothing`, 200, same, "jwks_uri", "WRONG could not be fetched"},
		{``, 404, same, "jwks_uri", "WRONG could not be fetched"},
		{good, 200, func(c *clients.Client) { c.AuthAlg = "RS256" }, "keys", "WRONG token_endpoint_auth_signing_alg: none of 1 keys"},
		{good, 200, func(c *clients.Client) { c.AuthMethod, c.UserinfoEncAlg = clients.ClientSecretPost, "RSA-OAEP-256" },
			"keys", "WRONG userinfo_encrypted_response_alg: none of 1 keys"},
		{``, 404, func(c *clients.Client) { c.AuthMethod, c.RequireSignedRequest = clients.ClientSecretPost, true }, "jwks_uri", "WRONG could not be fetched"},
		{``, 404, func(c *clients.Client) { c.AuthMethod = clients.ClientSecretPost }, "jwks_uri", ""},
	} {
		answer, status = c.answer, c.status
		client := client
		c.change(&client)
		if got := tried(t, client)[c.what]; !strings.HasPrefix(got, c.want) {
			t.Errorf("%d %q: %s %q, want %q", c.status, c.answer, c.what, got, c.want)
		}
	}
}
