package clientauth

import (
	"net/http"
	"net/url"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// Credentials is what a request brings along to prove a client.
type Credentials struct {
	Method    clients.AuthMethod
	ID        string   // of the client that it says to be
	Assertion Asserted // of private_key_jwt, not verified yet

	secret string
	raw    raw // of the Authorization header
}

// raw is what the Authorization header has, letter by letter. RFC 6749 §2.3.1 wants
// both halves form-encoded there; many clients (Authlib, for one) leave that out, so
// that a "+" or "%" of theirs is itself.
type raw struct{ id, secret string }

// Read finds the one way in which a request proves its client, in its header or form; two
// at once are refused (RFC 6749 §2.3), and so are two different client ids.
func Read(r *http.Request, form url.Values) (Credentials, error) {
	var all []Credentials
	header, err := wire.Authorization(r)
	if err != nil {
		return Credentials{}, err
	}
	if header != "" {
		c, ok := basic(r)
		if !ok {
			return Credentials{}, wire.Refuse("invalid_client", "The Authorization header is not a Basic one that can be read.")
		}
		all = append(all, c)
	}
	if form.Has("client_secret") {
		all = append(all, Credentials{Method: clients.ClientSecretPost, ID: form.Get("client_id"), secret: form.Get("client_secret")})
	}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		if form.Get("client_assertion_type") != assertionType {
			return Credentials{}, wire.Refuse("invalid_client", "This client_assertion_type does not exist here.")
		}
		a, ok := Parse(form.Get("client_assertion"))
		if !ok {
			return Credentials{}, wire.Refuse("invalid_client", "The client assertion could not be read.")
		}
		if a.Issuer != a.Subject {
			return Credentials{}, wire.Refuse("invalid_client", twoNames)
		}
		all = append(all, Credentials{Method: clients.PrivateKeyJWT, ID: a.Issuer, Assertion: a})
	}
	if len(all) > 1 {
		return Credentials{}, wire.Refuse("invalid_request", "The client proves itself in two ways at once.")
	}
	if len(all) == 0 {
		all = append(all, Credentials{Method: clients.None, ID: form.Get("client_id")})
	}
	one := all[0]
	also := form.Get("client_id")
	if one.ID == "" || form.Has("client_id") && also != one.ID && also != one.raw.id {
		return Credentials{}, wire.RefuseAs("invalid_client")
	}
	return one, nil
}

// basic reads the Authorization header: as it has to be, and as it stands there. What
// cannot be decoded was not encoded.
func basic(r *http.Request) (Credentials, bool) {
	user, password, ok := r.BasicAuth()
	decoded := func(text string) string {
		if plain, err := url.QueryUnescape(text); err == nil {
			return plain
		}
		return text
	}
	return Credentials{
		Method: clients.ClientSecretBasic, ID: decoded(user), secret: decoded(password), raw: raw{user, password},
	}, ok
}

// secretMatches compares the secret as it was decoded and as it was sent, both each
// time, so that the time it takes tells nothing. It counts as one attempt.
func (c Credentials) secretMatches(client *clients.Client) bool {
	decoded, plain := client.SecretMatches(c.secret), client.SecretMatches(c.raw.secret)
	return decoded || plain && c.Method == clients.ClientSecretBasic
}
