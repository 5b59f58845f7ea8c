package registration

import (
	"testing"

	"tegata/idp/clients"
)

func TestARegistrationIsReadInOneWayOnly(t *testing.T) { // RFC 8259 §4, §8.1
	for text, good := range map[string]bool{
		`{"client_name": "a", "client_name": "b"}`:                                               false,
		`{"client_name": "a", "client\u005fname": "b"}`:                                          false,
		`{"jwks": {"keys": [{"kty": "RSA"}, {"kty": "EC", "kty": "x"}]}}`:                        false,
		"{\"client_name\": \"\xff\"}":                                                            false,
		"{\"client_\xffname\": \"a\"}":                                                           false,
		`{"a": "a", "b": {"a": ["a", "a", {"a": 1}], "b": []}, "c": {}, "contacts": ["a", "a"]}`: true,
		`{"client_name": "ショップ"}`:                                                                true,
		`{}`:                                                                                     true,
	} {
		if _, err := parseMetadata([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The developer reads what an operator would read, and nothing that was sent. RFC 7591 §3.2.2.
func TestARefusalSaysWhatToChange(t *testing.T) {
	const at = `"redirect_uris": ["https://rp.test/cb"]`
	for sent, want := range map[string]string{
		`{"redirect_uris": ["http://rp.test/cb"]}`:                                                           "redirect_uris[0]: want https (http only to the own machine, in development or for a native client).",
		`{"redirect_uris": ["https://a.test/cb", "https://b.test/cb"], "subject_type": "pairwise"}`:          "subject_type: pairwise needs redirect URIs of one host.",
		`{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}, ` + at + `}`:                "jwks_uri: private_key_jwt needs either jwks_uri or jwks.",
		`{"token_endpoint_auth_method": "\"\\秘密", ` + at + `}`:                                               "token_endpoint_auth_method: want one of private_key_jwt, client_secret_basic, client_secret_post, none, tls_client_auth, self_signed_tls_client_auth.",
		`{"application_type": "not, \"not\"", ` + at + `}`:                                                   "application_type: want one of web, native.",
		`{"logo_uri": "https://rp.test/* not", ` + at + `}`:                                                  "logo_uri: no fragment, wildcard, blank, backslash or user name allowed.",
		`{"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"], ` + at + `}`: "grant_types: only an operator can allow one of these grants.",
		`{"redirect_uris": "https://rp.test/cb"}`:                                                            "redirect_uris: want a list.",
		`{"default_max_age": 1e30, ` + at + `}`:                                                              "default_max_age: want a whole number.",
		`{"default_max_age": -1, ` + at + `}`:                                                                "default_max_age: want a number of seconds.",
	} {
		said, err := parseMetadata([]byte(sent))
		if err != nil {
			t.Fatal(err)
		}
		if got := refused(clients.Client{ID: "a"}, said); got != want {
			t.Errorf("%s: %s", sent, got)
		}
	}
}
