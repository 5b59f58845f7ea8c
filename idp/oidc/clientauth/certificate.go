package clientauth

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/certs"
)

// proveCertificate checks that the caller's certificate is the client's. RFC 8705 §2.
func (p *Prover) proveCertificate(ctx context.Context, client *clients.Client, r *http.Request) error {
	shown := p.Certificate(r)
	if shown == nil {
		return wire.Refuse("invalid_client", "The client has to show its certificate.")
	}
	if clients.BadLength(shown.PublicKey) != "" { // FAPI 2.0 §5.4
		return wire.Refuse("invalid_client", "The RSA key of the certificate has to have 2048 to 8192 bits.")
	}
	if client.AuthMethod == clients.SelfSignedTLSAuth {
		return p.proveSelfSigned(ctx, client, shown)
	}
	switch err := p.Trusted(r); {
	case errors.Is(err, certs.ErrRevoked):
		return wire.Refuse("invalid_client", "The certificate was revoked by its authority.").Because(err)
	case errors.Is(err, certs.ErrNoList):
		return wire.Refuse("invalid_client", "Nobody can tell whether the certificate was revoked: there is no list of its authority, or it is too old.").Because(err)
	case err != nil:
		return wire.Refuse("invalid_client", "The certificate does not come from an authority that is trusted here.").Because(err)
	}
	if !namedAs(shown, client) {
		return wire.Refuse("invalid_client", "The certificate has another name than registered.")
	}
	return nil
}

// namedAs tells whether the certificate bears the one name that was registered.
func namedAs(c *x509.Certificate, client *clients.Client) bool {
	switch {
	case client.TLSSubjectDN != "":
		return clients.HasSubject(c, client.TLSSubjectDN)
	case client.TLSNameDNS != "":
		return slices.ContainsFunc(c.DNSNames, func(name string) bool { return strings.EqualFold(name, client.TLSNameDNS) })
	case client.TLSNameURI != "":
		for _, u := range c.URIs {
			if u.String() == client.TLSNameURI {
				return true
			}
		}
	case client.TLSNameIP != "":
		want := net.ParseIP(client.TLSNameIP)
		return want != nil && slices.ContainsFunc(c.IPAddresses, want.Equal)
	case client.TLSNameEmail != "":
		return slices.Contains(c.EmailAddresses, client.TLSNameEmail)
	}
	return false
}

// proveSelfSigned looks for the certificate, or its key where no certificate is given,
// among the client's keys. Nobody vouches for it, so its dates say nothing.
// RFC 8705 §2.2.
func (p *Prover) proveSelfSigned(ctx context.Context, client *clients.Client, shown *x509.Certificate) error {
	known, err := p.SearchKeys(ctx, client, "", func(keys []jose.JSONWebKey) bool {
		return slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool { return isOf(shown, key) })
	})
	if err != nil {
		return wire.Refuse("invalid_client", "The keys of the client could not be had.").Because(err)
	}
	if !known {
		return wire.Refuse("invalid_client", "The certificate is not one of the client's.")
	}
	return nil
}

// isOf tells whether the certificate is the one of the key, or has it.
func isOf(shown *x509.Certificate, key jose.JSONWebKey) bool {
	if len(key.Certificates) > 0 {
		return key.Certificates[0].Equal(shown)
	}
	return sameKey(shown.PublicKey, key.Key)
}

func sameKey(a, b any) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}
