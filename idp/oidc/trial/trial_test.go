package trial_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/trial"
)

const issuer = "https://id.test"

// now is when the trials are.
var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// ours is the provider: no certificates, two resources, of which one names a client that
// does not exist.
var ours = trial.Provider{
	Issuer: issuer, Setting: clients.Setting{Development: true, ResponseTypes: []string{"code"}}, Clients: []string{"shop", "orders-api"}, Now: now,
	Resources: []clients.Resource{
		{ID: "https://orders.test/", Scopes: []string{"orders.read", "orders.write"}, TokenFormat: clients.JWT, TokenLifetime: "5m", ClientID: "orders-api"},
		{ID: "https://lost.test/", TokenFormat: clients.Opaque, ClientID: "nope"},
	},
}

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
	for _, f := range ours.Try(t.Context(), c) {
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
		{`{"keys":[{"kty":"RSA","n":"abc","e":"AQAB"}]}`, 200, same, "keys", "WRONG keys[0]: its RSA key has 15 bits, want 2048 to 8192"},
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

func TestATrialTellsWhatIsSwitchedOffAndWhoDoesNotExist(t *testing.T) {
	for _, c := range []struct {
		change     func(*clients.Client)
		what, want string
	}{
		{func(c *clients.Client) { c.AuthMethod, c.TLSNameDNS, c.JWKSURI = clients.TLSClientAuth, "rp.test", "" }, "token_endpoint_auth_method", "WRONG want one of"},
		{func(c *clients.Client) { c.SectorIdentifierURI = "http://127.0.0.1:1/sector" }, "sector_identifier_uri", "WRONG the list could not be fetched"},
		{func(c *clients.Client) { c.MayAct = "nope" }, "may_act", `WRONG there is no such client`},
		{func(c *clients.Client) { c.MayAct = "orders-api" }, "may_act", ""},
		{func(c *clients.Client) { c.TokenExchange = &clients.TokenExchange{From: []string{"shop", "nope"}} }, "token_exchange.from[1]", `WRONG there is no such client`},
		{func(c *clients.Client) { c.ResponseTypes = []string{"code", "id_token"} }, "response_types", "WRONG want one of code"},
		{func(c *clients.Client) { c.RequestURIs = []string{"https://rp.test/a", "https://rp.test/b"} }, "request_uris", "https://rp.test/a, https://rp.test/b"},
		{func(c *clients.Client) { c.Resources = []string{"https://gone.test/"} }, "resources", "WRONG want one of"},
		{func(c *clients.Client) {
			c.Resources, c.Scopes = []string{"https://orders.test/"}, []string{"openid", "orders.read"}
		},
			"resource", "https://orders.test/: jwt tokens for 5m, scopes orders.read"},
		{func(c *clients.Client) { c.Resources = []string{"https://lost.test/"} }, "resource", `WRONG https://lost.test/: client_id: there is no such client`},
		{func(c *clients.Client) { c.ID = "orders-api" }, "introspection", "may ask about tokens for https://orders.test/"},
	} {
		client := registered()
		c.change(&client)
		if got := tried(t, client)[c.what]; !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestATrialTellsHowManySecretsWork(t *testing.T) {
	later := now.Add(time.Hour)
	for _, c := range []struct {
		digests []string
		until   *time.Time
		want    string
	}{
		{[]string{"1"}, nil, "client_secret_basic, one secret works"},
		{[]string{"1", "2"}, nil, "client_secret_basic, two secrets work, both without an end"},
		{[]string{"1", "2"}, &later, "client_secret_basic, two secrets work, the older one until 2026-11-21 10:00:00Z"},
		{[]string{"1", "2"}, &now, "client_secret_basic, one secret works"},
	} {
		client := registered()
		client.AuthMethod, client.SecretDigests, client.OldSecretUntil = clients.ClientSecretBasic, c.digests, c.until
		if got := tried(t, client)["authentication"]; got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A client of a resource server has no consent, no ID token and no log-out.
func TestATrialOfAClientWithoutPeopleSpeaksOfTokensAlone(t *testing.T) {
	client := clients.Client{
		ID: "orders-api", Name: map[string]string{"en": "Orders"}, AuthMethod: clients.ClientSecretBasic, SecretDigests: []string{strings.Repeat("0", 64)},
		GrantTypes: []string{clients.TokenExchangeType, clients.ClientCredentials}, TokenExchange: &clients.TokenExchange{From: []string{"shop"}}, Source: "config",
	}
	client.Default()
	said := tried(t, client)
	for what, want := range map[string]string{
		"consent": "", "ID token": "", "log-out": "", "PKCE": "", "requests": "", "try it": "",
		"log-in": "nobody logs in with this client", "without people": "gets tokens for itself; exchanges access tokens: its own, shop", "tokens": "are good for",
	} {
		if !strings.HasPrefix(said[what], want) || want == "" && said[what] != "" {
			t.Errorf("%s: %q, want %q", what, said[what], want)
		}
	}
}
