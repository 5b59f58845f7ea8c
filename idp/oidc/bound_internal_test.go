package oidc

import (
	"crypto/x509"
	"testing"
)

func TestNoCertificateIsNoThumbprint(t *testing.T) {
	if thumbprint(nil) != "" || thumbprint(&x509.Certificate{Raw: []byte("x")}) == "" {
		t.Error("a missing certificate has a thumbprint, or one that is there has none")
	}
	if readConfirmation, _ := readConfirmation(confirmation{JKT: "a", X5T: "b"}.text()); readConfirmation != (confirmation{JKT: "a", X5T: "b"}) {
		t.Errorf("confirmation %+v", readConfirmation)
	}
}
