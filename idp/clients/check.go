package clients

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake: where it is and what is wrong.
type Problem struct {
	Path    string
	Message string // for the operator, with what was given
	Reason  string // without it, for whoever sent it
}

// Problems is every mistake at once.
type Problems []Problem

// Error lists them, one per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Path + ": " + one.Message
	}
	return strings.Join(lines, "\n")
}

// Err gives p as an error, or nil when there is no mistake.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// add adds a mistake that is told without what was given.
func (p *Problems) add(path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	*p = append(*p, Problem{path, text, text})
}

// about adds a mistake that is told to the operator with what was given, which rest quotes.
func (p *Problems) about(path, reason, rest string, given any) {
	*p = append(*p, Problem{path, reason + fmt.Sprintf(rest, given), reason})
}

// refuse adds a mistake that is said of what was given, to the operator with it.
func (p *Problems) refuse(path string, given any, reason string) {
	*p = append(*p, Problem{path, fmt.Sprintf("%q %s", given, reason), reason})
}

// What a client may choose from.
var (
	// Every way to prove oneself, as they are listed: what most should use first.
	authMethods = []AuthMethod{PrivateKeyJWT, ClientSecretBasic, ClientSecretPost, None, TLSClientAuth, SelfSignedTLSAuth}
	authAlgs    = []string{"ES256", "PS256", "RS256", "EdDSA"}
	// SigningAlgs is what we sign with, for ID tokens and other answers. RFC 7518 §3, RFC 8037.
	SigningAlgs = []string{"RS256", "PS256", "ES256", "EdDSA"}
	// GrantTypes is every grant type that exists here.
	GrantTypes = []string{AuthorizationCode, Implicit, RefreshToken, ClientCredentials, DeviceCode, TokenExchangeType, JWTBearer}
	// Scopes is every scope that exists here beside those of resources. OIDC Core §5.4.
	Scopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}
)

// Default fills what a registration may leave out. RFC 7591 §2, OIDC Registration §2.
func (c *Client) Default() {
	set := func(list *[]string, value ...string) {
		if len(*list) == 0 {
			*list = value
		}
	}
	c.defaultProfile()
	if len(c.ResponseTypes) > 0 {
		set(&c.GrantTypes, c.grantTypesNeeded()...)
	}
	set(&c.GrantTypes, AuthorizationCode)
	if c.May(AuthorizationCode) {
		set(&c.ResponseTypes, "code")
	}
	set(&c.Scopes, "openid", "profile", "email")
	if c.ApplicationType == "" {
		c.ApplicationType = "web"
	}
	if c.AuthMethod == "" {
		c.AuthMethod = ClientSecretBasic
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = "RS256"
	}
	if c.AuthMethod == PrivateKeyJWT && c.AuthAudience == "" {
		c.AuthAudience = "issuer"
	}
	c.defaultResponseAlg()
	c.RequirePKCE = c.RequirePKCE || c.Public() // RFC 9700 §2.1.1
	c.defaultPolicy()
	c.defaultRefreshing()
	c.defaultEncryption()
	c.defaultLogout()
	for _, list := range []*[]string{
		&c.RedirectURIs, &c.PostLogoutRedirectURIs, &c.RequestURIs, &c.Contacts, &c.GrantTypes, &c.ResponseTypes, &c.Scopes,
		&c.Resources, &c.DetailTypes, &c.DefaultACRValues,
	} {
		if all := distinct(*list); len(all) < len(*list) {
			*list = all
		}
	}
}

