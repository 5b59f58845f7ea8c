package clientauth

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/wire"
)

// assertionType is the only client_assertion_type. RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// How long an assertion may live, and how much longer than it is good it is remembered: a
// request that brings it again may be on its way when it ceases to be, or at a node that is
// behind.
const (
	maxAssertion = 5 * time.Minute
	oldAssertion = time.Hour // what Authlib makes; for clients that name the endpoint
	remembered   = time.Minute
)

// Algs is what a client may sign with: no algorithm with a shared secret,
// and no "none".
var Algs = []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.RS256, jose.EdDSA}

// Assertion is one that was accepted, to be remembered until it is void anyway.
type Assertion struct {
	Client, ID string // its jti, which the client chose
	Until      time.Time
}

// Asserted is what an assertion says. RFC 7523 §3.
type Asserted struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  json.RawMessage  `json:"aud"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Issued    *jwt.NumericDate `json:"iat"`
	ID        string           `json:"jti"`

	Token *jwt.JSONWebToken `json:"-"` // to be verified with the keys of the client it names
}

// Until is how long an assertion has to be remembered, so that it does not come twice.
func (a Asserted) Until() time.Time { return a.Expires.Time().Add(jws.Leeway + remembered) }

// parseAssertion reads a client assertion without trusting it yet.
func parseAssertion(text string) (a Asserted, ok bool) {
	a, ok = Parse(text)
	return a, ok && a.Issuer == a.Subject
}

// Parse reads what an assertion says, whoever it is about, without trusting it yet.
func Parse(text string) (a Asserted, ok bool) {
	if text == "" || len(text) > jws.MaxToken {
		return Asserted{}, false
	}
	token, err := jwt.ParseSigned(text, Algs)
	if err != nil || len(token.Headers) != 1 || token.UnsafeClaimsWithoutVerification(&a) != nil {
		return Asserted{}, false
	}
	a.Token = token
	return a, a.Issuer != "" && a.Subject != ""
}

// verifyAssertion checks a client assertion with the client's keys.
func (p *Prover) verifyAssertion(ctx context.Context, client *clients.Client, a Asserted) (*Assertion, error) {
	header := a.Token.Headers[0]
	if client.AuthAlg != "" && header.Algorithm != client.AuthAlg || client.FAPI() && !slices.Contains(clients.FAPI2Algs, header.Algorithm) {
		return nil, wire.Refuse("invalid_client", "The client assertion is signed with another algorithm than registered.")
	}
	if why := p.wrong(client, a); why != "" {
		return nil, wire.Refuse("invalid_client", why)
	}
	keys, err := p.Keys(ctx, client, header.KeyID)
	if err != nil {
		return nil, wire.Refuse("invalid_client", "The keys of the client could not be had.").Because(err)
	}
	if !jws.SignedBy(a.Token, keys) {
		return nil, wire.Refuse("invalid_client", "The client assertion is not signed with a key of the client.")
	}
	return &Assertion{Client: client.ID, ID: a.ID, Until: a.Until()}, nil
}

// wrong tells what an assertion has wrong, "" when nothing.
func (p *Prover) wrong(client *clients.Client, c Asserted) string {
	now, lives := p.Clock(), maxAssertion
	if client.AuthAudience == "endpoint" {
		lives = oldAssertion
	}
	switch {
	case c.Issuer != client.ID || c.Subject != client.ID:
		return "The client assertion has to name the client as iss and sub."
	case !p.isAudience(client, c.Audience):
		return "The client assertion is made out to somebody else."
	case c.Expires == nil || c.Expires.Time().Before(now.Add(-jws.Leeway)):
		return "The client assertion has expired."
	case c.Expires.Time().After(now.Add(lives + jws.Leeway)):
		return "The client assertion lives for too long."
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(jws.Leeway)):
		return "The client assertion is not good yet."
	case c.Issued != nil && c.Issued.Time().After(now.Add(jws.Leeway)):
		return "The client assertion comes from the future."
	case c.ID == "" || len(c.ID) > 512:
		return "The client assertion needs a jti."
	}
	return ""
}

// isAudience tells whether the assertion is made out to us and nobody else. FAPI
// clients say the issuer as one text (FAPI 2.0 §5.3.2.1); older OpenID Connect ones
// may say the token endpoint, or a list, as OIDC Core §9 has it.
func (p *Prover) isAudience(client *clients.Client, raw json.RawMessage) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == p.Issuer || client.AuthAudience == "endpoint" && p.IsUs(one)
	}
	var many []string
	if client.AuthAudience != "endpoint" || json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return false
	}
	return !slices.ContainsFunc(many, func(aud string) bool { return !p.IsUs(aud) })
}

// IsUs tells whether an aud means us: the issuer, or an endpoint where assertions come.
func (p *Prover) IsUs(aud string) bool {
	return aud == p.Issuer || slices.Contains(p.Endpoints, aud)
}
