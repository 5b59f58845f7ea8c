package clients_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

func TestPolicyRules(t *testing.T) {
	good := clients.Client{
		ID: "a", Name: map[string]string{"en": "A"}, SecretDigests: []string{strings.Repeat("ab", 32)}, GrantTypes: []string{clients.ClientCredentials},
		Scopes: []string{"orders.read"}, Resources: []string{"https://orders.test/"},
	}
	for _, c := range []struct {
		name   string
		path   string // "" when it is right
		change func(*clients.Client)
	}{
		{"a service without redirect URIs", "", func(*clients.Client) {}},
		{"a service that cannot prove itself", "a.grant_types", func(c *clients.Client) { c.AuthMethod, c.SecretDigests = clients.None, nil }},
		{"an exchange without a policy", "a.token_exchange", func(c *clients.Client) { c.GrantTypes = append(c.GrantTypes, clients.TokenExchangeType) }},
		{"itself as actor", "a.may_act", func(c *clients.Client) { c.MayAct = "a" }},
		{"a policy without an exchange", "a.token_exchange", func(c *clients.Client) { c.TokenExchange = &clients.TokenExchange{} }},
		{"assertions of nobody", "a.assertion_issuers", func(c *clients.Client) { c.GrantTypes = []string{clients.JWTBearer} }},
		{"an issuer without keys", "a.assertion_issuers[0].jwks_uri", func(c *clients.Client) {
			c.GrantTypes, c.AssertionIssuers = []string{clients.JWTBearer}, []clients.AssertionIssuer{{Issuer: "x"}}
		}},
		{"a resource that is no URI", "a.resources[0]", func(c *clients.Client) { c.Resources = []string{"orders"} }},
		{"a resource with a fragment", "a.resources[0]", func(c *clients.Client) { c.Resources = []string{"https://orders.test/#x"} }},
		{"two scopes in one", "a.scopes[0]", func(c *clients.Client) { c.Scopes = []string{"orders.read orders.write"} }},
		{"unknown subject type", "a.subject_type", func(c *clients.Client) { c.SubjectType = "private" }},
		{"unknown token format", "a.access_token_format", func(c *clients.Client) { c.AccessTokenFormat = "xml" }},
		{"userinfo without a signature", "a.userinfo_signed_response_alg", func(c *clients.Client) { c.UserinfoAlg = "none" }},
		{"introspection by a shared secret", "a.introspection_signed_response_alg", func(c *clients.Client) { c.IntrospectionAlg = "HS256" }},
		{"pairwise at two hosts", "a.subject_type", func(c *clients.Client) {
			c.SubjectType, c.RedirectURIs = clients.Pairwise, []string{"https://one.test/cb", "https://two.test/cb"}
		}},
		{"pairwise at one host", "", func(c *clients.Client) {
			c.SubjectType, c.RedirectURIs = clients.Pairwise, []string{"https://one.test/cb", "https://one.test/other"}
		}},
	} {
		one := good
		one.GrantTypes = slices.Clone(good.GrantTypes)
		c.change(&one)
		one.Default()
		problems := one.Check(one.ID, false)
		if c.path == "" && len(problems) > 0 || c.path != "" && !slices.ContainsFunc(problems, func(p clients.Problem) bool { return p.Path == c.path }) {
			t.Errorf("%s: %v, want a problem at %q", c.name, problems, c.path)
		}
	}
}

const withResources = `
clients:
  - client_id: service
    client_name: {en: x}
    client_secret_digests: [ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB]
    grant_types: [client_credentials, "urn:ietf:params:oauth:grant-type:token-exchange"]
    scopes: [orders.read]
    resources: [https://orders.test/]
    token_exchange: {from: [shop]}
resources:
  - identifier: https://orders.test/
    scopes: [orders.read, orders.write]
    token_format: jwt
    token_lifetime: 2m
`

func TestResourcesOfTheFile(t *testing.T) { // RFC 8707
	d := dbtest.SQLite(t, schema.FS)
	now := func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }
	registry := &clients.Registry{Store: clients.Store{DB: d}, Clock: now}
	path := filepath.Join(t.TempDir(), "clients.yaml")
	if err := os.WriteFile(path, []byte(withResources), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		all, err := clients.ReadResources(path, false)
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		if err := registry.SyncResources(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	r, err := registry.Resource(t.Context(), "https://orders.test/")
	if err != nil || r.Lives() != 2*time.Minute || r.TokenFormat != clients.JWT || r.Source != "config" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := registry.SyncResources(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Resource(t.Context(), "https://orders.test/"); !fault.Is(err, fault.NotFound) {
		t.Errorf("after it left the file: %v", err)
	}
}

func TestMistakesOfResources(t *testing.T) {
	text := strings.NewReplacer(
		"orders.test/\n    scopes: [orders.read,", "orders.test/#x\n    scopes: [openid,", "2m", "2h", "jwt", "jwt\n    extra: 1", "from:", "form:",
	).Replace(withResources)
	_, err := clients.Parse([]byte(text), false)
	for _, want := range []string{
		"resources[0].identifier", "resources[0].scopes[0]", "resources[0].token_lifetime", "resources[0].extra",
		"clients[0].token_exchange", "clients[0].scopes", "clients[0].resources",
	} {
		if err == nil || !strings.Contains(err.Error(), want+":") {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}
