// Package clientauth proves clients: by a secret, by an assertion that they signed, or by
// a certificate, and by exactly the method that each has registered. RFC 6749 §2.3, OIDC
// Core §9, RFC 7523, RFC 8705 §2.
//
//	credentials.go  what a request brings along: one way, and no second
//	prover.go       Prover: who that is, and whether it is true
//	assertion.go    assertions, also those that somebody else made about a person
//	certificate.go  certificates, by their name or by their key
//
// It writes nothing: that an assertion counts once is for the caller to see to, and so is
// who hears of those that failed.
package clientauth

import (
	"context"
	"crypto/x509"
	"net/http"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/clock"
	"tegata/shared/fault"
)

// Prover proves clients by what they have registered. All fields are filled once, and all
// are needed.
type Prover struct {
	Issuer    string   // our public URL: whom assertions are made out to
	Endpoints []string // and the URLs that older clients name instead
	Clients   *clients.Registry
	Clock     clock.Clock

	// SearchKeys tells whether one of the client's keys serves, of those with that kid if it
	// is not "".
	SearchKeys func(ctx context.Context, client *clients.Client, kid string, serves func([]jose.JSONWebKey) bool) (bool, error)
	// Certificate is what the caller of a request showed, nil for nothing, and Trusted
	// what is against believing it, nil when an authority of ours issued it and did not take
	// it back.
	Certificate func(r *http.Request) *x509.Certificate
	Trusted     func(r *http.Request) error
}

// Find gives the client that the credentials name; a refusal when there is none.
func (p *Prover) Find(ctx context.Context, given Credentials) (*clients.Client, error) {
	client, err := p.Clients.ByID(ctx, given.ID)
	if fault.Is(err, fault.NotFound) && given.raw.id != "" && given.raw.id != given.ID {
		client, err = p.Clients.ByID(ctx, given.raw.id)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, wire.RefuseAs("invalid_client")
	}
	return client, err
}

// Prove checks what was given against the registration. Where that was an assertion, it is
// still to be remembered: the caller gets it, and nil otherwise. What is wrong is a
// *wire.Refusal.
func (p *Prover) Prove(ctx context.Context, r *http.Request, client *clients.Client, given Credentials) (*Assertion, error) {
	if given.Method == clients.None && client.ByCertificate() {
		return nil, p.proveCertificate(ctx, client, r)
	}
	if given.Method != client.AuthMethod {
		return nil, wire.Refuse("invalid_client", "The client is registered for another authentication method.")
	}
	switch given.Method {
	case clients.None:
		return nil, nil
	case clients.PrivateKeyJWT:
		return p.verifyAssertion(ctx, client, given.Assertion)
	}
	if !given.secretMatches(client) {
		return nil, wire.RefuseAs("invalid_client")
	}
	return nil, nil
}
