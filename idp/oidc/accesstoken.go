package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"tegata/idp/clients"
	"tegata/shared/secret"
)

// accessClaims is what an access token in JWT form says. RFC 9068 §2.2.
type accessClaims struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience audience     `json:"aud"`
	Client   string       `json:"client_id"`
	Expires  int64        `json:"exp"`
	Issued   int64        `json:"iat"`
	ID       string       `json:"jti"`
	Scope    string       `json:"scope,omitempty"`
	AuthTime int64        `json:"auth_time,omitempty"`
	ACR      string       `json:"acr,omitempty"`
	AMR      []string     `json:"amr,omitempty"`
	Details  details      `json:"authorization_details,omitempty"`
	Actor    *actor       `json:"act,omitempty"`
	MayAct   *actor       `json:"may_act,omitempty"` // RFC 8693 §4.4
	Bound    confirmation `json:"cnf,omitzero"`      // RFC 7800 §3.1
}

// audience is a text when there is one and a list when there are more. RFC 7519 §4.1.3.
type audience []string

// MarshalJSON writes it.
func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// actor is through whom a token went on its way. RFC 8693 §4.1.
type actor struct {
	Subject string `json:"sub"`
	Client  string `json:"client_id,omitempty"`
	Actor   *actor `json:"act,omitempty"` // before that
}

// accessTokenAlg signs access tokens in JWT form: resource servers of ours read them,
// and all of them can (RFC 9068 §2.1 asks for RS256 of servers in general).
const accessTokenAlg = "ES256"

// mint makes the access token of a request and notes it for the row that redeem
// writes. A JWT has a row as well, so that introspection, userinfo and revocation know
// it like any other.
func (p *Provider) mint(ctx context.Context, w *work, about *session) (string, error) {
	w.access, w.accessText = secret.NewToken(), ""
	t := w.target
	if t.format != clients.JWT {
		return w.access.String(), nil
	}
	now := p.Clock()
	payload, err := json.Marshal(accessClaims{
		Issuer: p.Issuer, Subject: about.Subject, Audience: p.audienceOf(*t), Client: w.client.ID,
		Expires: now.Add(t.lives).Unix(), Issued: now.Unix(), ID: w.access.ID,
		Scope: strings.Join(t.Scopes, " "), AuthTime: unix(about.AuthTime), ACR: about.ACR, AMR: about.AMR,
		Details: t.Details, Actor: about.Actor, MayAct: mayAct(&w.client.Client), Bound: w.bound,
	})
	if err != nil {
		return "", err
	}
	w.accessText, err = p.signer.Sign(ctx, accessTokenAlg, "at+jwt", payload)
	return w.accessText, err
}

// audienceOf is whom the target names; without a resource that is us.
func (p *Provider) audienceOf(t target) audience {
	if len(t.Audience) == 0 {
		return audience{p.Issuer}
	}
	return t.Audience
}

// unix is a time in seconds; 0, which is left out, for none.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// accessString is the new access token as the client gets it.
func (w *work) accessString() string {
	if w.accessText != "" {
		return w.accessText
	}
	return w.access.String()
}

// accessDigest is what the row of a new access token keeps.
func (w *work) accessDigest() []byte {
	if w.accessText != "" {
		return secret.Digest(w.accessText)
	}
	return secret.Digest(w.access.Secret)
}

// accessLives is how long the new access token is good.
func (w *work) accessLives(p *Provider) time.Duration {
	if w.target == nil || w.target.lives <= 0 {
		return p.Lifetimes.Access
	}
	return w.target.lives
}

// readToken tells by which row a token is known and what digest the row must have; ok
// is false when it cannot be one of ours. A JWT's signature is not looked at: the
// digest of the whole text shows that we made it, letter by letter.
func readToken(given string) (id string, digest []byte, ok bool) {
	if t, ok := secret.ParseToken(given); ok {
		return t.ID, secret.Digest(t.Secret), true
	}
	if len(given) > maxToken || strings.Count(given, ".") != 2 {
		return "", nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(given, ".")[1])
	if err != nil {
		return "", nil, false
	}
	var claims struct {
		ID string `json:"jti"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return "", nil, false
	}
	if u, err := uuid.Parse(claims.ID); err != nil || u.String() != claims.ID {
		return "", nil, false
	}
	return claims.ID, secret.Digest(given), true
}
