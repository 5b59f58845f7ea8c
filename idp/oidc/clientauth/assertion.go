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

// twoNames is what it says where iss and sub are not both the client.
const twoNames = "The client assertion has to name the client as iss and sub."

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
	if !jws.NoneOrOfType(header, "client-authentication+jwt") { // RFC 8725 §3.11
		return nil, wire.Refuse("invalid_client", "The client assertion has the typ of another kind of JWT.")
	}
	if refused := p.wrong(client, a); refused != nil {
		return nil, refused
	}
	why := "The client assertion is not signed with a key of the client."
	signed, err := p.SearchKeys(ctx, client, header.KeyID, jws.By(a.Token, &why))
	if err != nil {
		return nil, wire.Refuse("invalid_client", "The keys of the client could not be had.").Because(err)
	}
	if !signed {
		return nil, wire.Refuse("invalid_client", why)
	}
	return &Assertion{Client: client.ID, ID: a.ID, Until: a.Until()}, nil
}

// wrong tells what an assertion has wrong, nil when nothing. What a clock that is wrong may
// lead to has that for a reason.
func (p *Prover) wrong(client *clients.Client, c Asserted) *wire.Refusal {
	bad := func(why string, reason clients.Reason) *wire.Refusal {
		return wire.Refuse("invalid_client", why).For(reason)
	}
	now, lives, tooLong := p.Clock(), maxAssertion, "The client assertion lives for too long: five minutes are the most."
	if client.AuthAudience == "endpoint" {
		lives, tooLong = oldAssertion, "The client assertion lives for too long: an hour is the most."
	}
	switch {
	case c.Issuer != client.ID || c.Subject != client.ID:
		return bad(twoNames, "")
	case !p.Takes(client.AuthAudience, c.Audience):
		return bad("The client assertion is made out to somebody else.", clients.ReasonAudience)
	case c.Expires == nil:
		return bad("The client assertion needs an exp.", "")
	case c.Expires.Time().Before(now.Add(-jws.Leeway)):
		return bad("The client assertion has expired.", clients.ReasonClock)
	case c.Expires.Time().After(now.Add(lives + jws.Leeway)):
		return bad(tooLong, clients.ReasonClock)
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(jws.Leeway)):
		return bad("The client assertion is not good yet.", clients.ReasonClock)
	case c.Issued != nil && c.Issued.Time().After(now.Add(jws.Leeway)):
		return bad("The client assertion comes from the future.", clients.ReasonClock)
	case c.ID == "" || len(c.ID) > 512:
		return bad("The client assertion needs a jti.", "")
	}
	return nil
}

// Takes tells whether an aud means us and nobody else, for a client with that
// token_endpoint_auth_audience. FAPI clients say the issuer as one text (FAPI 2.0
// §5.3.2.1); older OpenID Connect ones, which are registered for "endpoint", may say the
// token endpoint, or a list, as OIDC Core §9 has it.
func (p *Prover) Takes(setting string, aud json.RawMessage) bool {
	var one string
	if json.Unmarshal(aud, &one) == nil {
		return one == p.Issuer || setting == "endpoint" && p.IsUs(one)
	}
	var many []string
	if setting != "endpoint" || json.Unmarshal(aud, &many) != nil || len(many) == 0 {
		return false
	}
	return !slices.ContainsFunc(many, func(aud string) bool { return !p.IsUs(aud) })
}

// Audiences are the values of aud that Takes accepts, each by itself.
func (p *Prover) Audiences(setting string) []string {
	if setting == "endpoint" {
		return append([]string{p.Issuer}, p.Endpoints...)
	}
	return []string{p.Issuer}
}

// IsUs tells whether an aud means us: the issuer, or an endpoint where assertions come.
func (p *Prover) IsUs(aud string) bool {
	return aud == p.Issuer || slices.Contains(p.Endpoints, aud)
}
