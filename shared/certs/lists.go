package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
)

// revocations are lists by the name of who issued them, in DER.
type revocations map[string][]*revocation

type revocation struct {
	list   *x509.RevocationList
	serial map[string]bool // the numbers that are on it, as bytes

	mu     sync.Mutex
	signed map[[sha256.Size]byte]bool // whether these certificates' key signed it
}

// mostSigners bounds what a list remembers: an authority may issue any number of
// certificates to one that bears the name of another.
const mostSigners = 32

// by tells whether the issuer signed the list and may. It looks once at each certificate
// of an issuer: the signature is over the whole list, which may be long.
func (r *revocation) by(issuer *x509.Certificate) bool {
	digest := sha256.Sum256(issuer.Raw)
	r.mu.Lock()
	signed, known := r.signed[digest]
	r.mu.Unlock()
	if known {
		return signed
	}
	signed = r.list.CheckSignatureFrom(issuer) == nil
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signed == nil || len(r.signed) >= mostSigners {
		r.signed = map[[sha256.Size]byte]bool{}
	}
	r.signed[digest] = signed
	return signed
}

// ReadRevocations tells what is wrong with a file of lists, nil when nothing. How old they
// are does not matter.
func ReadRevocations(file string) error {
	_, err := readFile(file, readRevocations)
	return err
}

func readRevocations(file string, text []byte) (*revocations, error) {
	all, ders := revocations{}, [][]byte{text}
	if bytes.Contains(text, []byte("-----BEGIN")) {
		ders = nil
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "X509 CRL" {
				ders = append(ders, block.Bytes)
			}
		}
		if bytes.Count(text, []byte("-----BEGIN X509 CRL-----")) != len(ders) {
			return nil, &Mistake{File: file, Err: errors.New("holds a revocation list that cannot be read")}
		}
	}
	for _, der := range ders {
		one, err := readRevocation(der)
		if err != nil {
			return nil, &Mistake{File: file, Err: err}
		}
		name := string(one.list.RawIssuer)
		all[name] = append(all[name], one)
	}
	if len(all) == 0 {
		return nil, &Mistake{File: file, Err: errors.New("holds no revocation list")}
	}
	return &all, nil
}

// readRevocation reads a list that says all there is to say about its authority. One with
// a critical extension does not: it is for a part of the certificates, or of the time
// (RFC 5280 §5.2.4, §5.2.5), and who takes it for the whole lets revoked ones in.
func readRevocation(der []byte) (*revocation, error) {
	list, err := x509.ParseRevocationList(der)
	switch {
	case err != nil:
		return nil, errors.New("holds a revocation list that cannot be read")
	case list.NextUpdate.IsZero():
		return nil, fmt.Errorf("the list of %s does not say when the next one comes", list.Issuer)
	}
	one := &revocation{list: list, serial: make(map[string]bool, len(list.RevokedCertificateEntries))}
	extensions := list.Extensions
	for _, e := range list.RevokedCertificateEntries {
		one.serial[string(e.SerialNumber.Bytes())] = true
		extensions = append(extensions, e.Extensions...)
	}
	for _, e := range extensions {
		if e.Critical {
			return nil, fmt.Errorf("the list of %s is not for all of its certificates: it has the critical extension %s", list.Issuer, e.Id)
		}
	}
	list.RevokedCertificateEntries = nil
	return one, nil
}
