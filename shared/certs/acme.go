package certs

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// LetsEncrypt is the directory of the authority asked by default.
const LetsEncrypt = acme.LetsEncryptURL

// The pauses between two looks of ours. Renewal itself is autocert's, weeks before
// the end; a refused order is tried again by the next look.
const (
	acmeRetry = time.Minute
	acmeLook  = time.Hour
)

// ACME asks a certificate authority for the certificate of each host and proves on
// our own listener that the host is ours: tls-alpn-01, so port 443 of the host must
// lead to it. RFC 8555, RFC 8737
type ACME struct {
	Folder    string   // keeps account, keys and certificates, mode 0700
	Directory string   // URL of the authority's directory; "" is LetsEncrypt
	Email     string   // whom the authority may write to; may be empty
	Hosts     []string // nothing is asked for any other name
	Log       *slog.Logger

	once    sync.Once
	manager *autocert.Manager
	expires sync.Map // host → time.Time
	failing atomic.Bool
}

func (a *ACME) start() *autocert.Manager {
	a.once.Do(func() {
		a.manager = &autocert.Manager{
			Prompt:     autocert.AcceptTOS, // the configuration says so
			Cache:      autocert.DirCache(a.Folder),
			HostPolicy: autocert.HostWhitelist(a.Hosts...),
			Email:      a.Email,
			Client:     &acme.Client{DirectoryURL: cmp.Or(a.Directory, LetsEncrypt), UserAgent: "tegata"},
		}
	})
	return a.manager
}

// Certificate gives the certificate of the host that the caller wants, and obtains it
// when there is none yet. The authority's own look is answered too.
func (a *ACME) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := a.start().GetCertificate(hello)
	if err == nil && c.Leaf != nil && !authority(hello) {
		a.expires.Store(hello.ServerName, c.Leaf.NotAfter)
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
// and then whether they are still there. The listener must be open.
func (a *ACME) Watch(ctx context.Context) {
	for ctx.Err() == nil {
		pause := acmeLook
		if !a.look() {
			pause = acmeRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// look asks for each certificate as a browser would.
func (a *ACME) look() (good bool) {
	good = true
	for _, host := range a.Hosts {
		_, err := a.Certificate(&tls.ClientHelloInfo{
			ServerName: host, CipherSuites: suites, SupportedCurves: []tls.CurveID{tls.CurveP256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedVersions: []uint16{tls.VersionTLS13},
		})
		if err != nil {
			good = false
			a.Log.Error("no certificate could be obtained", "host", host, "cause", err)
		}
	}
	a.failing.Store(!good)
	return good
}
