package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tegata/shared/clock"
)

// lookEvery is how late a new certificate may be taken.
const lookEvery = 5 * time.Second

// Pair is the certificate of two files. Whoever renews them needs to tell nobody: they
// are looked at every few seconds, and at once on SIGHUP. What cannot be used leaves
// the old certificate in place (F-39). Connections that are open do not notice.
type Pair struct {
	CertificateFile, KeyFile string
	Hosts                    []string // that the certificate must be for; may be empty
	Clock                    clock.Clock
	Log                      *slog.Logger
	Every                    time.Duration // between two looks; 0 means 5 s

	current atomic.Pointer[tls.Certificate]

	mu      sync.Mutex
	digest  [32]byte // of what current was read from
	trouble trouble
}

// Reload reads the files if they hold something else than the certificate in use.
// The first call must succeed before Certificate is asked. The error is a *Mistake.
//
// It compares what the files hold and not their times: a renewal within the same
// second counts, and so does one that swaps a link to a folder.
func (p *Pair) Reload() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.reload()
	if p.trouble.note(err) && p.current.Load() != nil {
		p.Log.Error("the new certificate cannot be used, the old one stays", "cause", err, "old_expires", p.Expires())
	}
	return err
}

func (p *Pair) reload() error {
	f, err := readFiles(p.CertificateFile, p.KeyFile)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(slices.Concat(f.chain, f.key))
	if p.current.Load() != nil && digest == p.digest {
		return nil
	}
	c, err := f.certificate(p.Clock(), p.Hosts)
	if err != nil {
		return err
	}
	p.current.Store(c)
	p.digest = digest
	p.Log.Info("certificate loaded", "file", p.CertificateFile, "names", c.Leaf.DNSNames, "expires", c.Leaf.NotAfter)
	return nil
}

// Certificate gives the certificate in use.
func (p *Pair) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

// Expires tells when the certificate in use ends.
func (p *Pair) Expires() time.Time {
	if c := p.current.Load(); c != nil {
		return c.Leaf.NotAfter
	}
	return time.Time{}
}

// Failing tells whether the files hold something that cannot be used.
func (p *Pair) Failing() bool { return p.trouble.failing.Load() }

// Watch looks at the files until ctx ends.
func (p *Pair) Watch(ctx context.Context) { watch(ctx, p.Every, p.Reload) }

// watch looks every so often, and at once on SIGHUP. What is wrong was logged by look.
func watch(ctx context.Context, every time.Duration, look func() error) {
	if every == 0 {
		every = lookEvery
	}
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hangUp:
		}
		look()
	}
}
