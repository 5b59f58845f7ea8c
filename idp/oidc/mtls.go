package oidc

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
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
