package jws

import (
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
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

// SignedBy tells whether one of the keys made the signature: a public one that is not for
// encrypting, nor for another algorithm. RFC 7517 §4.2, §4.4.
func SignedBy(token *jwt.JSONWebToken, keys []jose.JSONWebKey) bool {
	alg := token.Headers[0].Algorithm
	return slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool {
		usable := key.Use != "enc" && (key.Algorithm == "" || key.Algorithm == alg) && key.IsPublic()
		return usable && token.Claims(key.Key) == nil
	})
}
