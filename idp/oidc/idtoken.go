package oidc

import (
	"context"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/tokens"
)

// GenerateIDToken makes the ID token in the client's algorithm. fosite's own knows
// one key, checks what checks.go has checked, by the machine's clock, and writes
// private claims.
func (s strategy) GenerateIDToken(ctx context.Context, lives time.Duration, r fosite.Requester) (string, error) {
	about, client := r.GetSession().(*session), workOf(ctx).client
	claims := s.p.idTokenClaims(client.Client, about, workOf(ctx).grant, lives)
	if about.claims.AccessTokenHash != "" { // then fosite gave an access token along
		claims.AccessHash = tokens.LeftHash(client.IDTokenAlg, workOf(ctx).accessText)
	}
	if err := s.p.addSingles(ctx, &claims, client.Client, about, nil); err != nil {
		return "", err
	}
	text, err := s.p.sign(ctx, client.IDTokenAlg, "JWT", claims)
	if err != nil {
		return "", err
	}
	return s.p.encrypted(ctx, client.Client, client.IDTokenEncryption(), text)
}

// idTokenClaims is what every ID token about that log-in says. The session's name is
// for clients that are told of its end: all others could only use it to find out
// together that they have the same person before them, pairwise subjects or not. The jti
// begins with the grant that it is given with, "" for none: see bringIDToken.
func (p *Provider) idTokenClaims(client *clients.Client, about *session, grant string, lives time.Duration) tokens.IDToken {
	now := p.Clock()
	claims := tokens.IDToken{
		Issuer: p.Issuer, Subject: about.Subject, Audience: client.ID,
		Expires: now.Add(lives).Unix(), Issued: now.Unix(), AuthTime: about.AuthTime.Unix(),
		Nonce: about.Nonce, ACR: about.ACR, AMR: about.AMR, MayAct: mayAct(client),
	}
	if client.HearsOfLogouts() {
		claims.SID = about.SID
	}
	if grant != "" {
		claims.ID = grant + "." + strconv.FormatInt(now.UnixMicro(), 36) // several may be given with one
	}
	return claims
}

// addSingles puts the claims about the person into the ID token that were asked for there
// one by one, and more.
func (p *Provider) addSingles(ctx context.Context, token *tokens.IDToken, client *clients.Client, about *session, more []string) error {
	names, err := p.singles(ctx, client, about.AccountID, about.IDToken)
	if names = append(names, more...); err != nil || len(names) == 0 {
		return err
	}
	account, err := p.Accounts.ByID(ctx, about.AccountID)
	if err == nil {
		token.More = claims.Set{}.Pick(&account, names)
	}
	return err
}

// sign makes an ID token of the claims.
func (p *Provider) sign(ctx context.Context, alg, typ string, claims tokens.IDToken) (string, error) {
	payload, err := object.Marshal(claims)
	if err != nil {
		return "", err
	}
	if claims.AccessHash != "" { // of a token that was made for this answer
		return p.signer.SignUnique(ctx, alg, typ, payload)
	}
	return p.signer.Sign(ctx, alg, typ, payload)
}
