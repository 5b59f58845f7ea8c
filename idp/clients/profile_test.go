package clients_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
)

func bankClient(t *testing.T) clients.Client {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return clients.Client{
		ID: "bank", Name: map[string]string{"en": "A bank"}, RedirectURIs: []string{"https://bank.test/cb"}, Profile: clients.FAPI2Security,
		JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1"}}},
	}
}

func TestAProfileSetsWhatIsLeftOut(t *testing.T) { // FAPI 2.0 §5.3.2.1
	c := bankClient(t)
	c.Default()
	if p := c.Check("bank", false); len(p) > 0 {
		t.Fatal(p)
	}
	if !c.RequirePushed || !c.RequirePKCE || !c.DPoPBound || c.CertificateBound || c.RequireSignedRequest {
		t.Errorf("%+v", c)
	}
	if c.AuthMethod != clients.PrivateKeyJWT || c.AuthAudience != "issuer" || c.IDTokenAlg != "ES256" || c.ResponseAlg != "ES256" || c.RequestRules != clients.RulesRFC9101 {
		t.Errorf("%+v", c)
	}
	signing := bankClient(t)
	signing.Profile, signing.CertificateBound = clients.FAPI2MessageSigning, true
	signing.Default()
	if !signing.RequireSignedRequest || signing.DPoPBound {
		t.Errorf("%+v", signing)
	}
	plain := clients.Client{ID: "plain"}
	plain.Default()
	if plain.RequirePushed || plain.DPoPBound || plain.ResponseAlg != "RS256" || plain.RequestRules != clients.RulesOIDC {
		t.Errorf("%+v", plain)
	}
}

func TestAProfileRefusesWhatItForbids(t *testing.T) { // FAPI 2.0 §5.3.2.1, §5.4.1
	for _, c := range []struct {
		path   string // "" when it is fine
		change func(*clients.Client)
	}{
		{"profile", func(c *clients.Client) { c.Profile = "fapi3" }},
		{"token_endpoint_auth_method", func(c *clients.Client) { c.AuthMethod, c.JWKS = clients.ClientSecretBasic, nil }},
		{"token_endpoint_auth_method", func(c *clients.Client) { c.AuthMethod, c.JWKS = clients.None, nil }},
		{"token_endpoint_auth_audience", func(c *clients.Client) { c.AuthAudience = "endpoint" }},
		{"token_endpoint_auth_signing_alg", func(c *clients.Client) { c.AuthAlg = "RS256" }},
		{"id_token_signed_response_alg", func(c *clients.Client) { c.IDTokenAlg = "RS256" }},
		{"authorization_signed_response_alg", func(c *clients.Client) { c.ResponseAlg = "RS256" }},
		{"request_object_signing_alg", func(c *clients.Client) { c.RequestObjectAlg = "RS256" }},
		{"response_types", func(c *clients.Client) { c.ResponseTypes = []string{"code", "token"} }},
		{"request_object_rules", func(c *clients.Client) { c.Profile, c.RequestRules = clients.FAPI2MessageSigning, clients.RulesOIDC }},
		{"request_object_rules", func(c *clients.Client) { c.RequestRules = "x" }},
		{"request_object_signing_alg", func(c *clients.Client) { c.RequestObjectAlg = "none" }},
		{"authorization_signed_response_alg", func(c *clients.Client) { c.ResponseAlg = "none" }},
		{"redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"http://bank.test/cb"} }},
		{"jwks_uri", func(c *clients.Client) { c.JWKS = nil }},
		{"jwks_uri", func(c *clients.Client) { c.AuthMethod, c.JWKS = clients.SelfSignedTLSAuth, nil }},
		{"", func(c *clients.Client) { c.AuthMethod = clients.SelfSignedTLSAuth }},
		{"", func(c *clients.Client) { c.RedirectURIs, c.GrantTypes = nil, []string{clients.ClientCredentials} }}, // it acts for itself
		{"", func(c *clients.Client) {
			c.AuthMethod, c.JWKS, c.TLSSubjectDN = clients.TLSClientAuth, nil, "CN=x"
		}},
		{"tls_client_auth_subject_dn", func(c *clients.Client) { c.AuthMethod = clients.TLSClientAuth }},
		{"tls_client_auth_subject_dn", func(c *clients.Client) {
			c.AuthMethod, c.TLSSubjectDN, c.TLSNameDNS = clients.TLSClientAuth, "CN=x", "x"
		}},
		{"tls_client_auth_subject_dn", func(c *clients.Client) { c.TLSNameDNS = "x" }},
		{"tls_client_auth_subject_dn", func(c *clients.Client) { c.AuthMethod, c.TLSSubjectDN = clients.TLSClientAuth, "/C=JP/CN=x" }},
		{"tls_client_auth_san_ip", func(c *clients.Client) { c.AuthMethod, c.TLSNameIP = clients.TLSClientAuth, "x" }},
		{"jwks_uri", func(c *clients.Client) {
			c.Profile, c.AuthMethod, c.JWKS, c.RequireSignedRequest = "", clients.None, nil, true
		}},
	} {
		one := bankClient(t)
		c.change(&one)
		one.Default()
		problems := one.Check("bank", false)
		want := func(p clients.Problem) bool { return p.Path == fmt.Sprintf("bank.%s", c.path) }
		if c.path == "" && len(problems) > 0 || c.path != "" && !slices.ContainsFunc(problems, want) {
			t.Errorf("%v, want a problem at %q", problems, c.path)
		}
	}
}
