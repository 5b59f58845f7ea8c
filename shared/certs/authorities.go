package certs

import (
	"context"
	"crypto/x509"
	"log/slog"
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

	pool watched[x509.CertPool]
}

// Pool gives the authorities; nil before the first Reload.
func (a *Authorities) Pool() *x509.CertPool { return a.pool.current.Load() }

// Reload reads the file if it holds something else than what is in use. The error is a
// *Mistake.
func (a *Authorities) Reload() error {
	return a.pool.reload(a.File, "authorities of clients", a.Log, readPool)
}

// Watch looks at the file until ctx ends.
func (a *Authorities) Watch(ctx context.Context) { watch(ctx, a.Every, a.Reload) }
