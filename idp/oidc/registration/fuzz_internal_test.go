package registration

import (
	"encoding/json"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// everything is switched on but development.
var everything = clients.Setting{ResponseTypes: clients.ResponseTypes, Certificates: true, Authorities: true}

// Whatever a stranger sends, nothing breaks, and what comes out keeps the rules.
func FuzzRegistration(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"redirect_uris":["https://rp.test/cb"]}`, `{"redirect_uris":null,"jwks":{"keys":[{}]}}`,
		`{"redirect_uris":["javascript:x"],"client_name#ja":"x","client_name#":"y","scope":"openid x"}`,
		`{"first_party":true,"response_types":["id_token token"],"grant_types":["implicit"],"default_max_age":1e99}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		said, err := parseMetadata(text)
		if err != nil {
			return
		}
		c := clients.Client{ID: "a", Unverified: true}
		problems := c.Apply(said)
		c.SecretDigests = nil
		if c.HasSecret() {
			c.SecretDigests = []string{strings.Repeat("0", 64)}
		}
		c.Default()
		problems = append(problems, c.CheckIn("", everything)...)
		for _, one := range problems {
			if r := refusal(one, said); strings.ContainsFunc(r.Why, wire.Unprintable) || strings.ContainsAny(r.Why, `"\`) {
				t.Fatalf("refusal %q", r.Why)
			}
		}
		if c.FirstParty || !c.Unverified || c.ID != "a" {
			t.Fatalf("trusted: %+v", c)
		}
		if len(problems) > 0 {
			return
		}
		for _, uri := range c.RedirectURIs {
			if strings.Contains(uri, "#") || strings.HasPrefix(strings.ToLower(uri), "javascript:") {
				t.Fatalf("redirect URI %q", uri)
			}
		}
		shown, err := c.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(shown); err != nil {
			t.Fatal(err)
		}
	})
}