// Check gives every mistake of the registration, with paths below at. development
// allows plain http to the own machine.
func (c *Client) Check(at string, development bool) Problems {
	var p Problems
	if !identifier(c.ID) {
		p.add(at+".client_id", "want 1 to 64 characters of a-z, A-Z, 0-9, - and _")
	}
	switch {
	case len(c.Name) == 0:
		p.add(at+".client_name.en", "a client needs a name that people read on the log-in page")
	case nameIn(c.Name, "en") == "":
		p.add(at+".client_name.en", "a client needs an English name too, for people who have none in their language")
	}
	c.checkURIs(&p, at, development)
	c.checkLogout(&p, at, development)
	if c.Unverified && c.FirstParty {
		p.add(at+".unverified", "a first_party client is ours, so it is verified")
	}
	c.checkAuth(&p, at)
	c.checkKeys(&p, at, development)
	c.checkProfile(&p, at)
	subset(&p, at+".grant_types", c.GrantTypes, GrantTypes)
	c.checkResponseTypes(&p, at)
	c.checkPresented(&p, at, development)
	c.checkPolicy(&p, at, development)
	c.checkRefreshing(&p, at)
	c.checkEncryption(&p, at)
	subset(&p, at+".id_token_signed_response_alg", []string{c.IDTokenAlg}, SigningAlgs)
	subset(&p, at+".authorization_signed_response_alg", []string{c.ResponseAlg}, SigningAlgs)
	subset(&p, at+".application_type", []string{c.ApplicationType}, []string{"web", "native"})
	if c.Public() && c.FirstParty && !c.RequirePKCE {
		p.add(at+".require_pkce", "a client without a secret needs PKCE")
	}
	return p
}

func identifier(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func (c *Client) checkAuth(p *Problems, at string) {
	method := at + ".token_endpoint_auth_method"
	switch {
	case !slices.Contains(authMethods, c.AuthMethod):
		p.about(method, "want one of "+joined(authMethods), ", not %q", c.AuthMethod)
	case c.AuthMethod == PrivateKeyJWT:
		if !c.HasKeys() {
			p.add(at+".jwks_uri", "private_key_jwt needs either jwks_uri or jwks")
		}
		if c.AuthAlg != "" {
			subset(p, at+".token_endpoint_auth_signing_alg", []string{c.AuthAlg}, authAlgs)
		}
		subset(p, at+".token_endpoint_auth_audience", []string{c.AuthAudience}, []string{"issuer", "endpoint"})
	case c.Public() && c.HasKeys():
		p.add(method, "a client with keys is not public")
	case c.AuthAlg != "" || c.AuthAudience != "":
		p.about(method, "client assertions belong to private_key_jwt", ", not to %q", c.AuthMethod)
	}
	secretMethod := c.AuthMethod == ClientSecretBasic || c.AuthMethod == ClientSecretPost
	if secretMethod != (len(c.SecretDigests) > 0) {
		p.add(at+".client_secret_digests", "client_secret_basic and client_secret_post need a digest, other methods must have none")
	}
	if len(c.SecretDigests) > 2 {
		p.add(at+".client_secret_digests", "want at most two: the old and the new one")
	}
	for i, text := range c.SecretDigests {
		if b, err := hex.DecodeString(text); err != nil || len(b) != 32 {
			p.add(fmt.Sprintf("%s.client_secret_digests[%d]", at, i), "want a SHA-256 in hex, as `printf %%s SECRET | sha256sum` prints it")
		}
	}
}

// checkKeys looks at the client's keys. Whether they do for what they are needed for is for
// CheckOffered.
func (c *Client) checkKeys(p *Problems, at string, development bool) {
	if c.JWKSURI != "" && c.JWKS != nil {
		p.add(at+".jwks_uri", "want either jwks_uri or jwks")
	}
	if c.JWKSURI != "" {
		web := &Client{ApplicationType: "web"}
		web.checkURI(p, at+".jwks_uri", c.JWKSURI, development)
	}
	if c.JWKS == nil {
		return
	}
	for i, key := range c.JWKS.Keys {
		if !key.Valid() || !key.IsPublic() {
			p.add(fmt.Sprintf("%s.jwks.keys[%d]", at, i), "want a public key")
		}
	}
}

func subset(p *Problems, path string, given, known []string) {
	for _, one := range given {
		switch {
		case slices.Contains(known, one):
		case len(known) == 0:
			p.refuse(path, one, "does not exist here")
		default:
			p.about(path, "want one of "+strings.Join(known, ", "), ", not %q", one)
		}
	}
}
