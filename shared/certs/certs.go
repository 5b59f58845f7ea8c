// Package certs is how a program proves to the other end of a connection that it is
// the host it claims to be: certificates for TLS, and what of TLS we speak.
//
//	Source   gives the certificate of a handshake and knows when it ends
//	Pair     a Source of two files, read again when they change (pair.go)
//	ACME     a Source that asks a certificate authority, and asks again (acme.go)
//	Store    where it keeps what it got, for all nodes (store.go)
//	Authorities  whose certificates callers may have, read again likewise (authorities.go)
//	Revoked  which of these have been taken back, by lists (revoked.go, lists.go)
//	Unlisted  which authorities have no such list (unlisted.go)
//	trouble  when the log hears of a file that cannot be used (trouble.go)
//	Read     certificate and key of two files, checked (read.go)
//	Config   TLS as we speak it; Asking also wants a certificate from the caller
//
// Nothing here decides whom to trust: that a caller's certificate came with the
// connection says only that the caller holds its key.
package certs

import (
	"context"
	"crypto/tls"
	"slices"
	"time"

	"golang.org/x/crypto/acme"
)

// suites is all that TLS 1.2 may use: forward secret, authenticated, and what the
// FAPI 2.0 profile allows (BCP 195). Go alone would offer CBC and ChaCha20 too.
// FAPI 2.0 Security Profile §5.2.2
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
}

// Source gives certificates.
type Source interface {
	// Certificate is for tls.Config.GetCertificate.
	Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Watch keeps the certificate fresh until ctx ends.
	Watch(ctx context.Context)
	// Expires tells when the certificate in use ends; the zero time when there is none.
	Expires() time.Time
	// Failing tells whether a newer certificate could not be taken.
	Failing() bool
}

// Config is TLS as our listeners speak it: version 1.3, and 1.2 with four suites
// unless least is tls.VersionTLS13. HTTP/2 is offered first.
func Config(source Source, least uint16) *tls.Config {
	c := &tls.Config{
		MinVersion:     least,
		CipherSuites:   slices.Clone(suites),
		GetCertificate: source.Certificate,
		NextProtos:     []string{"h2", "http/1.1"},
	}
	if _, ok := source.(*ACME); ok {
		c.NextProtos = append(c.NextProtos, acme.ALPNProto) // the authority's proof: RFC 8737 §3
	}
	return c
}

// Asking is c for a listener that asks callers for a certificate. Any one will do, a
// self-signed one too, and none: which client it belongs to is decided later, by who
// knows the clients. RFC 8705 §2.2
func Asking(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.ClientAuth = tls.RequestClientCert
	return c
}
