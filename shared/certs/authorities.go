package certs

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
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

	current atomic.Pointer[x509.CertPool]

	mu     sync.Mutex
	digest [32]byte // of what current was read from
	told   string   // the mistake that was logged last
}

// Pool gives the authorities; nil before the first Reload.
func (a *Authorities) Pool() *x509.CertPool { return a.current.Load() }

// Reload reads the file if it holds something else than what is in use. The error is a
// *Mistake.
func (a *Authorities) Reload() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, err := os.ReadFile(a.File)
	if err != nil {
		return a.tell(&Mistake{File: a.File, Err: short(err, a.File)})
	}
	digest := sha256.Sum256(text)
	if a.current.Load() != nil && digest == a.digest {
		a.told = ""
		return nil
	}
	pool, err := readPool(a.File, text)
	if err != nil {
		return a.tell(err)
	}
	if a.current.Swap(pool) != nil {
		a.Log.Info("authorities of clients loaded", "file", a.File)
	}
	a.digest, a.told = digest, ""
	return nil
}

// tell logs a mistake once while the old authorities stay.
func (a *Authorities) tell(err error) error {
	if err.Error() != a.told && a.current.Load() != nil {
		a.told = err.Error()
		a.Log.Error("the new authorities of clients cannot be used, the old ones stay", "cause", err)
	}
	return err
}

// Watch looks at the file until ctx ends.
func (a *Authorities) Watch(ctx context.Context) { watch(ctx, a.Every, a.Reload) }
