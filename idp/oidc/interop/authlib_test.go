package interop_test

import "testing"

// TestAuthlib is Python's Authlib in a Flask application. It does not form-encode its
// secret for HTTP Basic (RFC 6749 §2.3.1); we take it as it stands, too. Of letters it
// sends Latin-1, so the secret has none beyond ASCII.
func TestAuthlib(t *testing.T) {
	python := pip(t, "authlib")
	w := startAs(t, quirks{secret: "s3cret +/%&=:~"}, "require_pkce: true")
	w.run(here("authlib"), nil, python, "party.py")
	w.meet(saw{})
}

// TestAuthlibWithAKey is the same with private_key_jwt, in Authlib's way: an assertion
// for the token endpoint that lives for an hour.
func TestAuthlibWithAKey(t *testing.T) {
	python := pip(t, "authlib")
	public, private := keyPair(t)
	w := start(t, "token_endpoint_auth_method: private_key_jwt", "token_endpoint_auth_audience: endpoint", "require_pkce: true", "jwks: {keys: ["+public+"]}")
	w.run(here("authlib"), []string{"PRIVATE_KEY=" + private}, python, "party.py")
	w.meet(saw{})
}
