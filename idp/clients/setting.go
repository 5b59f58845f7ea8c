package clients

import (
	"fmt"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

// Setting is what the operator has switched on, of what a client can be registered for.
type Setting struct {
	Development   bool     // addresses may be http, on the own machine
	ResponseTypes []string // as ResponseType gives them
	Certificates  bool     // callers may show certificates: RFC 8705
	Authorities   bool     // and there are authorities whose certificates are trusted
}

// AuthMethods gives how clients can prove themselves with these settings.
func (s Setting) AuthMethods() []AuthMethod {
	return slices.DeleteFunc(slices.Clone(authMethods), func(m AuthMethod) bool {
		return m == TLSClientAuth && !(s.Certificates && s.Authorities) || m == SelfSignedTLSAuth && !s.Certificates
	})
}

// CheckIn gives every mistake of the registration where these settings are in force: those
// of Check, and those of CheckOffered. Paths lie below at.
func (c *Client) CheckIn(at string, s Setting) Problems {
	p := c.CheckOffered(at, s)
	for _, one := range c.Check(at, s.Development) {
		if !p.Cover(one.Path) {
			p = append(p, one)
		}
	}
	return p
}

// CheckOffered finds what the client is registered for and could not log in with, with paths
// below at: what is not switched on, ports that nobody gets to, what its own keys cannot do. A client that is there
// already harms nobody but itself by it. RFC 7591 §2.
func (c *Client) CheckOffered(at string, s Setting) Problems {
	var p Problems
	if methods := s.AuthMethods(); !slices.Contains(methods, c.AuthMethod) {
		p.about(at+".token_endpoint_auth_method", "want one of "+joined(methods)+c.missing(s), ", not %q", c.AuthMethod)
	}
	if c.CertificateBound && !s.Certificates {
		p.add(at+".tls_client_certificate_bound_access_tokens", "certificates are not looked at here")
	}
	for _, one := range c.ResponseTypes {
		if known := ResponseType(one); known != "" && !slices.Contains(s.ResponseTypes, known) {
			p.about(at+".response_types", "want one of "+strings.Join(s.ResponseTypes, ", "), ", not %q", one)
		}
	}
	c.checkPorts(&p, at)
	unfit := func(k jose.JSONWebKey) bool { return !k.Valid() || !k.IsPublic() } // a mistake of its own
	if c.JWKS != nil && len(c.JWKS.Keys) > 0 && !slices.ContainsFunc(c.JWKS.Keys, unfit) {
		p = append(p, c.CheckKeySet(at, c.JWKS)...)
	}
	for i, one := range c.AssertionIssuers {
		if one.JWKS != nil && !slices.ContainsFunc(one.JWKS.Keys, unfit) {
			p = append(p, badLengths(fmt.Sprintf("%s.assertion_issuers[%d].jwks", at, i), one.JWKS)...)
		}
	}
	return p
}

// missing tells what has to be switched on for the client's way of proving itself.
func (c *Client) missing(s Setting) string {
	switch {
	case !c.ByCertificate():
		return ""
	case !s.Certificates:
		return " (certificates are not looked at here)"
	}
	return " (no authority is trusted here)"
}

func joined(methods []AuthMethod) string {
	names := make([]string, len(methods))
	for i, one := range methods {
		names[i] = string(one)
	}
	return strings.Join(names, ", ")
}
