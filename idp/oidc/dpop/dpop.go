// Package dpop is RFC 9449 as a server of its endpoints sees it: whoever sends a proof
// with a request shows that they have a key.
//
//	dpop.go   Checker: is this a proof for this request, and did it not come before?
//	proof.go  what a proof says, and the signature under it
//	nonce.go  the nonce that proofs may have to carry
//
// What is tied to the key afterwards, codes and tokens, is for the caller.
package dpop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/wire"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// Checker checks the proofs that come with requests to our endpoints.
type Checker struct {
	Issuer string // where the endpoints are: a URL without a slash at its end
	MTLS   string // where they are as well; "" for nowhere
	Nonce  bool   // proofs have to carry a nonce of ours (§8)
	Once   once.Store
	Clock  clock.Clock
}

// proofFor is how long a proof is good.
const proofFor = time.Minute

// proofs is the purpose under which ids of proofs are remembered.
const proofs once.Purpose = "dpop_proof"

// ErrReplayed refuses a proof that came before. RFC 9449 §11.1.
var ErrReplayed = wire.Refuse("invalid_dpop_proof", "The DPoP proof was used before.").For(clients.ReasonProofReplayed)

// Proof is a proof that was accepted: whoever sent it has the key.
type Proof struct {
	Thumbprint string // of the key, RFC 7638; "jkt"
	jti        string
	until      time.Time
}

// Read reads and checks the DPoP header of a request to the endpoint at path, nil when
// there is none; its id is still to be remembered. token is the access token it has to be
// about, "" at endpoints that give one. Errors are *wire.Refusal. RFC 9449 §4.3.
func (c Checker) Read(w http.ResponseWriter, r *http.Request, path, token string) (*Proof, error) {
	headers := r.Header.Values("DPoP")
	if len(headers) == 0 {
		return nil, nil
	}
	if c.Nonce {
		w.Header().Set("DPoP-Nonce", c.nonce(c.Clock()))
	}
	if len(headers) > 1 {
		return nil, wire.Refuse("invalid_dpop_proof", "There is more than one DPoP header.")
	}
	said, refused := parse(headers[0])
	if refused == nil {
		refused = c.wrong(r, said, path, token)
	}
	if refused != nil {
		return nil, refused
	}
	if c.Nonce && !c.fresh(said.Nonce, c.Clock()) {
		return nil, wire.RefuseAs("use_dpop_nonce")
	}
	return &Proof{said.thumbprint, said.ID, said.Issued.Time().Add(proofFor + jws.Leeway)}, nil
}

// wrong tells what a proof has wrong for this request, nil when nothing.
func (c Checker) wrong(r *http.Request, said Claims, path, token string) *wire.Refusal {
	now, bad := c.Clock(), func(why string) *wire.Refusal { return wire.Refuse("invalid_dpop_proof", why) }
	switch {
	case said.ID == "" || len(said.ID) > maxJTI:
		return bad("The DPoP proof needs a jti.")
	case said.Method != r.Method:
		return bad("The DPoP proof is for another method.").For(clients.ReasonProofMethod)
	case !c.isHere(said.URL, path):
		return bad("The DPoP proof is for another URL.").For(clients.ReasonProofURL)
	case said.Issued == nil || said.Issued.Time().After(now.Add(jws.Leeway)) || now.Sub(said.Issued.Time()) > proofFor:
		return bad("The DPoP proof is not of this moment.").For(clients.ReasonClock)
	case said.Expires != nil && said.Expires.Time().Before(now.Add(-jws.Leeway)):
		return bad("The DPoP proof has expired.")
	case said.NotBefore != nil && said.NotBefore.Time().After(now.Add(jws.Leeway)):
		return bad("The DPoP proof is not good yet.")
	case token != "" && said.TokenHash != wholeHash(token):
		return bad("The DPoP proof is for another access token.")
	}
	return nil
}

// isHere tells whether the URL names our endpoint, at the issuer or where certificates
// are shown. Query and fragment do not count, nor how scheme, host and port are
// written. RFC 9449 §4.3, RFC 3986 §6.2.
func (c Checker) isHere(text, path string) bool {
	given, ok := normal(text)
	for _, base := range []string{c.Issuer, c.MTLS} {
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

// Remember notes the id of the proof, nil for none; one that came before proves nothing
// and gives ErrReplayed. The id counts per key: whoever has another cannot use it up.
func (c Checker) Remember(ctx context.Context, given *Proof, now time.Time) error {
	if given == nil {
		return nil
	}
	err := c.Once.Seen(ctx, proofs, given.Thumbprint+"\x00"+given.jti, given.until, now)
	if fault.Is(err, fault.Conflict) {
		return ErrReplayed
	}
	return err
}

// Challenge is the value of WWW-Authenticate that asks for a token with a proof; refused
// says what the last one had wrong, nil for nothing. RFC 9449 §7.1.
func Challenge(realm string, refused *wire.Refusal) string {
	text := `DPoP realm="` + realm + `", algs="` + strings.Join(Algs, " ") + `"`
	if refused != nil {
		text += `, error="` + refused.Code + `", error_description="` + refused.Why + `"`
	}
	return text
}
