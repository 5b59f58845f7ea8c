package oidc

import (
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxToken bounds a JWT from a stranger before anything is decoded (CVE-2025-27144).
const maxToken = 8 << 10

// hint is an ID token of ours that somebody brought back.
type hint struct {
	Subject, SID string
	Clients      []string
	ExpiresAt    time.Time // zero when it does not say
}

// readHint verifies an id_token_hint: signed by one of our keys, also a retired one,
// for this issuer. It may have expired long ago (OIDC Core §3.1.2.1, RP-Initiated
// Logout §4).
func (p *Provider) readHint(text string, now time.Time) (hint, bool) {
	if text == "" || len(text) > maxToken {
		return hint{}, false
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil || len(token.Headers) != 1 {
		return hint{}, false
	}
	header := token.Headers[0]
	key, ok := p.Keys.Public(header.KeyID)
	if !ok || key.Algorithm != header.Algorithm || !ofType(header, "JWT") {
		return hint{}, false
	}
	var claims struct {
		jwt.Claims
		SID string `json:"sid"`
	}
	if err := token.Claims(key.Key, &claims); err != nil {
		return hint{}, false
	}
	if claims.Issuer != p.Issuer || claims.Subject == "" || len(claims.Audience) == 0 {
		return hint{}, false
	}
	if claims.IssuedAt == nil || claims.IssuedAt.Time().After(now.Add(leeway)) {
		return hint{}, false
	}
	h := hint{Subject: claims.Subject, SID: claims.SID, Clients: claims.Audience}
	if claims.Expiry != nil {
		h.ExpiresAt = claims.Expiry.Time()
	}
	return h, true
}

// ofType tells whether the header names the type, so that no other JWT of ours can
// stand in for an ID token (RFC 8725 §3.11). It is a media type: "application/" may
// stand before it, and capitals are the same (RFC 7515 §4.1.9, RFC 2045 §5.1).
func ofType(h jose.Header, want string) bool {
	const above = "application/"
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	if len(typ) > len(above) && strings.EqualFold(typ[:len(above)], above) {
		typ = typ[len(above):]
	}
	return strings.EqualFold(typ, want)
}
