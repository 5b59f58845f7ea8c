package oidc

import (
	"context"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"tegata/idp/accounts"
	"tegata/idp/connections"
	"tegata/idp/oidc/jws"
	"tegata/shared/fault"
)

// hint is an ID token of ours that somebody brought back.
type hint struct {
	Subject, SID string
	Grant        string // that it was given with, "" for none
	Clients      []string
	ExpiresAt    time.Time // zero when it does not say
	AuthTime     int64     // seconds; 0 when it does not say
}

// readHint verifies an id_token_hint: signed by one of our keys, also a retired one,
// for this issuer. It may have expired long ago (OIDC Core §3.1.2.1, RP-Initiated
// Logout §4).
func (p *Provider) readHint(text string, now time.Time) (hint, bool) {
	if text == "" || len(text) > jws.MaxToken {
		return hint{}, false
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil || len(token.Headers) != 1 {
		return hint{}, false
	}
	header := token.Headers[0]
	key, ok := p.Keys.Public(header.KeyID)
	if !ok || key.Algorithm != header.Algorithm || !jws.OfType(header, "JWT") {
		return hint{}, false
	}
	var claims struct {
		jwt.Claims
		SID      string `json:"sid"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := token.Claims(key.Key, &claims); err != nil {
		return hint{}, false
	}
	if claims.Issuer != p.Issuer || claims.Subject == "" || len(claims.Audience) == 0 {
		return hint{}, false
	}
	if claims.IssuedAt == nil || claims.IssuedAt.Time().After(now.Add(jws.Leeway)) {
		return hint{}, false
	}
	h := hint{Subject: claims.Subject, SID: claims.SID, Clients: claims.Audience, AuthTime: claims.AuthTime}
	h.Grant, _, _ = strings.Cut(claims.ID, ".")
	if claims.Expiry != nil {
		h.ExpiresAt = claims.Expiry.Time()
	}
	return h, true
}

// sessionOf gives the session that a hint comes from, "" when it cannot be told: the one
// that it names, or for a client that is not told sids the one of the same person with
// the same moment of authentication, if there is one such. It has to have let in the
// client that the hint was made for.
func (p *Provider) sessionOf(ctx context.Context, h hint) (sid string, err error) {
	if len(h.Clients) != 1 {
		return "", nil
	}
	candidates := []string{h.SID}
	if h.SID == "" {
		if candidates, err = p.sessionsAt(ctx, h); err != nil {
			return "", err
		}
	}
	if len(candidates) != 1 || uuid.Validate(candidates[0]) != nil {
		return "", nil
	}
	knows, err := connections.Knows(ctx, p.DB, candidates[0], connections.Member{ClientID: h.Clients[0], Subject: h.Subject})
	if err != nil || !knows {
		return "", err
	}
	return candidates[0], nil
}

// sessionsAt gives the person's sessions that began, or were renewed, in the second that
// the hint says.
func (p *Provider) sessionsAt(ctx context.Context, h hint) (ids []string, err error) {
	client, err := p.Clients.ByID(ctx, h.Clients[0])
	var account accounts.Account
	if err == nil {
		account, err = p.accountOf(ctx, client, h.Subject)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := p.Sessions.OfAccount(ctx, account.ID)
	for _, one := range all {
		if one.AuthTime.Unix() == h.AuthTime {
			ids = append(ids, one.ID)
		}
	}
	return ids, err
}
