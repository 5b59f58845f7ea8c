package config

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	"tegata/shared/certs"
	"tegata/shared/clock"
)

// TLS is how the program serves https itself. Without a certificate a proxy in front
// has to. Embed it in the section tls.
type TLS struct {
	CertificateFile string `yaml:"certificate_file"` // PEM, the chain behind it
	KeyFile         string `yaml:"key_file"`         // PEM, mode 0600
	MinVersion      string `yaml:"min_version"`      // 1.2, 1.3
	ACME            ACME   `yaml:"acme"`
}

// ACME is where certificates are asked for. What comes of it lies in the database.
type ACME struct {
	AcceptTerms  bool   `yaml:"accept_terms"` // switches it on
	DirectoryURL string `yaml:"directory_url"`
	Email        string `yaml:"email"`
}

// DefaultTLS is what a file without the section means.
func DefaultTLS() TLS {
	return TLS{MinVersion: "1.2", ACME: ACME{DirectoryURL: certs.LetsEncrypt}}
}

// Serves tells whether the program speaks TLS itself.
func (t TLS) Serves() bool { return t.CertificateFile != "" || t.ACME.AcceptTerms }

// Source opens the certificates; nil when a proxy ends TLS. What an authority gives is
// kept in store.
func (t TLS) Source(store certs.Store, hosts []string, now clock.Clock, log *slog.Logger) (certs.Source, error) {
	switch {
	case t.ACME.AcceptTerms:
		return &certs.ACME{Store: store, Directory: t.ACME.DirectoryURL, Email: t.ACME.Email, Hosts: hosts, Log: log}, nil
	case t.CertificateFile != "":
		pair := &certs.Pair{CertificateFile: t.CertificateFile, KeyFile: t.KeyFile, Hosts: hosts, Clock: now, Log: log}
		return pair, pair.Reload()
	}
	return nil, nil
}

// Least is the oldest version of TLS that is spoken.
func (t TLS) Least() uint16 {
	if t.MinVersion == "1.3" {
		return tls.VersionTLS13
	}
	return tls.VersionTLS12
}

// Hosts gives the names that our certificate must be for: those of the URLs. Behind
// proxies nobody but them sees it, and it may be for a name of the inner network.
func (c Program) Hosts(urls ...string) []string {
	if len(c.Proxies.Trusted) > 0 {
		return nil
	}
	var hosts []string
	for _, text := range append([]string{c.PublicURL}, urls...) {
		u, err := url.Parse(text)
		if err == nil && u.Hostname() != "" && !slices.Contains(hosts, u.Hostname()) {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// Check finds what is wrong with these keys; urls are further ones that the
// certificate is for. A key that would have no effect is a mistake: nobody shall
// believe in protection that is not there (F-30).
func (t TLS) Check(p *Problems, c Program, urls ...string) {
	p.OneOf("tls.min_version", t.MinVersion, "1.2", "1.3")
	if t.Serves() && c.PublicURL != "" && !c.HTTPS() {
		p.Add(t.switchKey(), "there is TLS, but public_url begins with http://")
	}
	if !t.Serves() && t.MinVersion == "1.3" {
		p.Add("tls.min_version", "has no effect: a proxy ends TLS")
	}
	if t.ACME.AcceptTerms {
		t.checkACME(p, c, urls)
	} else {
		t.checkNoACME(p)
	}
	if t.CertificateFile != "" || t.KeyFile != "" {
		t.checkPair(p, c, urls)
	}
}

// switchKey is the key that switches TLS on.
func (t TLS) switchKey() string {
	if t.CertificateFile != "" {
		return "tls.certificate_file"
	}
	return "tls.acme.accept_terms"
}

func (t TLS) checkPair(p *Problems, c Program, urls []string) {
	before := len(*p)
	p.File("tls.certificate_file", t.CertificateFile, true)
	p.File("tls.key_file", t.KeyFile, true)
	if len(*p) > before {
		return
	}
	_, err := certs.Read(t.CertificateFile, t.KeyFile, clock.System(), c.Hosts(urls...)...)
	if m, ok := errors.AsType[*certs.Mistake](err); ok {
		key := "tls.certificate_file"
		if m.Key {
			key = "tls.key_file"
		}
		p.Add(key, "%v", m)
	}
}

func (t TLS) checkACME(p *Problems, c Program, urls []string) {
	const path = "tls.acme.accept_terms"
	if c.Development {
		p.Add(path, "no authority gives a certificate to a developer's machine; use certificate_file or plain http")
	}
	if t.CertificateFile != "" {
		p.Add(path, "stands beside tls.certificate_file; remove one of them")
	}
	if len(c.Proxies.Trusted) > 0 {
		p.Add(path, "an authority looks at the address itself, which proxies.trusted says is a proxy's; use certificate_file")
	}
	for _, host := range c.Hosts(urls...) {
		if net.ParseIP(host) != nil || loopback(host) || !strings.Contains(host, ".") {
			p.Add(path, "no authority gives a certificate to %s", host)
		}
	}
	p.URL("tls.acme.directory_url", t.ACME.DirectoryURL, false, false)
	if t.ACME.Email != "" && !strings.Contains(t.ACME.Email, "@") {
		p.Add("tls.acme.email", "%q is no mail address", t.ACME.Email)
	}
}

// checkNoACME finds keys that have no effect while nobody is asked.
func (t TLS) checkNoACME(p *Problems) {
	const need = "has no effect: read the terms of service of %s, then set tls.acme.accept_terms to true"
	if t.ACME.Email != "" {
		p.Add("tls.acme.email", need, t.ACME.DirectoryURL)
	}
	if t.ACME.DirectoryURL != DefaultTLS().ACME.DirectoryURL {
		p.Add("tls.acme.directory_url", need, t.ACME.DirectoryURL)
	}
}
