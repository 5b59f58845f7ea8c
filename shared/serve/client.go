package serve

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The fields in which a proxy that ended TLS tells what the caller showed. RFC 9440 §2
const (
	clientCert      = "Client-Cert"
	clientCertChain = "Client-Cert-Chain"
)

// maxChain is how many certificates above the caller's are looked at.
const maxChain = 5

// ClientCertificates makes Front carry the certificate that a caller showed.
type ClientCertificates struct {
	Authorities func() *x509.CertPool                 // those of now, for ClientTrusted; nil: there are none
	Revoked     func(chain []*x509.Certificate) error // what is wrong with a chain that they verify; nil: nobody looks
}

// readClient finds the caller's certificate. What came over a proxy of ours is in a
// header, since the connection is the proxy's own; from everybody else the headers
// are an attempt to be somebody. They are taken off the request in any case.
func (f Front) readClient(r *http.Request, x *Exchange) {
	cert, chain := r.Header[clientCert], r.Header[clientCertChain]
	if cert != nil || chain != nil {
		delete(r.Header, clientCert)
		delete(r.Header, clientCertChain)
	}
	if f.Clients == nil {
		return
	}
	if f.Clients.Authorities != nil {
		x.authorities, x.revoked = f.Clients.Authorities(), f.Clients.Revoked
	}
	if !x.proxied {
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			x.ClientCertificate, x.intermediates = r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:]
		}
		return
	}
	if len(cert) == 0 {
		return
	}
	var err error
	if x.ClientCertificate, x.intermediates, err = parseClient(cert, chain); err != nil {
		f.Log.WarnContext(r.Context(), "a proxy sent a client certificate that cannot be read", "cause", err)
	}
}

var errClientCert = errors.New("want one certificate: its DER in base64 between two colons")

// parseClient reads both fields. RFC 9440 §2.2, §2.3
func parseClient(cert, chain []string) (*x509.Certificate, []*x509.Certificate, error) {
	if len(cert) != 1 {
		return nil, nil, errClientCert // two lines: one of them is not the proxy's
	}
	leaf, err := parseBytes(cert[0])
	if err != nil {
		return nil, nil, err
	}
	var above []*x509.Certificate
	for text := range strings.SplitSeq(strings.Join(chain, ","), ",") {
		if strings.TrimSpace(text) == "" || len(above) == maxChain {
			continue
		}
		c, err := parseBytes(text)
		if err != nil {
			return nil, nil, err
		}
		above = append(above, c)
	}
	return leaf, above, nil
}

// parseBytes reads a byte sequence of structured fields that holds a certificate.
// RFC 9651 §3.3.5
func parseBytes(text string) (*x509.Certificate, error) {
	text = strings.Trim(text, " ")
	if len(text) < 2 || text[0] != ':' || text[len(text)-1] != ':' {
		return nil, errClientCert
	}
	der, err := base64.StdEncoding.Strict().DecodeString(text[1 : len(text)-1])
	if err != nil {
		return nil, errClientCert
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errClientCert
	}
	return c, nil
}

// errNobody is that there is nothing to verify, or nothing to verify it by.
var errNobody = errors.New("serve: no certificate, or no authorities")

// ClientTrusted gives nil when the caller's certificate is in force at now, was issued,
// directly or not, by one of our authorities for client authentication, and was not
// revoked, as the method tls_client_auth asks: otherwise what is wrong, which is what
// Revoked says where only that is. RFC 8705 §2.1
func (x *Exchange) ClientTrusted(now time.Time) error {
	if x.ClientCertificate == nil || x.authorities == nil {
		return errNobody
	}
	between := x509.NewCertPool()
	for _, c := range x.intermediates {
		between.AddCert(c)
	}
	chains, err := x.ClientCertificate.Verify(x509.VerifyOptions{
		Roots: x.authorities, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil || x.revoked == nil {
		return err
	}
	for _, chain := range chains { // there may be more than one way to an authority
		if err = x.revoked(chain); err == nil {
			return nil
		}
	}
	return err
}
