package oidc

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
)

// bind decides what the tokens of a token request are tied to: the key that was proved
// with it. It refuses clients that have to prove one, and codes and refresh tokens
// that are tied to another one. RFC 9449 §5, §10; RFC 8705 §3, §7.1.
func (p *Provider) bind(w *work) error {
	client := w.client
	switch {
	case client.DPoPBound && w.proof == nil:
		return wire.Refuse("invalid_dpop_proof", "The client has to prove its key: the header DPoP is missing.")
	case client.CertificateBound && w.certificate == nil:
		return wire.Refuse("invalid_request", "The client has to show its certificate.")
	}
	if w.proof != nil {
		w.bound.JKT = w.proof.Thumbprint
	}
	if client.CertificateBound {
		w.bound.X5T = thumbprint(w.certificate)
	}
	if w.request != nil {
		if key := w.request.Session.(*session).DPoPKey; key != "" && key != w.bound.JKT {
			return wire.Refuse("invalid_grant", "The code is bound to another key.")
		}
	}
	if w.refreshed != nil {
		return w.bindRefreshed()
	}
	return nil
}

// bindRefreshed holds a public client to the key its refresh token was given to. A
// confidential client proves itself anyway and may take a new key, but not none.
func (w *work) bindRefreshed() error {
	before := w.refreshed.Bound
	switch {
	case w.client.Public() && before.Bound() && before != w.bound:
		return wire.Refuse("invalid_grant", "The refresh token is bound to another key.")
	case before.JKT != "" && w.bound.JKT == "":
		return wire.Refuse("invalid_dpop_proof", "The refresh token needs a DPoP proof.")
	case before.X5T != "" && w.bound.X5T == "":
		return wire.Refuse("invalid_request", "The refresh token needs the client's certificate.")
	}
	return nil
}

// keepsRefresh tells whether a refresh token stays as it is when it is used. One of a
// confidential client with a key is worth nothing to anybody else; replacing it would
// only lose it when an answer gets lost (FAPI 2.0 §5.3.2.1).
// One that was not bound gives way to one that is, and what took its place already is given.
func (w *work) keepsRefresh() bool {
	return w.refreshed.Bound.Bound() && w.bound.Bound() && !w.client.Public() && !w.repeated
}

// presented is an access token as somebody brought it.
type presented struct {
	token  string
	scheme string // bearer or dpop
}

// errNeedsKey refuses a bound token that came without a proof, with a challenge that
// asks for one.
var errNeedsKey = wire.Refuse("invalid_token", "The access token is bound to a key: it has to come with the scheme DPoP and a proof.").For(clients.ReasonProofMissing)

// mayUse tells whether who brought the token has its key. A bound token that comes as
// a bearer token was found by somebody. RFC 9449 §7.1, RFC 8705 §3.
func (p *Provider) mayUse(w http.ResponseWriter, r *http.Request, path string, given presented, want tokens.Confirmation) error {
	if want.JKT != "" && given.scheme != schemeDPoP {
		return errNeedsKey
	}
	if want.JKT == "" && given.scheme == schemeDPoP {
		return wire.Refuse("invalid_token", "The access token is not bound to a key.")
	}
	if want.X5T != "" && thumbprint(p.certificateOf(r)) != want.X5T {
		return wire.Refuse("invalid_token", "The access token belongs to another certificate.")
	}
	if want.JKT == "" {
		return nil
	}
	proof, err := p.proofs().Read(w, r, path, given.token)
	switch {
	case err != nil:
		return err
	case proof == nil:
		return wire.Refuse("invalid_dpop_proof", "The access token needs a DPoP proof.")
	case proof.Thumbprint != want.JKT:
		return wire.Refuse("invalid_token", "The access token belongs to another key.")
	}
	return p.proofs().Remember(r.Context(), proof, p.Clock())
}

// The schemes of access tokens. They are compared without case: RFC 9110 §11.1.
const (
	schemeBearer = "bearer"
	schemeDPoP   = "dpop"
)

// proofs checks the DPoP proofs that come with requests.
func (p *Provider) proofs() dpop.Checker {
	return dpop.Checker{Issuer: p.Issuer, MTLS: p.MTLS, Nonce: p.DPoPNonce, Once: p.Once, Clock: p.Clock}
}

// bindPushed ties a pushed request to a key: by the parameter dpop_jkt, by a proof, or
// by both if they agree. RFC 9449 §10.1.
func bindPushed(params url.Values, given *dpop.Proof) error {
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

// certificateOf is the certificate that the caller showed in the TLS handshake, to us
// or to a proxy of ours; nil when there was none. Nobody has looked at whose it is.
func (p *Provider) certificateOf(r *http.Request) *x509.Certificate { return p.ClientCertificate(r) }

// thumbprint is x5t#S256 of the certificate, "" for none. RFC 8705 §3.1.
func thumbprint(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
