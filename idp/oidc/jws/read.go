package jws

import (
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
)

// MaxToken bounds a JWT from a stranger before anything is decoded (CVE-2025-27144).
const MaxToken = 8 << 10

// Leeway is how much the clock of who made a JWT may differ from ours. FAPI 2.0 §5.3.2.1:
// up to 10 s ahead has to be accepted, more than 60 s refused.
const Leeway = 10 * time.Second

// Algorithms gives the names as go-jose has them: what it reads is signed with one of them.
func Algorithms(names []string) []jose.SignatureAlgorithm {
	algs := make([]jose.SignatureAlgorithm, len(names))
	for i, name := range names {
		algs[i] = jose.SignatureAlgorithm(name)
	}
	return algs
}

// OfType tells whether the header names the type, so that no other JWT of ours can
// stand in for an ID token (RFC 8725 §3.11). It is a media type: "application/" may
// stand before it, and capitals are the same (RFC 7515 §4.1.9, RFC 2045 §5.1).
func OfType(h jose.Header, want string) bool {
	const above = "application/"
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	if len(typ) > len(above) && strings.EqualFold(typ[:len(above)], above) {
		typ = typ[len(above):]
	}
	return strings.EqualFold(typ, want)
}

// NoneOrOfType tells whether the header names the type, or none: no typ, or JWT, which is
// what most libraries write into every JWT (RFC 7519 §5.1). It is for what was signed long
// before its type was specified.
func NoneOrOfType(h jose.Header, want string) bool {
	_, named := h.ExtraHeaders[jose.HeaderType]
	return !named || OfType(h, "JWT") || OfType(h, want)
}

// trials is how many keys are tried on a signature, which costs time: of those that could
// have made it. Who has more than these has to name one by its kid (OIDC Core §10.1).
const trials = 8

// BadLength refuses a signature for nothing but the length of the key.
const BadLength = "The RSA key of the signature has to have 2048 to 8192 bits."

// Signed tells whether one of the keys made the signature that are for that
// (clients.Verifies). If none did it says why: BadLength when there is a key that is never
// used for its length, else what the caller says.
func Signed(token *jwt.JSONWebToken, keys []jose.JSONWebKey, otherwise string) (why string, signed bool) {
	alg, tried := token.Headers[0].Algorithm, 0
	byRSA := alg == "RS256" || alg == "PS256"
	why = otherwise
	for _, key := range keys {
		switch {
		case tried < trials && clients.Verifies(key, alg):
			tried++
			if token.Claims(key.Key) == nil {
				return "", true
			}
		case byRSA && clients.BadLength(key.Key) != "":
			why = BadLength
		}
	}
	return why, false
}

// By is Signed for those who search for the key: it tells whether one of the keys made the
// signature, and what why says goes on being the reason if none did.
func By(token *jwt.JSONWebToken, why *string) func(keys []jose.JSONWebKey) bool {
	return func(keys []jose.JSONWebKey) (signed bool) {
		*why, signed = Signed(token, keys, *why)
		return signed
	}
}
