package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// How a proof is bounded: in bytes, in time, and in the size of its key.
const (
	maxProof    = 8 << 10
	proofFor    = time.Minute
	minRSA      = 2048
	maxRSA      = 8192
	maxProofJTI = 512
)

// proofAlgs is what proofs may be signed with. FAPI 2.0 §5.4.1.
var proofAlgs = algorithms(clients.FAPI2Algs)

// proofs is the purpose under which ids of proofs are remembered.
const proofs once.Purpose = "dpop_proof"

// errProofReplayed refuses a proof that came before. RFC 9449 §11.1.
var errProofReplayed = wire.Refuse("invalid_dpop_proof", "The DPoP proof was used before.")

// proof is a DPoP proof that was accepted: whoever sent it has the key.
type proof struct {
	Thumbprint string // of the key, RFC 7638; "jkt"
	jti        string
	until      time.Time
}

// proofClaims is what a proof says. RFC 9449 §4.2.
type proofClaims struct {
	ID        string           `json:"jti"`
	Method    string           `json:"htm"`
	URL       string           `json:"htu"`
	Issued    *jwt.NumericDate `json:"iat"`
	TokenHash string           `json:"ath"`
	Nonce     string           `json:"nonce"`

	thumbprint string
}

// readProof reads and checks the DPoP header of a request to one of our endpoints, nil
// when there is none; its id is still to be remembered. token is the access token it
// has to be about, "" at endpoints that give one. RFC 9449 §4.3.
func (p *Provider) readProof(w http.ResponseWriter, r *http.Request, path, token string) (*proof, error) {
	headers := r.Header.Values("DPoP")
	if len(headers) == 0 {
		return nil, nil
	}
	if p.DPoPNonce {
		w.Header().Set("DPoP-Nonce", p.dpopNonce(p.Clock()))
	}
	if len(headers) > 1 {
		return nil, wire.Refuse("invalid_dpop_proof", "There is more than one DPoP header.")
	}
	claims, ok := parseProof(headers[0])
	if !ok {
		return nil, wire.RefuseAs("invalid_dpop_proof")
	}
	if why := p.wrongProof(r, claims, path, token); why != "" {
		return nil, wire.Refuse("invalid_dpop_proof", why)
	}
	if p.DPoPNonce && !p.freshNonce(claims.Nonce, p.Clock()) {
		return nil, wire.RefuseAs("use_dpop_nonce")
	}
	return &proof{claims.thumbprint, claims.ID, claims.Issued.Time().Add(proofFor + leeway)}, nil
}

// parseProof reads a proof and checks its signature with the key it carries.
func parseProof(text string) (c proofClaims, ok bool) {
	if text == "" || len(text) > maxProof {
		return proofClaims{}, false
	}
	token, err := jwt.ParseSigned(text, proofAlgs)
	if err != nil || len(token.Headers) != 1 || !ofType(token.Headers[0], "dpop+jwt") {
		return proofClaims{}, false
	}
	key := token.Headers[0].JSONWebKey
	if key == nil || !key.IsPublic() || !key.Valid() || !suits(key, token.Headers[0].Algorithm) {
		return proofClaims{}, false
	}
	if token.Claims(key.Key, &c) != nil {
		return proofClaims{}, false
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

// wrongProof tells what a proof has wrong for this request, "" when nothing.
func (p *Provider) wrongProof(r *http.Request, c proofClaims, path, token string) string {
	now := p.Clock()
	switch {
	case c.ID == "" || len(c.ID) > maxProofJTI:
		return "The DPoP proof needs a jti."
	case c.Method != r.Method:
		return "The DPoP proof is for another method."
	case !p.isHere(c.URL, path):
		return "The DPoP proof is for another URL."
	case c.Issued == nil || c.Issued.Time().After(now.Add(leeway)) || now.Sub(c.Issued.Time()) > proofFor:
		return "The DPoP proof is not of this moment."
	case token != "" && c.TokenHash != wholeHash(token):
		return "The DPoP proof is for another access token."
	}
	return ""
}

// isHere tells whether the URL names our endpoint, at the issuer or where certificates
// are shown. Query and fragment do not count, nor how scheme, host and port are
// written. RFC 9449 §4.3, RFC 3986 §6.2.
func (p *Provider) isHere(text, path string) bool {
	given, ok := normal(text)
	for _, base := range []string{p.Issuer, p.MTLS} {
		if want, known := normal(base + path); base != "" && ok && known && given == want {
			return true
		}
	}
	return false
}

func normal(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	return scheme + "://" + host + u.Path, true
}

// wholeHash is the SHA-256 of an access token, as proofs name it.
func wholeHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// rememberProof notes the id of the proof; one that came before proves nothing. The id
// counts per key: whoever has another cannot use it up.
func (p *Provider) rememberProof(ctx context.Context, given *proof, now time.Time) error {
	if given == nil {
		return nil
	}
	err := p.Once.Seen(ctx, proofs, given.Thumbprint+"\x00"+given.jti, given.until, now)
	if fault.Is(err, fault.Conflict) {
		return errProofReplayed
	}
	return err
}

// bindPushed ties a pushed request to a key: by the parameter dpop_jkt, by a proof, or
// by both if they agree. RFC 9449 §10.1.
func bindPushed(params url.Values, given *proof) error {
	if given == nil {
		return nil
	}
	if asked := params.Get("dpop_jkt"); asked != "" && asked != given.Thumbprint {
		return wire.Refuse("invalid_dpop_proof", "The dpop_jkt is not the key of the DPoP proof.")
	}
	params.Set("dpop_jkt", given.Thumbprint)
	return nil
}

// checkThumbprint wants dpop_jkt to be what it has to be. RFC 9449 §10.
func checkThumbprint(_ *Provider, a *authorization) error {
	jkt := a.params.Get("dpop_jkt")
	if a.params.Has("dpop_jkt") && (len(jkt) != 43 || strings.Trim(jkt, base64URL) != "") {
		return wire.Refuse("invalid_request", "The dpop_jkt is not a SHA-256 in base64url.")
	}
	return nil
}
