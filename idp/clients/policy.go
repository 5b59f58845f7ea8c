package clients

import (
	"fmt"
	"net/url"
	"slices"

	jose "github.com/go-jose/go-jose/v4"
)

// Grant types beyond those of a log-in.
const (
	ClientCredentials = "client_credentials"                              // RFC 6749 §4.4
	DeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628 §3.4
	TokenExchangeType = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 §2.1
	JWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 §2.1
)

// The values of Client.SubjectType. OpenID Connect Core §8.
const (
	Public   = "public"
	Pairwise = "pairwise"
)

// TokenExchange is what a client may do with tokens of others (RFC 8693). Without one
// it may exchange nothing.
type TokenExchange struct {
	From   []string `json:"from,omitempty"`   // clients whose access tokens it may exchange, beside its own
	Scopes []string `json:"scopes,omitempty"` // scopes it may add to those of the token that came
	// SubjectTypes is what it may bring beside access tokens: SubjectIDToken.
	SubjectTypes []string `json:"subject_token_types,omitempty"`
	// Impersonation leaves the act claim out when there is no actor token. Otherwise
	// the token always says through whom it went.
	Impersonation bool `json:"impersonation,omitempty"`
}

// SubjectIDToken lets a client exchange ID tokens. They travel farther than access
// tokens, as hints in URLs for one, so this is off unless a registration says it.
const SubjectIDToken = "id_token"

// AssertionIssuer is somebody else whose JWTs a client may bring for tokens
// (RFC 7523 §2.1). It vouches for people of ours, so it is trusted like a log-in.
type AssertionIssuer struct {
	Issuer  string              `json:"issuer"`
	JWKSURI string              `json:"jwks_uri,omitempty"`
	JWKS    *jose.JSONWebKeySet `json:"jwks,omitempty"`
	Subject string              `json:"subject,omitempty"` // what sub is: "sub" (as the client knows the person) or "email"
}

// AssertionIssuer gives the registered issuer of that name.
func (c *Client) AssertionIssuer(issuer string) (AssertionIssuer, bool) {
	for _, one := range c.AssertionIssuers {
		if one.Issuer == issuer {
			return one, true
		}
	}
	return AssertionIssuer{}, false
}

// Sector is the host that stands for all clients that know a person by one subject.
// OpenID Connect Core §8.1.
func (c *Client) Sector() string {
	first := c.SectorIdentifierURI
	if first == "" && len(c.RedirectURIs) > 0 {
		first = c.RedirectURIs[0]
	}
	u, err := url.Parse(first)
	if err != nil || u.Hostname() == "" {
		return c.ID // an address of its own: a native client
	}
	return u.Hostname()
}

// defaultPolicy fills what Default leaves to this file.
func (c *Client) defaultPolicy() {
	if c.SubjectType == "" {
		c.SubjectType = Public
	}
	if c.AccessTokenFormat == "" {
		c.AccessTokenFormat = Opaque
	}
	for i := range c.AssertionIssuers {
		if c.AssertionIssuers[i].Subject == "" {
			c.AssertionIssuers[i].Subject = "sub"
		}
	}
}

// checkPolicy is the part of Check about tokens.
func (c *Client) checkPolicy(p *Problems, at string, development bool) {
	checkScopeNames(p, at+".scopes", c.Scopes)
	checkScopeNames(p, at+".authorization_details_types", c.DetailTypes)
	subset(p, at+".subject_type", []string{c.SubjectType}, []string{Public, Pairwise})
	subset(p, at+".access_token_format", []string{c.AccessTokenFormat}, []string{Opaque, JWT})
	for name, alg := range map[string]string{
		"userinfo_signed_response_alg": c.UserinfoAlg, "introspection_signed_response_alg": c.IntrospectionAlg,
	} {
		if alg != "" {
			subset(p, at+"."+name, []string{alg}, SigningAlgs)
		}
	}
	for i, id := range c.Resources {
		if !IsResource(id) {
			p.about(fmt.Sprintf("%s.resources[%d]", at, i), "want the identifier of a resource", ", not %q", id)
		}
	}
	if c.SubjectType == Pairwise && c.SectorIdentifierURI == "" && !c.oneHost() {
		p.add(at+".subject_type", "pairwise needs redirect URIs of one host")
	}
	if c.Public() {
		for _, grant := range []string{ClientCredentials, TokenExchangeType, JWTBearer} {
			if c.May(grant) {
				p.add(at+".grant_types", "%s needs a client that proves itself", grant)
			}
		}
	}
	c.checkExchange(p, at, development)
}

// oneHost tells whether all redirect URIs have the same host.
func (c *Client) oneHost() bool {
	return !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool {
		return (&Client{ID: c.ID, RedirectURIs: []string{uri}}).Sector() != c.Sector()
	})
}

func (c *Client) checkExchange(p *Problems, at string, development bool) {
	if c.May(TokenExchangeType) != (c.TokenExchange != nil) {
		p.add(at+".token_exchange", "belongs together with the grant type %s", TokenExchangeType)
	}
	if c.TokenExchange != nil {
		checkScopeNames(p, at+".token_exchange.scopes", c.TokenExchange.Scopes)
		subset(p, at+".token_exchange.subject_token_types", c.TokenExchange.SubjectTypes, []string{"access_token", SubjectIDToken})
	}
	if c.MayAct != "" && (!identifier(c.MayAct) || c.MayAct == c.ID) {
		p.add(at+".may_act", "want the id of another client")
	}
	if c.May(JWTBearer) != (len(c.AssertionIssuers) > 0) {
		p.add(at+".assertion_issuers", "belongs together with the grant type %s", JWTBearer)
	}
	for i, one := range c.AssertionIssuers {
		path := fmt.Sprintf("%s.assertion_issuers[%d]", at, i)
		if one.Issuer == "" {
			p.add(path+".issuer", "want what the assertions say as iss")
		}
		subset(p, path+".subject", []string{one.Subject}, []string{"sub", "email"})
		one.checkKeys(p, path, development)
	}
}

// checkKeys wants public keys, from one place.
func (a AssertionIssuer) checkKeys(p *Problems, path string, development bool) {
	switch {
	case (a.JWKSURI == "") == (a.JWKS == nil):
		p.add(path+".jwks_uri", "want either jwks_uri or jwks")
	case a.JWKSURI != "":
		(&Client{ApplicationType: "web"}).checkURI(p, path+".jwks_uri", a.JWKSURI, development)
	case len(a.JWKS.Keys) == 0 || slices.ContainsFunc(a.JWKS.Keys, func(k jose.JSONWebKey) bool { return !k.Valid() || !k.IsPublic() }):
		p.add(path+".jwks", "want public keys")
	}
}
