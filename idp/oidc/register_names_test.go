package oidc_test

import (
	"net/http"
	"strings"
	"testing"
)

// RFC 7591 §2.2, §3.2.1: the name without a language comes back, and serves whoever has
// none; what cannot be read in one way, or never log in, is refused with its reason.
func TestARegistrationKeepsItsNamesAndSaysWhatIsWrong(t *testing.T) {
	o := startOpen(t)
	p, about := o.registers("code", fields{"client_name": "ショップ", "client_name#en": "Shop"})
	c, err := o.provider.Clients.ByID(t.Context(), p.id)
	must(t, err)
	if about["client_name"] != "ショップ" || about["client_name#en"] != "Shop" || c.NameIn("ja") != "ショップ" || c.NameIn("en") != "Shop" {
		t.Errorf("told %v %v, kept %v", about["client_name"], about["client_name#en"], c.Name)
	}
	const at = `"redirect_uris": ["` + callback + `"]`
	for body, want := range map[string]string{
		`{"client_name": "a", "client_name": "b", ` + at + `}`:                                  "A member is there twice.",
		"{\"client_name\": \"\xff\", " + at + "}":                                               "The body has to be UTF-8.",
		`{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}, ` + at + `}`:   "jwks_uri: private_key_jwt needs either jwks_uri or jwks.",
		`{"subject_type": "pairwise", "redirect_uris": ["https://a.test/", "https://b.test/"]}`: "subject_type: pairwise needs redirect URIs of one host.",
	} {
		r, err := http.NewRequest("POST", o.server.URL+"/oauth2/register", strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		got := o.do(r)
		if said := got.json(t); got.StatusCode != 400 || said["error"] != "invalid_client_metadata" || said["error_description"] != want {
			t.Errorf("%q: status %d %s", body, got.StatusCode, got.Body)
		}
	}
}
