package oidc

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jwks"
)

// assertionType is the only client_assertion_type. RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// How exact a client's clock and lifetimes have to be. FAPI 2.0 §5.3.2.1: up to 10 s
// ahead has to be accepted, more than 60 s refused.
const (
	leeway       = 10 * time.Second
	maxAssertion = 5 * time.Minute
	oldAssertion = time.Hour // what Authlib makes; for clients that name the endpoint

	// remembered is how much longer than it is good an assertion is remembered: a request
	// that brings it again may be on its way when it ceases to be, or at a node that is
	// behind.
	remembered = time.Minute
)

// assertionAlgs is what a client may sign with: no algorithm with a shared secret,
// and no "none".
var assertionAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.RS256, jose.EdDSA}

// assertion is a proof that was accepted, to be remembered until it is void anyway.
type assertion struct {
	client, jti string
	until       time.Time
}

// asserted is what a client assertion says. RFC 7523 §3.
type asserted struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  json.RawMessage  `json:"aud"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Issued    *jwt.NumericDate `json:"iat"`
	ID        string           `json:"jti"`

	token *jwt.JSONWebToken // to be verified with the keys of the client it names
}

// parseAssertion reads a client assertion without trusting it yet.
func parseAssertion(text string) (a asserted, ok bool) {
	a, ok = parseAsserted(text)
	return a, ok && a.Issuer == a.Subject
}

// parseAsserted reads what an assertion says, whoever it is about.
func parseAsserted(text string) (a asserted, ok bool) {
	if text == "" || len(text) > maxToken {
		return asserted{}, false
	}
	token, err := jwt.ParseSigned(text, assertionAlgs)
	if err != nil || len(token.Headers) != 1 || token.UnsafeClaimsWithoutVerification(&a) != nil {
		return asserted{}, false
	}
	a.token = token
	return a, a.Issuer != "" && a.Subject != ""
}

// verifyAssertion checks a client assertion with the client's keys.
func (p *Provider) verifyAssertion(ctx context.Context, client *clients.Client, a asserted) (*assertion, error) {
	header := a.token.Headers[0]
	if client.AuthAlg != "" && header.Algorithm != client.AuthAlg || client.FAPI() && !slices.Contains(clients.FAPI2Algs, header.Algorithm) {
		return nil, refuse("invalid_client", "The client assertion is signed with another algorithm than registered.")
	}
	if why := p.wrong(client, a); why != "" {
		return nil, refuse("invalid_client", why)
	}
	keys, err := p.keysOf(ctx, client, header.KeyID)
	if err != nil {
		return nil, refuse("invalid_client", "The keys of the client could not be had.").because(err)
	}
	for _, key := range keys {
		if key.Use == "enc" || key.Algorithm != "" && key.Algorithm != header.Algorithm || !key.IsPublic() {
			continue
		}
		if a.token.Claims(key.Key) == nil {
			return &assertion{client: client.ID, jti: a.ID, until: a.Expires.Time().Add(leeway + remembered)}, nil
		}
	}
	return nil, refuse("invalid_client", "The client assertion is not signed with a key of the client.")
}

// wrong tells what an assertion has wrong, "" when nothing.
func (p *Provider) wrong(client *clients.Client, c asserted) string {
	now, lives := p.Clock(), maxAssertion
	if client.AuthAudience == "endpoint" {
		lives = oldAssertion
	}
	switch {
	case c.Issuer != client.ID || c.Subject != client.ID:
		return "The client assertion has to name the client as iss and sub."
	case !p.isAudience(client, c.Audience):
		return "The client assertion is made out to somebody else."
	case c.Expires == nil || c.Expires.Time().Before(now.Add(-leeway)):
		return "The client assertion has expired."
	case c.Expires.Time().After(now.Add(lives + leeway)):
		return "The client assertion lives for too long."
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(leeway)):
		return "The client assertion is not good yet."
	case c.Issued != nil && c.Issued.Time().After(now.Add(leeway)):
		return "The client assertion comes from the future."
	case c.ID == "" || len(c.ID) > 512:
		return "The client assertion needs a jti."
	}
	return ""
}

// isAudience tells whether the assertion is made out to us and nobody else. FAPI
// clients say the issuer as one text (FAPI 2.0 §5.3.2.1); older OpenID Connect ones
// may say the token endpoint, or a list, as OIDC Core §9 has it.
func (p *Provider) isAudience(client *clients.Client, raw json.RawMessage) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == p.Issuer || client.AuthAudience == "endpoint" && p.isEndpoint(one)
	}
	var many []string
	if client.AuthAudience != "endpoint" || json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return false
	}
	return !slices.ContainsFunc(many, func(aud string) bool { return !p.isEndpoint(aud) })
}

func (p *Provider) isEndpoint(aud string) bool {
	return aud == p.Issuer || aud == p.Issuer+pathToken || aud == p.Issuer+pathPushed
}

// keysOf gives the client's keys that may have made a signature with that kid.
func (p *Provider) keysOf(ctx context.Context, client *clients.Client, kid string) ([]jose.JSONWebKey, error) {
	if client.JWKS != nil {
		return jwks.Named(client.JWKS, kid), nil
	}
	return p.remote.Keys(ctx, client.JWKSURI, kid, func() error { return p.mayFetch(ctx, fetchesKeys, client.ID) })
}
