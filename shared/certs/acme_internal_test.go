package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"golang.org/x/crypto/acme/autocert"

	"tegata/shared/certs/certstest"
)

// shelved is a manager that has a certificate of the host already.
func shelved(t *testing.T, host string) *autocert.Manager {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := certstest.New(t).Issue(t, key.Public(), certstest.Leaf{Hosts: []string{host}})
	var text bytes.Buffer
	pem.Encode(&text, &pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	shelf := autocert.DirCache(t.TempDir())
	if err := shelf.Put(t.Context(), host, text.Bytes()); err != nil {
		t.Fatal(err)
	}
	return &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: shelf, HostPolicy: autocert.HostWhitelist(host)}
}

// However callers spell a host, it is one: what one of them saw long ago would stay the
// first to expire for ever.
func TestAHostHasOneCertificateHoweverItIsSpelt(t *testing.T) {
	const host = "id.example.test"
	a := &ACME{Hosts: []string{host}}
	a.once.Do(func() { a.manager = shelved(t, host) })
	for _, name := range []string{host, "ID.Example.Test"} {
		if _, err := a.Certificate(&tls.ClientHelloInfo{
			ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, CipherSuites: suites,
			SupportedCurves: []tls.CurveID{tls.CurveP256}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.expires.Range(func(key, _ any) bool {
		if key != host {
			t.Errorf("%s counts as a host of its own", key)
		}
		return true
	})
	if a.Expires().IsZero() {
		t.Error("nothing is known to expire")
	}
}
