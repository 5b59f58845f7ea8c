package clients_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/shared/fetch"
)

// byCertificate is a client that proves itself in the TLS handshake.
func byCertificate(change func(*clients.Client)) clients.Client {
	c := clients.Client{
		ID: "bank", Name: map[string]string{"en": "Bank"}, RedirectURIs: []string{"https://rp.test/cb"},
		AuthMethod: clients.TLSClientAuth, TLSNameDNS: "rp.test",
	}
	change(&c)
	c.Default()
	return c
}

// RFC 7591 §2: what a client cannot use here is refused, and not named as a choice.
func TestAClientIsCheckedAgainstWhatIsSwitchedOn(t *testing.T) {
	on := clients.Setting{ResponseTypes: []string{"code"}, Certificates: true, Authorities: true}
	for name, c := range map[string]struct {
		setting func(*clients.Setting)
		change  func(*clients.Client)
		want    string
	}{
		"all":              {func(*clients.Setting) {}, func(*clients.Client) {}, ""},
		"no certificates":  {func(s *clients.Setting) { s.Certificates = false }, func(*clients.Client) {}, "c.token_endpoint_auth_method: want one of private_key_jwt, client_secret_basic, client_secret_post, none (certificates"},
		"no authority":     {func(s *clients.Setting) { s.Authorities = false }, func(*clients.Client) {}, "c.token_endpoint_auth_method: want one of private_key_jwt, client_secret_basic, client_secret_post, none, self_signed_tls_client_auth (no authority"},
		"an unknown way":   {func(*clients.Setting) {}, func(c *clients.Client) { c.AuthMethod, c.TLSNameDNS = "password", "" }, `c.token_endpoint_auth_method: want one of private_key_jwt, client_secret_basic, client_secret_post, none, tls_client_auth, self_signed_tls_client_auth, not "password"`},
		"bound":            {func(s *clients.Setting) { s.Certificates = false }, func(c *clients.Client) { c.AuthMethod, c.TLSNameDNS, c.CertificateBound = clients.None, "", true }, "c.tls_client_certificate_bound_access_tokens: certificates are not"},
		"a response type":  {func(*clients.Setting) {}, func(c *clients.Client) { c.ResponseTypes = []string{"id_token code"} }, `c.response_types: want one of code, not "id_token code"`},
		"one that is on":   {func(s *clients.Setting) { s.ResponseTypes = clients.ResponseTypes }, func(c *clients.Client) { c.ResponseTypes = []string{"id_token code"} }, ""},
		"and a wrong name": {func(s *clients.Setting) { s.Certificates = false }, func(c *clients.Client) { c.Name = nil }, "c.client_name.en: "},
	} {
		setting, client := on, byCertificate(c.change)
		c.setting(&setting)
		problems := client.CheckIn("c", setting)
		if got := problems.Error(); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		paths := map[string]bool{}
		for _, one := range problems {
			if paths[one.Path] {
				t.Errorf("%s: two problems of %s: %v", name, one.Path, problems)
			}
			paths[one.Path] = true
		}
	}
}

// from fetches as we do.
func from(t *testing.T, loopback bool) func(string) ([]byte, error) {
	return func(uri string) ([]byte, error) {
		return fetch.Get(t.Context(), fetch.Client(loopback), uri, "application/json")
	}
}

// OIDC Core §8.1, OIDC Registration §5: fetched, and all of the redirect URIs are there.
func TestTheListOfASectorHasEveryRedirectURI(t *testing.T) {
	answer := ""
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Write([]byte(answer))
	}))
	defer site.Close()
	c := clients.Client{RedirectURIs: []string{"https://a.test/cb", "https://b.test/cb"}, SectorIdentifierURI: site.URL}
	for text, want := range map[string]string{
		`["https://a.test/cb", "https://b.test/cb", "https://c.test/cb"]`: "",
		`["https://a.test/cb", "https://b.test/cb/"]`:                     "https://b.test/cb is not on the list",
		`[]`:                    "https://a.test/cb is not on the list",
		`{"redirect_uris": []}`: "not a list of addresses",
		``:                      "could not be fetched: status 404",
		`["` + strings.Repeat("x", 64<<10) + `"]`: "could not be fetched: more than 65536 bytes",
	} {
		answer = text
		err := c.CheckSector(from(t, true))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", text, err, want)
		}
	}
	if err := c.CheckSector(from(t, false)); err == nil {
		t.Error("the own machine was asked")
	}
	if err := (&clients.Client{RedirectURIs: c.RedirectURIs}).CheckSector(from(t, false)); err != nil {
		t.Errorf("no list: %v", err)
	}
}

// Whose list cannot be fetched right now may still give an address up.
func TestAListOfASectorIsLookedAtForWhatIsNew(t *testing.T) { // OIDC Core §8.1
	before := clients.Client{RedirectURIs: []string{"https://a.test/cb", "https://b.test/cb"}, SectorIdentifierURI: "https://a.test/sector"}
	for _, c := range []struct {
		list string
		uris []string
		same bool
	}{
		{before.SectorIdentifierURI, before.RedirectURIs, true},
		{before.SectorIdentifierURI, []string{"https://b.test/cb"}, true},
		{before.SectorIdentifierURI, []string{"https://b.test/cb", "https://a.test/cb"}, true},
		{before.SectorIdentifierURI, []string{"https://c.test/cb"}, false},
		{"https://b.test/sector", before.RedirectURIs, false},
	} {
		after := clients.Client{RedirectURIs: c.uris, SectorIdentifierURI: c.list}
		if got := after.SameSector(before); got != c.same {
			t.Errorf("%s %v: %t, want %t", c.list, c.uris, got, c.same)
		}
	}
}
