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

// BadLength refuses a signature for nothing but the length of the key.
const BadLength = "The RSA key of the signature has to have 2048 to 8192 bits."

// Unsigned tells why the signature does not count: "" when one of the keys made it that is
// for that (clients.Verifies), BadLength when there is a key, and it is one that is never
// used for its length, and otherwise unsigned, which is for the caller to word.
func Unsigned(token *jwt.JSONWebToken, keys []jose.JSONWebKey, unsigned string) string {
	alg := token.Headers[0].Algorithm
	byRSA := alg == "RS256" || alg == "PS256"
	for _, key := range keys {
		switch {
		case clients.Verifies(key, alg) && token.Claims(key.Key) == nil:
			return ""
		case byRSA && clients.BadLength(key.Key) != "":
			unsigned = BadLength
		}
	}
	return unsigned
}
