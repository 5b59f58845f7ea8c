package oidc

import (
	"crypto/x509"
	"testing"
)

func TestNoCertificateIsNoThumbprint(t *testing.T) {
	if thumbprint(nil) != "" || thumbprint(&x509.Certificate{Raw: []byte("x")}) == "" {
		t.Error("a missing certificate has a thumbprint, or one that is there has none")
	}
}
