package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/shared/secret"
)

const accessTokenTyp = "at+jwt"

// accessTokens is the purpose that opaque ones are sealed for.
const accessTokens = "access token"

// clientsBetween is the purpose that the clients are sealed for which a JWT came through:
// one that acts as another is named nowhere, and no resource learns of it by the token.
const clientsBetween = "clients between"

// mint makes the access token of a request, which has found out what it is for.
func (p *Provider) mint(ctx context.Context, w *work, about *session) (text string, err error) {
	w.access = secret.NewID()
	if w.grant == "" && !w.machine {
		w.grant = w.access // a grant that nothing led to but this token
	}
	now := p.Clock()
	if w.target.Format == clients.JWT {
		text, err = p.mintJWT(ctx, w, about, now)
	} else {
		t := grants.AccessToken{ID: w.access, Grant: w.grant, Issued: now.UnixMicro(), Expires: now.Add(w.accessLives(p)).UnixMicro(), Bound: w.bound}
		if w.machine {
			t.Client, t.Since, t.LogIn = w.client.ID, registeredAt(w.client.Client), &about.LogIn
		}
		if w.machine || !w.target.Plain(w.scopes) {
			t.Target = w.target
		}
		text, err = p.seal(ctx, t)
	}
	if len(text) > target.Longest(w.target.Format) { // several resources at once, for one
		return "", target.ErrTooLong
	}
	w.accessText = text
	return text, err
}

func (p *Provider) seal(ctx context.Context, t grants.AccessToken) (string, error) {
	plain, err := t.Encode()
	if err != nil {
		return "", err
	}
	return p.sealing.Make(ctx, accessTokens, t.ID, plain)
}

func (p *Provider) mintJWT(ctx context.Context, w *work, about *session, now time.Time) (string, error) {
	t := w.target
	claims := tokens.AccessToken{
		Issuer: p.Issuer, Subject: about.Subject, Audience: p.audienceOf(*t), Client: w.client.ID,
		Expires: now.Add(t.Lives).Unix(), Issued: now.Unix(), ID: w.access,
		Scope: strings.Join(t.Scopes, " "), AuthTime: unix(about.AuthTime), ACR: about.ACR, AMR: about.AMR,
		Details: t.Details, Actor: about.Actor, MayAct: mayAct(w.client.Client), Bound: w.bound, Grant: w.grant,
	}
	if w.machine {
		claims.From = about.From
		var err error
		if claims.Through, err = p.sealThrough(ctx, w.access, about.Through); err != nil {
			return "", err
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return p.signer.SignUnique(ctx, clients.AccessTokenAlg, accessTokenTyp, payload) // its jti
}

// sealThrough gives the clients that the JWT of that id came through as nobody else can
// read them; "" for none.
func (p *Provider) sealThrough(ctx context.Context, id string, through []string) (string, error) {
	if len(through) == 0 {
		return "", nil
	}
	plain, err := json.Marshal(through)
	if err != nil {
		return "", err
	}
	return p.sealing.Make(ctx, clientsBetween, id, plain)
}

// openThrough reads it again; fault.NotFound when it was not sealed for that token.
func (p *Provider) openThrough(ctx context.Context, id, sealed string) (through []string, err error) {
	if sealed == "" {
		return nil, nil
	}
	of, plain, err := p.sealing.Open(ctx, clientsBetween, sealed)
	if err != nil {
		return nil, err
	}
	if of != id {
		return nil, grants.Unknown()
	}
	return through, json.Unmarshal(plain, &through)
}

// readAccess reads an access token of ours, of either form. It gives fault.NotFound for
// everything else; whether the token is still good is for the caller to find out.
func (p *Provider) readAccess(ctx context.Context, given string) (t grants.AccessToken, err error) {
	if strings.Count(given, ".") == 2 {
		return p.readAccessJWT(ctx, given)
	}
	id, plain, err := p.sealing.Open(ctx, accessTokens, given)
	if err != nil {
		return grants.AccessToken{}, err
	}
	t.ID = id
	return t, t.Decode(plain)
}

// readAccessJWT is readAccess for one that a key of ours signed, also a retired one. One
// that says nothing of a grant is of a client that acts for itself. If it tells of a log-in
// all the same, nobody can say whether that goes on, or was taken back.
func (p *Provider) readAccessJWT(ctx context.Context, given string) (grants.AccessToken, error) {
	if len(given) > jws.MaxToken || !spelledAsMade(given) {
		return grants.AccessToken{}, grants.Unknown()
	}
	token, err := jwt.ParseSigned(given, []jose.SignatureAlgorithm{clients.AccessTokenAlg})
	if err != nil || len(token.Headers) != 1 || !jws.OfType(token.Headers[0], accessTokenTyp) {
		return grants.AccessToken{}, grants.Unknown()
	}
	key, ok := p.Keys.Public(token.Headers[0].KeyID)
	if !ok || key.Algorithm != clients.AccessTokenAlg {
		return grants.AccessToken{}, grants.Unknown()
	}
	var c tokens.AccessToken
	if err := token.Claims(key.Key, &c); err != nil || c.Issuer != p.Issuer || !secret.IsID(c.ID) || c.Grant == "" && c.AuthTime != 0 {
		return grants.AccessToken{}, grants.Unknown()
	}
	t := grants.AccessToken{
		ID: c.ID, Grant: c.Grant, Issued: c.Issued * 1e6, Expires: c.Expires * 1e6, Bound: c.Bound,
		Target: &target.Target{Scopes: strings.Fields(c.Scope), Details: c.Details},
	}
	if !(len(c.Audience) == 1 && c.Audience[0] == p.Issuer) {
		t.Target.Audience = c.Audience
	}
	if c.Grant == "" {
		through, err := p.openThrough(ctx, c.ID, c.Through)
		if err != nil {
			return grants.AccessToken{}, err
		}
		t.Client, t.LogIn = c.Client, &grants.LogIn{Subject: c.Subject, ACR: c.ACR, AMR: c.AMR, Actor: c.Actor, From: c.From, Through: through}
	}
	return t, nil
}

// spelledAsMade tells whether each part of a JWT is the base64 that we would write: the
// usual readers pass over the last bits and over line ends, and a token has one spelling.
func spelledAsMade(given string) bool {
	for part := range strings.SplitSeq(given, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return false
		}
	}
	return !strings.ContainsAny(given, "\r\n")
}

// audienceOf is whom the target names; without a resource that is us.
func (p *Provider) audienceOf(t target.Target) tokens.Audience {
	if len(t.Audience) == 0 {
		return tokens.Audience{p.Issuer}
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

// accessLives is how long the new access token is good.
func (w *work) accessLives(p *Provider) time.Duration {
	if w.target == nil || w.target.Lives <= 0 {
		return p.Lifetimes.Access
	}
	return w.target.Lives
}
