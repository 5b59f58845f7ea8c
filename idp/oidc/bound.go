package oidc

import (
	"encoding/json"
	"net/http"
	"strings"
)

// confirmation is the key without which a token is worth nothing: that of DPoP proofs
// or that of a certificate. Empty for a bearer token. RFC 7800 §3.1, RFC 9449 §6.1,
// RFC 8705 §3.1.
type confirmation struct {
	JKT string `json:"jkt,omitempty"`
	X5T string `json:"x5t#S256,omitempty"`
}

// bound tells whether there is a key.
func (c confirmation) bound() bool { return c != confirmation{} }

// text is the confirmation as the database keeps it.
func (c confirmation) text() string {
	if !c.bound() {
		return ""
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // two texts
	}
	return string(b)
}

func readConfirmation(text string) (c confirmation, err error) {
	if text == "" {
		return c, nil
	}
	return c, json.Unmarshal([]byte(text), &c)
}

// tokenType is how the tokens of a confirmation are used. RFC 9449 §5.
func (c confirmation) tokenType() string {
	if c.JKT != "" {
		return "DPoP"
	}
	return "Bearer"
}

// bind decides what the tokens of a token request are tied to: the key that was proved
// with it. It refuses clients that have to prove one, and codes and refresh tokens
// that are tied to another one. RFC 9449 §5, §10; RFC 8705 §3, §7.1.
func (p *Provider) bind(w *work) error {
	client := w.client
	switch {
	case client.DPoPBound && w.proof == nil:
		return refuse("invalid_dpop_proof", "The client has to prove its key: the header DPoP is missing.")
	case client.CertificateBound && w.certificate == nil:
		return refuse("invalid_request", "The client has to show its certificate.")
	}
	if w.proof != nil {
		w.bound.JKT = w.proof.Thumbprint
	}
	if client.CertificateBound {
		w.bound.X5T = thumbprint(w.certificate)
	}
	if w.request != nil {
		if key := w.request.Session.(*session).DPoPKey; key != "" && key != w.bound.JKT {
			return refuse("invalid_grant", "The code is bound to another key.")
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
	case w.client.Public() && before.bound() && before != w.bound:
		return refuse("invalid_grant", "The refresh token is bound to another key.")
	case before.JKT != "" && w.bound.JKT == "":
		return refuse("invalid_dpop_proof", "The refresh token needs a DPoP proof.")
	case before.X5T != "" && w.bound.X5T == "":
		return refuse("invalid_request", "The refresh token needs the client's certificate.")
	}
	return nil
}

// keepsRefresh tells whether a refresh token stays as it is when it is used. One of a
// confidential client with a key is worth nothing to anybody else; replacing it would
// only lose it when an answer gets lost (FAPI 2.0 §5.3.2.1).
// One that was not bound gives way to one that is, and what took its place already is given.
func (w *work) keepsRefresh() bool {
	return w.refreshed.Bound.bound() && w.bound.bound() && !w.client.Public() && !w.repeated
}

// presented is an access token as somebody brought it.
type presented struct {
	token  string
	scheme string // bearer or dpop
}

// errNeedsKey refuses a bound token that came without a proof, with a challenge that
// asks for one.
var errNeedsKey = refuse("invalid_token", "The access token is bound to a key: it has to come with the scheme DPoP and a proof.")

// mayUse tells whether who brought the token has its key. A bound token that comes as
// a bearer token was found by somebody. RFC 9449 §7.1, RFC 8705 §3.
func (p *Provider) mayUse(w http.ResponseWriter, r *http.Request, path string, given presented, want confirmation) error {
	if want.JKT != "" && given.scheme != schemeDPoP {
		return errNeedsKey
	}
	if want.JKT == "" && given.scheme == schemeDPoP {
		return refuse("invalid_token", "The access token is not bound to a key.")
	}
	if want.X5T != "" && thumbprint(p.certificateOf(r)) != want.X5T {
		return refuse("invalid_token", "The access token belongs to another certificate.")
	}
	if want.JKT == "" {
		return nil
	}
	proof, err := p.readProof(w, r, path, given.token)
	switch {
	case err != nil:
		return err
	case proof == nil:
		return refuse("invalid_dpop_proof", "The access token needs a DPoP proof.")
	case proof.Thumbprint != want.JKT:
		return refuse("invalid_token", "The access token belongs to another key.")
	}
	return p.rememberProof(r.Context(), proof, p.Clock())
}

// The schemes of access tokens. They are compared without case: RFC 9110 §11.1.
const (
	schemeBearer = "bearer"
	schemeDPoP   = "dpop"
)

// dpopChallenge is the challenge of RFC 9449 §7.1.
func dpopChallenge(r *refusal) string {
	text := `DPoP realm="userinfo", algs="` + strings.Join(proofAlgNames(), " ") + `"`
	if r != nil {
		text += `, error="` + r.Code + `", error_description="` + r.Why + `"`
	}
	return text
}

func proofAlgNames() []string {
	names := make([]string, len(proofAlgs))
	for i, alg := range proofAlgs {
		names[i] = string(alg)
	}
	return names
}
