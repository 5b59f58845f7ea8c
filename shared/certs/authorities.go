package certs

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"time"
)

// Authorities is a file of certificates of authorities, in PEM, that is read again like
// the files of a Pair: every few seconds and at once on SIGHUP. A file that cannot be
// used leaves those that were there in place; an authority that left the file is
// believed no more from the next request on.
type Authorities struct {
	File  string
	Log   *slog.Logger
	Every time.Duration // between two looks; 0 means 5 s

	believed watched[believed]
}

// believed is what the file held: the certificates, and what verifies with them.
type believed struct {
	pool *x509.CertPool
	each []*x509.Certificate
}

// Pool gives the authorities; nil before the first Reload.
func (a *Authorities) Pool() *x509.CertPool {
	if b := a.believed.current.Load(); b != nil {
		return b.pool
	}
	return nil
}

// all gives each certificate of the file; none of no authorities.
func (a *Authorities) all() []*x509.Certificate {
	if a == nil {
		return nil
	}
	if b := a.believed.current.Load(); b != nil {
		return b.each
	}
	return nil
}

// Reload reads the file if it holds something else than what is in use. The error is a
// *Mistake.
func (a *Authorities) Reload() error {
	return a.believed.reload(a.File, "authorities of clients", a.Log, readBelieved)
}

// Failing tells whether the file holds something that cannot be used.
func (a *Authorities) Failing() bool { return a.believed.trouble.failing.Load() }

// ReadPool reads the certificates of authorities, in PEM. The error is a *Mistake.
func ReadPool(file string) (*x509.CertPool, error) {
	b, err := readFile(file, readBelieved)
	if err != nil {
		return nil, err
	}
	return b.pool, nil
}

// readFile is what watched does once, for who only looks.
func readFile[T any](file string, read func(file string, text []byte) (*T, error)) (*T, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &Mistake{File: file, Err: short(err, file)}
	}
	return read(file, text)
}

// readBelieved passes over what Go cannot read, as x509.CertPool does: one certificate of
// an old kind in a bundle must not end the trust in the others.
func readBelieved(file string, text []byte) (*believed, error) {
	b := &believed{pool: x509.NewCertPool()}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			b.pool.AddCert(c)
			b.each = append(b.each, c)
		}
	}
	if len(b.each) == 0 {
		return nil, &Mistake{File: file, Err: errors.New("holds no certificate in PEM")}
	}
	return b, nil
}

// Watch looks at the file until ctx ends.
func (a *Authorities) Watch(ctx context.Context) { watch(ctx, a.Every, a.Reload) }
