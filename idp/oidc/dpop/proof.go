package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
)

// How a proof is bounded: in bytes, and in the size of its key.
const (
	maxProof = 8 << 10
	maxJTI   = 512
	minRSA   = 2048
	maxRSA   = 8192
)

// Algs is what proofs may be signed with. FAPI 2.0 §5.4.1.
var Algs = clients.FAPI2Algs

// accepted is the same for go-jose.
var accepted = jws.Algorithms(Algs)

// Claims is what a proof says. RFC 9449 §4.2.
type Claims struct {
	ID        string           `json:"jti"`
	Method    string           `json:"htm"`
	URL       string           `json:"htu"`
	Issued    *jwt.NumericDate `json:"iat"`
	TokenHash string           `json:"ath"`
	Nonce     string           `json:"nonce"`

	thumbprint string // of the key it carries
}

// parse reads a proof and checks its signature with the key it carries.
func parse(text string) (c Claims, ok bool) {
	if text == "" || len(text) > maxProof {
		return Claims{}, false
	}
	token, err := jwt.ParseSigned(text, accepted)
	if err != nil || len(token.Headers) != 1 || !jws.OfType(token.Headers[0], "dpop+jwt") {
		return Claims{}, false
	}
	key := token.Headers[0].JSONWebKey
	if key == nil || !key.IsPublic() || !key.Valid() || !suits(key, token.Headers[0].Algorithm) {
		return Claims{}, false
	}
	if token.Claims(key.Key, &c) != nil {
		return Claims{}, false
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	c.thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	return c, err == nil
}

// suits tells whether the key is one for the algorithm, neither weak nor so large that
// checking it is work.
func suits(key *jose.JSONWebKey, alg string) bool {
	switch k := key.Key.(type) {
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return alg == "PS256" && k.N.BitLen() >= minRSA && k.N.BitLen() <= maxRSA
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// Said reads the DPoP proof of a request without checking it, empty when there is
// none that can be read.
func Said(r *http.Request) (c Claims) {
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if len(parts) != 3 || len(parts[1]) > maxProof {
		return Claims{}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &c) != nil {
		return Claims{}
	}
	return c
}
