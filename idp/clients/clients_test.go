package clients_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheDevelopmentFileIsRight(t *testing.T) {
	all, err := clients.ReadFile("../../configs/clients.yaml", true)
	must(t, err)
	if len(all) == 0 || all[0].ID != "tegata-tracker" || all[0].AuthMethod != clients.PrivateKeyJWT || !all[0].FirstParty {
		t.Errorf("clients %+v", all)
	}
	if _, err := clients.ReadFile("../../configs/clients.yaml", false); err == nil || !strings.Contains(err.Error(), "clients[0].redirect_uris[0]") {
		t.Errorf("outside of development: %v, want a refusal of plain http", err)
	}
}

func TestEveryMistakeIsListedWithItsPath(t *testing.T) {
	_, err := clients.Parse([]byte(`
extra: 1
clients:
  - client_id: bad id
    client_nam: {en: x}
    redirect_uris: ["http://rp.test/cb", "https://rp.test/#f", "javascript:alert(1)", "https://*.test/", "https://u@rp.test/"]
    scopes: [openid, everything]
    token_endpoint_auth_method: client_secret_jwt
  - client_id: two
    client_name: {ja: 二}
    redirect_uris: https://rp.test/cb
    require_pkce: "no"
  - client_id: three
    client_name: {en: x}
    redirect_uris: [https://rp.test/cb]
    token_endpoint_auth_method: client_secret_basic
  - client_id: four
    client_name: {en: x}
    redirect_uris: [https://rp.test/cb]
    token_endpoint_auth_method: private_key_jwt
    client_secret_digests: [abc]
  - client_id: four
    client_name: {en: x}
    redirect_uris: [https://rp.test/cb]
    token_endpoint_auth_method: none
    id_token_signed_response_alg: none
    grant_types: [password]
    response_types: [token]
`), false)
	var problems clients.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error %v, want Problems", err)
	}
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	for _, want := range []string{
		"extra", "clients[0].client_id", "clients[0].client_nam", "clients[0].redirect_uris[0]", "clients[0].redirect_uris[1]", "clients[0].redirect_uris[2]",
		"clients[0].redirect_uris[3]", "clients[0].redirect_uris[4]", "clients[0].scopes", "clients[0].token_endpoint_auth_method", "clients[1].client_name.en", "clients[1].redirect_uris", "clients[1].require_pkce",
		"clients[2].client_secret_digests", "clients[3].jwks_uri", "clients[3].client_secret_digests", "clients[3].client_secret_digests[0]",
		"clients[4].client_id", "clients[4].id_token_signed_response_alg", "clients[4].grant_types", "clients[4].response_types",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}

