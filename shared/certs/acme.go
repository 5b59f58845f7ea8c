package certs

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"tegata/shared/secret"
)

// LetsEncrypt is the directory of the authority asked by default.
const LetsEncrypt = acme.LetsEncryptURL

// The pauses between two looks of ours. Renewal itself is autocert's, weeks before
// the end; a refused order is tried again by the next look.
const (
	acmeRetry   = time.Minute
	acmeLook    = time.Hour
	acmeOrdered = 5 * time.Second // while another node asks
)

// ACME asks a certificate authority for the certificate of each host and proves on
// our own listener that the host is ours: tls-alpn-01, so port 443 of the host must
// lead to it. RFC 8555, RFC 8737
type ACME struct {
	Store     Store    // keeps account, keys and certificates for all nodes
	Directory string   // URL of the authority's directory; "" is LetsEncrypt
	Email     string   // whom the authority may write to; may be empty
	Hosts     []string // nothing is asked for any other name
	Log       *slog.Logger

	once    sync.Once
	manager *autocert.Manager
	expires sync.Map // host → time.Time
	failing atomic.Bool
	holder  string // tells this program from others of the same database
}

func (a *ACME) start() *autocert.Manager {
	a.once.Do(func() {
		a.holder = secret.NewID()
		a.manager = &autocert.Manager{
			Prompt:     autocert.AcceptTOS, // the configuration says so
			Cache:      onlyOne{a.Store, a},
			HostPolicy: autocert.HostWhitelist(a.Hosts...),
			Email:      a.Email,
			Client:     &acme.Client{DirectoryURL: cmp.Or(a.Directory, LetsEncrypt), UserAgent: "tegata"},
		}
	})
	return a.manager
}

// errOrdered says that another program of the same database asks for the certificate.
var errOrdered = errors.New("certs: another node is asking for this certificate")

// onlyOne is the store as autocert sees it: what is missing may be asked for by one
// program at a time. It does not wait, since all handshakes would wait behind it.
type onlyOne struct {
	Store
	acme *ACME
}

// Get is Store.Get; it gives errOrdered where a miss would make two programs ask.
func (o onlyOne) Get(ctx context.Context, name string) ([]byte, error) {
	data, err := o.Store.Get(ctx, name)
	if !errors.Is(err, autocert.ErrCacheMiss) || !ofCertificate(name) {
		return data, err
	}
	mine, failed := o.order(ctx, name, o.acme.holder)
	switch {
	case failed != nil:
		return nil, failed
	case !mine:
		return nil, errOrdered
	}
	return nil, err
}

// Certificate gives the certificate of the host that the caller wants, and obtains it
// when there is none yet. The authority's own look is answered too. A name that is not
// ours is refused before the database is asked.
func (a *ACME) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !slices.Contains(a.Hosts, name) {
		return nil, fmt.Errorf("certs: %q is no host of ours", hello.ServerName)
	}
	c, err := a.start().GetCertificate(hello)
	if err == nil && c.Leaf != nil && !authority(hello) {
		a.expires.Store(name, c.Leaf.NotAfter)
	}
	return c, err
}

// authority tells whether a certificate authority looks whether the host is ours.
func authority(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto
}

// Expires tells when the first of the certificates in use ends.
func (a *ACME) Expires() time.Time {
	var first time.Time
	a.expires.Range(func(_, at any) bool {
		if t := at.(time.Time); first.IsZero() || t.Before(first) {
			first = t
		}
		return true
	})
	return first
}

// Failing tells whether a certificate could not be obtained.
func (a *ACME) Failing() bool { return a.failing.Load() }

// Watch obtains the certificates before the first caller wants them, and looks now
// and then whether they are still there. The listener must be open. An order under way
// holds up nobody who stops: autocert gives an authority minutes, and takes no context.
func (a *ACME) Watch(ctx context.Context) {
	for ctx.Err() == nil {
		next := make(chan time.Duration, 1) // nobody may want it any more
		go func() { next <- a.look(ctx) }()
		select {
		case <-ctx.Done():
			return
		case pause := <-next:
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

// look asks for each certificate as a browser would, and tells when to look again. It
// says nothing any more once ctx has ended.
func (a *ACME) look(ctx context.Context) (pause time.Duration) {
	good, pause := true, acmeLook
	for _, host := range a.Hosts {
		_, err := a.Certificate(&tls.ClientHelloInfo{
			ServerName: host, CipherSuites: suites, SupportedCurves: []tls.CurveID{tls.CurveP256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedVersions: []uint16{tls.VersionTLS13},
		})
		switch {
		case ctx.Err() != nil:
			return pause
		case errors.Is(err, errOrdered):
			pause = min(pause, acmeOrdered)
		case err != nil:
			good, pause = false, min(pause, acmeRetry)
			a.Log.Error("no certificate could be obtained", "host", host, "cause", err)
		}
	}
	a.failing.Store(!good)
	return pause
}
