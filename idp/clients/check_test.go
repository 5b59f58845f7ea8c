package clients_test

import (
	"errors"
	"testing"

	"tegata/idp/clients"
)

// A client that registers itself is told what is wrong without what it sent; the operator
// is told that too. Quotes in a message of ours cut nothing off.
func TestAProblemIsToldWithAndWithoutWhatWasGiven(t *testing.T) {
	c := client("shop")
	c.RedirectURIs, c.Profile, c.IDTokenAlg = []string{`javascript:"x`}, `not "that`, "HS256"
	told := map[string]clients.Problem{}
	for _, one := range c.Check("c", false) {
		told[one.Path] = one
	}
	_, err := clients.Parse([]byte("5"), false)
	var file clients.Problems
	if !errors.As(err, &file) {
		t.Fatal(err)
	}
	told["file"] = file[0]
	for path, want := range map[string]clients.Problem{
		"c.redirect_uris[0]": {
			Message: `want https (http only to the own machine, in development or for a native client): "javascript:\"x"`,
			Reason:  "want https (http only to the own machine, in development or for a native client)",
		},
		"c.profile":                      {Message: `want fapi2_security or fapi2_message_signing, not "not \"that"`, Reason: "want fapi2_security or fapi2_message_signing"},
		"c.id_token_signed_response_alg": {Message: `want one of RS256, PS256, ES256, EdDSA, not "HS256"`, Reason: "want one of RS256, PS256, ES256, EdDSA"},
		"file":                           {Message: `want a list of clients under the key "clients"`, Reason: `want a list of clients under the key "clients"`},
	} {
		if got := told[path]; got.Message != want.Message || got.Reason != want.Reason {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
}