func TestRegistrationRules(t *testing.T) {
	good := clients.Client{
		ID: "a", Name: map[string]string{"en": "A"}, RedirectURIs: []string{"https://rp.test/cb"}, AuthMethod: clients.None,
	}
	for _, c := range []struct {
		name   string
		path   string // "" when it is right
		change func(*clients.Client)
	}{
		{"as it is", "", func(*clients.Client) {}},
		{"native loopback", "", func(c *clients.Client) {
			c.ApplicationType, c.RedirectURIs = "native", []string{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"}
		}},
		{"native, plain http elsewhere", "a.redirect_uris[0]", func(c *clients.Client) {
			c.ApplicationType, c.RedirectURIs = "native", []string{"http://rp.test/cb"}
		}},
		{"a scheme without a dot", "a.redirect_uris[0]", func(c *clients.Client) {
			c.ApplicationType, c.RedirectURIs = "native", []string{"myapp:/cb"}
		}},
		{"web loopback outside of development", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"http://localhost/cb"} }},
		{"a port that there is not", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"https://rp.test:65536/cb"} }},
		{"a port with a nought in front", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"https://rp.test:0443/cb"} }},
		{"no port after a colon", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"https://rp.test:/cb"} }},
		{"any port of a native client", "", func(c *clients.Client) {
			c.ApplicationType, c.RedirectURIs = "native", []string{"http://127.0.0.1:0/cb"}
		}},
		{"any port of a native client, of another machine", "a.redirect_uris[0]", func(c *clients.Client) {
			c.ApplicationType, c.RedirectURIs = "native", []string{"https://rp.test:0/cb"}
		}},
		{"any port of a web client", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"https://127.0.0.1:0/cb"} }},
		{"keys at no port", "a.jwks_uri", func(c *clients.Client) {
			c.AuthMethod, c.JWKSURI = clients.PrivateKeyJWT, "https://rp.test:65536/jwks"
		}},
		{"a port", "", func(c *clients.Client) {
			c.RedirectURIs = []string{"https://rp.test:8443/cb", "https://[2001:db8::1]/cb"}
		}},
		{"no redirect URI", "a.redirect_uris", func(c *clients.Client) { c.RedirectURIs = nil }},
		{"data", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"data:text/html,x"} }},
		{"relative", "a.redirect_uris[0]", func(c *clients.Client) { c.RedirectURIs = []string{"/cb"} }},
		{"fragment", "a.post_logout_redirect_uris[0]", func(c *clients.Client) { c.PostLogoutRedirectURIs = []string{"https://rp.test/#"} }},
		{"initiate_login_uri by http", "a.initiate_login_uri", func(c *clients.Client) { c.InitiateLoginURI = "http://rp.test/login" }}, // OIDC Registration §2
		{"keys of a public client", "a.token_endpoint_auth_method", func(c *clients.Client) { c.JWKSURI = "https://rp.test/jwks" }},
		{"assertions of a public client", "a.token_endpoint_auth_method", func(c *clients.Client) { c.AuthAlg = "ES256" }},
		{"logo by http", "a.logo_uri", func(c *clients.Client) { c.LogoURI = "http://rp.test/logo.png" }},
		{"terms by script", "a.tos_uri", func(c *clients.Client) { c.TermsURI = "javascript:alert(1)" }},
		{"a request object with a hash", "", func(c *clients.Client) { c.RequestURIs = []string{"https://rp.test/r.jwt#abc"} }},
		{"a request object by file", "a.request_uris[0]", func(c *clients.Client) { c.RequestURIs = []string{"file:///etc/passwd"} }},
		{"a name that runs backwards", "a.client_name.en", func(c *clients.Client) { c.Name = map[string]string{"en": "Bank\u202egnp"} }},
		{"hybrid", "", func(c *clients.Client) { c.ResponseTypes = []string{"id_token code"} }},
		{"hybrid without the grant type", "a.grant_types", func(c *clients.Client) {
			c.ResponseTypes, c.GrantTypes = []string{"code id_token"}, []string{"authorization_code"}
		}},
		{"token alone", "a.response_types", func(c *clients.Client) { c.ResponseTypes = []string{"token"} }},
		{"no name", "a.client_name.en", func(c *clients.Client) { c.Name = nil }},
		{"no id", ".client_id", func(c *clients.Client) { c.ID = "" }},
	} {
		one := good
		c.change(&one)
		one.Default()
		problems := one.CheckIn(one.ID, clients.Setting{ResponseTypes: clients.ResponseTypes})
		if c.path == "" && len(problems) > 0 || c.path != "" && !slices.ContainsFunc(problems, func(p clients.Problem) bool { return p.Path == c.path }) {
			t.Errorf("%s: %v, want a problem at %q", c.name, problems, c.path)
		}
	}
	good.ResponseTypes, good.GrantTypes = nil, nil
	good.Default()
	if !good.RequirePKCE || good.IDTokenAlg != "RS256" || !slices.Equal(good.GrantTypes, []string{"authorization_code"}) {
		t.Errorf("defaults %+v", good)
	}
}

// A client that was registered before ports were looked at keeps nobody from starting, and
// answers go to the port that its machine chose.
func TestARegisteredPortLocksNobodyOut(t *testing.T) { // RFC 8252 §7.3
	for registered, works := range map[string]bool{
		"http://127.0.0.1:0/cb": true, "http://[::1]:0/cb": true, "http://127.0.0.1:/cb": true, "http://127.0.0.1:65536/cb": true,
		"http://localhost:0/cb": false, "https://rp.test:0/cb": false,
	} {
		c := clients.Client{
			ID: "a", Name: map[string]string{"en": "A"}, RedirectURIs: []string{registered}, AuthMethod: clients.None, ApplicationType: "native",
		}
		c.Default()
		if p := c.Check("a", false); len(p) > 0 {
			t.Errorf("%s: %v", registered, p)
		}
		for _, host := range []string{"http://127.0.0.1", "http://[::1]", "https://rp.test"} {
			want := works && strings.HasPrefix(registered, host)
			if got := c.Redirects(host + ":51000/cb"); got != want {
				t.Errorf("%s, asked for %s:51000/cb: %t, want %t", registered, host, got, want)
			}
			if c.Redirects(host + ":99999/cb") {
				t.Errorf("%s: answers go to %s:99999/cb", registered, host)
			}
		}
	}
}

