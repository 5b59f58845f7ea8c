package config

import (
	"tegata/shared/certs"
	"tegata/shared/clock"
)

// ClientCertificates is how clients show certificates (RFC 8705): on an address of its
// own, so that no browser ever asks a person to choose one. Embed it beside TLS.
type ClientCertificates struct {
	Mode      string `yaml:"client_certificates"` // off, request
	Listen    string `yaml:"mtls_listen"`
	PublicURL string `yaml:"mtls_public_url"`
	CAFile    string `yaml:"client_ca_file"`
	CRLFile   string `yaml:"client_crl_file"`
}

// Asked tells whether certificates are looked at.
func (m ClientCertificates) Asked() bool { return m.Mode == "request" }

// Check finds what is wrong with these keys beside t.
func (m ClientCertificates) Check(p *Problems, c Program, t TLS) {
	p.OneOf("tls.client_certificates", m.Mode, "off", "request")
	if !m.Asked() {
		m.checkOff(p)
		return
	}
	p.URL("tls.mtls_public_url", m.PublicURL, false, true)
	if m.PublicURL != "" && m.PublicURL == c.PublicURL {
		p.Add("tls.mtls_public_url", "is public_url; browsers must not be asked for certificates")
	}
	m.checkListen(p, c, t)
	if m.CAFile == "" && m.CRLFile != "" {
		p.Add("tls.client_crl_file", "has no effect without client_ca_file")
		return
	}
	before := len(*p)
	checkReadable(p, "tls.client_ca_file", m.CAFile, func(file string) error {
		_, err := certs.ReadPool(file)
		return err
	})
	checkReadable(p, "tls.client_crl_file", m.CRLFile, certs.ReadRevocations)
	if m.CRLFile != "" && len(*p) == before {
		m.checkLists(p)
	}
}

// checkLists finds authorities that lock all of their clients out.
func (m ClientCertificates) checkLists(p *Problems) {
	unlisted, err := certs.Unlisted(m.CAFile, m.CRLFile, clock.System())
	if err != nil {
		p.Add("tls.client_crl_file", "%v", err) // it changed just now
	}
	for _, err := range unlisted {
		p.Add("tls.client_crl_file", "%s: %v; add its list, or take it out of %s", m.CRLFile, err, m.CAFile)
	}
}

// checkReadable finds what is wrong with a file, if one is named.
func checkReadable(p *Problems, key, file string, read func(file string) error) {
	if file == "" {
		return
	}
	before := len(*p)
	if p.File(key, file, true); len(*p) > before {
		return
	}
	if err := read(file); err != nil {
		p.Add(key, "%v", err)
	}
}

// checkOff finds keys that have no effect.
func (m ClientCertificates) checkOff(p *Problems) {
	for _, key := range [][2]string{{"tls.mtls_listen", m.Listen}, {"tls.mtls_public_url", m.PublicURL}, {"tls.client_ca_file", m.CAFile}, {"tls.client_crl_file", m.CRLFile}} {
		if key[1] != "" {
			p.Add(key[0], "has no effect with client_certificates: off")
		}
	}
}

func (m ClientCertificates) checkListen(p *Problems, c Program, t TLS) {
	const path = "tls.mtls_listen"
	proxied := len(c.Proxies.Trusted) > 0
	switch {
	case m.Listen == "" && proxied: // the proxy asks, and tells in Client-Cert
	case m.Listen == "" && t.Serves():
		p.Add(path, "is missing")
	case m.Listen == "":
		p.Add("tls.client_certificates", "nobody can ask: there is neither a certificate of ours nor a proxy in proxies.trusted")
	case !t.Serves():
		p.Add(path, "there is no certificate of ours: set certificate_file, or leave this to the proxy")
	case m.Listen == c.Listen || m.Listen == c.Metrics.Listen:
		p.Add(path, "is the address of another listener")
	default:
		p.Address(path, m.Listen, c.Development)
	}
}
