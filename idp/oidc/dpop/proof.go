package dpop

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/wire"
)

// How a proof is bounded, in bytes.
const (
	maxProof = 8 << 10
	maxJTI   = 512
)

// Algs is what proofs may be signed with. FAPI 2.0 §5.4.1.
var Algs = clients.FAPI2Algs

// accepted is the same for go-jose.
var accepted = jws.Algorithms(Algs)

// Claims is what a proof says. RFC 9449 §4.2. Its time is in iat; an exp or nbf beside it
// counts all the same (RFC 7519 §4.1.4, §4.1.5).
type Claims struct {
	ID        string           `json:"jti"`
	Method    string           `json:"htm"`
	URL       string           `json:"htu"`
	Issued    *jwt.NumericDate `json:"iat"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	TokenHash string           `json:"ath"`
	Nonce     string           `json:"nonce"`

	thumbprint string // of the key it carries
}

// parse reads a proof and checks its signature with the key it carries, which is neither
// weak nor so large that checking it is work.
func parse(text string) (c Claims, refused *wire.Refusal) {
	unread := wire.RefuseAs("invalid_dpop_proof")
	if text == "" || len(text) > maxProof {
		return Claims{}, unread
	}
	token, err := jwt.ParseSigned(text, accepted)
	if err != nil || len(token.Headers) != 1 || !jws.OfType(token.Headers[0], "dpop+jwt") {
		return Claims{}, unread
	}
	key := token.Headers[0].JSONWebKey
	if key == nil || !key.IsPublic() || !key.Valid() {
		return Claims{}, unread
	}
	if why, signed := jws.Signed(token, []jose.JSONWebKey{*key}, unread.Why); !signed {
		return Claims{}, wire.Refuse("invalid_dpop_proof", why)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil || token.UnsafeClaimsWithoutVerification(&c) != nil { // the signature is right
		return Claims{}, unread
	}
	c.thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	return c, nil
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
