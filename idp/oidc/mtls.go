package oidc

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/shared/certs"
)

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

// proveCertificate checks that the caller's certificate is the client's. RFC 8705 §2.
func (p *Provider) proveCertificate(ctx context.Context, client *clients.Client, r *http.Request) error {
	shown := p.certificateOf(r)
	if shown == nil {
		return refuse("invalid_client", "The client has to show its certificate.")
	}
	if client.AuthMethod == clients.SelfSignedTLSAuth {
		return p.proveSelfSigned(ctx, client, shown)
	}
	switch err := p.CertificateTrusted(r); {
	case errors.Is(err, certs.ErrRevoked):
		return refuse("invalid_client", "The certificate was revoked by its authority.").because(err)
	case errors.Is(err, certs.ErrNoList):
		return refuse("invalid_client", "Nobody can tell whether the certificate was revoked: there is no list of its authority, or it is too old.").because(err)
	case err != nil:
		return refuse("invalid_client", "The certificate does not come from an authority that is trusted here.").because(err)
	}
	if !namedAs(shown, client) {
		return refuse("invalid_client", "The certificate has another name than registered.")
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
func (p *Provider) proveSelfSigned(ctx context.Context, client *clients.Client, shown *x509.Certificate) error {
	keys, err := p.keysOf(ctx, client, "")
	if err != nil {
		return refuse("invalid_client", "The keys of the client could not be had.").because(err)
	}
	for _, key := range keys {
		if len(key.Certificates) > 0 && key.Certificates[0].Equal(shown) {
			return nil
		}
		if len(key.Certificates) == 0 && sameKey(shown.PublicKey, key.Key) {
			return nil
		}
	}
	return refuse("invalid_client", "The certificate is not one of the client's.")
}

func sameKey(a, b any) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// aliases are the endpoints where certificates are asked for, when they have a host of
// their own. RFC 8705 §5.
func (p *Provider) aliases() map[string]string {
	if p.MTLS == "" || p.MTLS == p.Issuer {
		return nil
	}
	return map[string]string{
		"token_endpoint":                        p.MTLS + pathToken,
		"revocation_endpoint":                   p.MTLS + pathRevoke,
		"introspection_endpoint":                p.MTLS + pathIntrospect,
		"device_authorization_endpoint":         p.MTLS + pathDevice,
		"pushed_authorization_request_endpoint": p.MTLS + pathPushed,
		"userinfo_endpoint":                     p.MTLS + pathUserinfo,
	}
}
