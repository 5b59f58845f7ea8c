package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"tegata/shared/clock"
)

// What Check refuses.
var (
	ErrRevoked = errors.New("certs: the certificate was revoked")
	// ErrNoList says that nobody can tell: there is no list of that authority, or it is
	// too old, or somebody else signed it.
	ErrNoList = errors.New("certs: no list of revoked certificates that counts")
)

// Revoked is a file of certificate revocation lists (RFC 5280 §5), in PEM or one in DER,
// that is read again like that of Authorities. There has to be one of each authority in a
// chain, also of those between the first and the last: without one that counts now no
// certificate of that authority is believed.
type Revoked struct {
	File  string
	Clock clock.Clock
	Log   *slog.Logger
	Every time.Duration // between two looks; 0 means 5 s

	lists watched[revocations]
}

// revocations are lists by the name of who issued them, in DER.
type revocations map[string][]*revocation

type revocation struct {
	list   *x509.RevocationList
	serial map[string]bool // the numbers that are on it, as bytes
	told   atomic.Bool     // that it is too old
}

// Reload reads the file if it holds something else than what is in use, and tells the log
// once when a list is too old. The error is a *Mistake.
func (r *Revoked) Reload() error {
	err := r.lists.reload(r.File, "lists of revoked certificates", r.Log, readRevocations)
	if lists := r.lists.current.Load(); lists != nil {
		for _, all := range *lists {
			for _, one := range all {
				r.tell(one)
			}
		}
	}
	return err
}

func (r *Revoked) tell(one *revocation) {
	if r.Clock().Before(one.list.NextUpdate) || one.told.Swap(true) {
		return
	}
	r.Log.Error("a list of revoked certificates is too old: unless there is a newer one, no client of its authority can prove itself",
		"file", r.File, "authority", one.list.Issuer.String(), "next_update", one.list.NextUpdate)
}

// Watch looks at the file until ctx ends.
func (r *Revoked) Watch(ctx context.Context) { watch(ctx, r.Every, r.Reload) }

// Check looks for each certificate of a chain that was verified on the list of the one
// after it. It gives ErrRevoked or ErrNoList.
func (r *Revoked) Check(chain []*x509.Certificate) error {
	lists, now := r.lists.current.Load(), r.Clock()
	for i := 0; i+1 < len(chain); i++ {
		on, err := lists.on(chain[i], chain[i+1], now)
		if err != nil {
			return err
		}
		if on {
			return fmt.Errorf("%w: %s", ErrRevoked, chain[i].Subject)
		}
	}
	return nil
}

// on tells whether the newest list of the issuer names the certificate.
func (l *revocations) on(c, issuer *x509.Certificate, now time.Time) (bool, error) {
	if l == nil {
		return false, ErrNoList
	}
	var newest *revocation
	for _, one := range (*l)[string(issuer.RawSubject)] {
		older := newest != nil && !one.list.ThisUpdate.After(newest.list.ThisUpdate)
		if !older && now.Before(one.list.NextUpdate) && one.list.CheckSignatureFrom(issuer) == nil {
			newest = one
		}
	}
	if newest == nil {
		return false, fmt.Errorf("%w: of %s", ErrNoList, issuer.Subject)
	}
	return newest.serial[string(c.SerialNumber.Bytes())], nil
}

// ReadRevocations tells what is wrong with a file of lists, nil when nothing. How old they
// are does not matter.
func ReadRevocations(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return &Mistake{File: file, Err: short(err, file)}
	}
	_, err = readRevocations(file, text)
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
