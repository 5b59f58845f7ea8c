package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	File        string
	Authorities *Authorities // who has to have a list; nil: nobody is told that one is missing
	Clock       clock.Clock
	Log         *slog.Logger
	Every       time.Duration // between two looks; 0 means 5 s

	lists watched[revocations]

	mu   sync.Mutex
	told map[string]time.Time // what the log was told of the files as they are, and when
}

// Reload reads the file, and that of the authorities before it, if they hold something
// else than what is in use. It tells the log, at once and every hour, when nobody can prove himself with an
// authority's certificates, because it has no list or that is too old. The error is a
// *Mistake.
func (r *Revoked) Reload() error {
	if r.Authorities != nil {
		if err := r.Authorities.Reload(); err != nil && r.Authorities.Pool() == nil {
			return err
		} // with others in use it was logged, and they stay
	}
	err := r.lists.reload(r.File, "lists of revoked certificates", r.Log, readRevocations)
	if lists := r.lists.current.Load(); lists != nil {
		r.tell(lists, r.Clock())
	}
	return err
}

// Failing tells whether the file of lists holds something that cannot be used, or no
// client of some authority can prove itself for want of a list.
func (r *Revoked) Failing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lists.trouble.failing.Load() || len(r.told) > 0
}

// Watch looks at both files until ctx ends.
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
		if !older && now.Before(one.list.NextUpdate) && one.by(issuer) {
			newest = one
		}
	}
	if newest == nil {
		return false, fmt.Errorf("%w: of %s", ErrNoList, issuer.Subject)
	}
	return newest.serial[string(c.SerialNumber.Bytes())], nil
}
