package clients

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// Profile is a set of rules that a client keeps altogether.
type Profile string

// The profiles that exist here; a client without one has the rules it names itself.
const (
	FAPI2Security       Profile = "fapi2_security"        // FAPI 2.0 Security Profile
	FAPI2MessageSigning Profile = "fapi2_message_signing" // the same, and signed requests
)

// Ways in which a client proves itself with a certificate. RFC 8705 §2.
const (
	TLSClientAuth     AuthMethod = "tls_client_auth"             // issued by an authority we trust
	SelfSignedTLSAuth AuthMethod = "self_signed_tls_client_auth" // one of the client's own keys
)

// RequestAlgs is what clients may sign request objects and proofs of ours with; of
// these FAPI2Algs is what FAPI 2.0 §5.4.1 leaves.
var (
	RequestAlgs = []string{"ES256", "PS256", "RS256", "EdDSA"}
	FAPI2Algs   = []string{"ES256", "PS256", "EdDSA"}
)

// How the parameters of a request object and those around it go together.
const (
	RulesOIDC    = "oidc"    // those of the object win: OIDC Core §6.1
	RulesRFC9101 = "rfc9101" // only those of the object count: RFC 9101 §5
)

// FAPI tells whether the client keeps the rules of FAPI 2.0.
func (c *Client) FAPI() bool { return c.Profile == FAPI2Security || c.Profile == FAPI2MessageSigning }

// ByCertificate tells whether the client proves itself in the TLS handshake.
func (c *Client) ByCertificate() bool {
	return c.AuthMethod == TLSClientAuth || c.AuthMethod == SelfSignedTLSAuth
}

// HasKeys tells whether there are keys to check the client's signatures with.
func (c *Client) HasKeys() bool { return c.JWKSURI != "" || c.JWKS != nil && len(c.JWKS.Keys) > 0 }

// defaultProfile fills what follows from the profile, before the other defaults.
// FAPI 2.0 §5.3.2.1: pushed requests, PKCE, a key of the client's own at the token
// endpoint, and tokens that are worth nothing without a key.
func (c *Client) defaultProfile() {
	c.RequireSignedRequest = c.RequireSignedRequest || c.Profile == FAPI2MessageSigning
	if c.RequestRules == "" {
		c.RequestRules = RulesOIDC
		if c.FAPI() || c.RequireSignedRequest {
			c.RequestRules = RulesRFC9101
		}
	}
	if !c.FAPI() {
		return
	}
	c.RequirePushed, c.RequirePKCE = true, true
	c.DPoPBound = c.DPoPBound || !c.CertificateBound
	if c.AuthMethod == "" {
		c.AuthMethod = PrivateKeyJWT
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = "ES256"
	}
}

// defaultResponseAlg is the algorithm of signed answers: RS256 where JARM §3 says so,
// that of the ID tokens where it may not be.
func (c *Client) defaultResponseAlg() {
	if c.ResponseAlg != "" {
		return
	}
	c.ResponseAlg = "RS256"
	if c.FAPI() {
		c.ResponseAlg = c.IDTokenAlg
	}
}

// checkProfile finds the mistakes in everything of this file.
func (c *Client) checkProfile(p *Problems, at string) {
	if c.Profile != "" && !c.FAPI() {
		p.about(at+".profile", fmt.Sprintf("want %s or %s", FAPI2Security, FAPI2MessageSigning), ", not %q", c.Profile)
	}
	subset(p, at+".request_object_rules", []string{c.RequestRules}, []string{RulesOIDC, RulesRFC9101})
	if c.RequireSignedRequest && c.RequestRules != RulesRFC9101 {
		p.add(at+".request_object_rules", "want %s where every request is signed: what stands beside the object is not", RulesRFC9101)
	}
	if c.RequestObjectAlg != "" {
		subset(p, at+".request_object_signing_alg", []string{c.RequestObjectAlg}, RequestAlgs)
	}
	if (c.RequireSignedRequest || c.RequestObjectAlg != "") && !c.HasKeys() {
		p.add(at+".jwks_uri", "signed request objects need jwks_uri or jwks")
	}
	if c.AuthMethod == SelfSignedTLSAuth && !c.HasKeys() {
		p.add(at+".jwks_uri", "self_signed_tls_client_auth needs jwks_uri or jwks with the certificate's key")
	}
	c.checkSubject(p, at)
	if c.FAPI() {
		c.checkFAPI(p, at)
	}
}

// checkSubject wants exactly one name to look for in a certificate of an authority,
// and none where no name is looked for. RFC 8705 §2.1.2.
func (c *Client) checkSubject(p *Problems, at string) {
	given := 0
	for _, name := range []string{c.TLSSubjectDN, c.TLSNameDNS, c.TLSNameURI, c.TLSNameIP, c.TLSNameEmail} {
		if name != "" {
			given++
		}
	}
	switch {
	case c.AuthMethod == TLSClientAuth && given != 1:
		p.add(at+".tls_client_auth_subject_dn", "tls_client_auth needs exactly one of tls_client_auth_subject_dn, _san_dns, _san_uri, _san_ip and _san_email")
	case c.AuthMethod != TLSClientAuth && given != 0:
		p.about(at+".tls_client_auth_subject_dn", "names of a certificate belong to tls_client_auth", ", not to %q", c.AuthMethod)
	case c.TLSSubjectDN != "" && !isName(c.TLSSubjectDN):
		p.about(at+".tls_client_auth_subject_dn", "want a name in the form of RFC 4514, like CN=client,O=A bank,C=JP", ", not %q", c.TLSSubjectDN)
	case c.TLSNameIP != "" && net.ParseIP(c.TLSNameIP) == nil:
		p.about(at+".tls_client_auth_san_ip", "want an IP address", ", not %q", c.TLSNameIP)
	}
}

// checkFAPI finds what a profile does not allow. FAPI 2.0 §5.3.2.1, §5.4.1.
func (c *Client) checkFAPI(p *Problems, at string) {
	if c.AuthMethod != PrivateKeyJWT && !c.ByCertificate() {
		p.add(at+".token_endpoint_auth_method", "the profile wants %s, %s or %s", PrivateKeyJWT, TLSClientAuth, SelfSignedTLSAuth)
	}
	if c.AuthMethod == PrivateKeyJWT && c.AuthAudience != "issuer" {
		p.add(at+".token_endpoint_auth_audience", "the profile wants issuer")
	}
	if slices.ContainsFunc(c.ResponseTypes, func(one string) bool { return one != "code" }) {
		p.add(at+".response_types", "the profile wants code and nothing else")
	}
	for key, alg := range map[string]string{
		"token_endpoint_auth_signing_alg": c.AuthAlg, "request_object_signing_alg": c.RequestObjectAlg,
		"id_token_signed_response_alg": c.IDTokenAlg, "authorization_signed_response_alg": c.ResponseAlg,
	} {
		if alg == "RS256" {
			p.add(at+"."+key, "the profile wants one of %s", strings.Join(FAPI2Algs, ", "))
		}
	}
}