func TestSecretsAreComparedByDigest(t *testing.T) {
	c := clients.Client{SecretDigests: []string{
		"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b", // "secret"
		"fcf730b6d95236ecd3c9fc2d92d7b6b2bb061514961aec041d6c7a7192f592e4", // "secret123"
	}}
	for given, want := range map[string]bool{"secret": true, "secret123": true, "": false, "Secret": false, c.SecretDigests[0]: false} {
		if c.SecretMatches(given) != want {
			t.Errorf("secret %q: matches %t, want %t", given, !want, want)
		}
	}
	if new(clients.Client).SecretMatches("") {
		t.Error("a client without a secret takes the empty one")
	}
}

func TestTargetsOfAClient(t *testing.T) { // OIDC Core §4
	c := clients.Client{InitiateLoginURI: "https://rp.test/login"}
	for target, want := range map[string]bool{
		"https://rp.test/": true, "https://rp.test/exams?x=1": true, "https://rp.test": true,
		"": false, "/exams": false, "https://rp.test:444/": false, "http://rp.test/": false, "https://rp.test.evil.test/": false, "https://a@rp.test/": false,
		"https://rp.test/" + strings.Repeat("x", 2048): false,
	} {
		if c.OwnsTarget(target) != want {
			t.Errorf("%.60q: own %t, want %t", target, !want, want)
		}
	}
}

func TestSyncFollowsTheFile(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Unix(1_790_000_000, 0))
		one := &clients.Registry{Store: clients.Store{DB: d}, Clock: held.Now}
		other := &clients.Registry{Store: clients.Store{DB: d}, Clock: held.Now}
		a, b := client("a"), client("b")
		var all sync.WaitGroup
		for _, r := range []*clients.Registry{one, other} { // two nodes start at once
			all.Go(func() {
				if err := r.Sync(t.Context(), []clients.Client{a, b}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got, err := other.ByID(t.Context(), "b"); err != nil || got.NameIn("ja") != "b" {
			t.Fatalf("b: %+v, %v", got, err)
		}
		a.Name = map[string]string{"en": "new", "ja": "新"}
		must(t, one.Sync(t.Context(), []clients.Client{a}))
		if _, err := one.ByID(t.Context(), "b"); !fault.Is(err, fault.NotFound) {
			t.Errorf("b left the file: %v, want not found", err)
		}
		if _, err := other.ByID(t.Context(), "b"); err != nil {
			t.Errorf("another node asks twice a second only: %v", err)
		}
		held.Move(time.Second / 2)
		if _, err := other.ByID(t.Context(), "b"); !fault.Is(err, fault.NotFound) {
			t.Errorf("another node, half a second later: %v, want not found", err)
		}
		if got, err := other.ByID(t.Context(), "a"); err != nil || got.NameIn("ja") != "新" || got.NameIn("fr") != "new" {
			t.Errorf("a: %+v, %v", got, err)
		}
		must(t, one.Sync(t.Context(), []clients.Client{a, b}))
		if _, err := one.ByID(t.Context(), "b"); err != nil {
			t.Errorf("b is back: %v", err)
		}
		for _, id := range []string{"", "x y", "a\x00", strings.Repeat("a", 65), secret.Text()} {
			if _, err := one.ByID(t.Context(), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("id %.70q: %v, want not found", id, err)
			}
		}
		list, err := one.List(t.Context())
		if err != nil || len(list) != 2 {
			t.Errorf("list %v, %v", list, err)
		}
	})
}

func client(id string) clients.Client {
	c := clients.Client{ID: id, Name: map[string]string{"en": id}, RedirectURIs: []string{"https://rp.test/cb"}, AuthMethod: clients.None, Source: "config"}
	c.Default()
	return c
}

func TestAFileThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clients.yaml")
	for _, text := range []string{"", "x", "- a", "clients: x", "clients:\n  - x", "clients: [", "\x00"} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := clients.ReadFile(path, true); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %v, want one that names the file", text, err)
		}
	}
	if _, err := clients.ReadFile(path+"x", true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}
