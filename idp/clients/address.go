package clients

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (c *Client) checkURIs(p *Problems, at string, development bool) {
	plainHTTP := development || c.Native()
	if len(c.RedirectURIs) == 0 && c.May(AuthorizationCode) {
		p.add(at+".redirect_uris", "want at least one")
	}
	for i, uri := range c.RedirectURIs {
		c.checkURI(p, fmt.Sprintf("%s.redirect_uris[%d]", at, i), uri, plainHTTP)
	}
	for i, uri := range c.PostLogoutRedirectURIs {
		c.checkURI(p, fmt.Sprintf("%s.post_logout_redirect_uris[%d]", at, i), uri, plainHTTP)
	}
	if c.InitiateLoginURI != "" {
		web := &Client{ApplicationType: "web"}
		web.checkURI(p, at+".initiate_login_uri", c.InitiateLoginURI, development)
	}
}

// checkURI refuses what a browser could be led astray with: fragments, passwords,
// wildcards, scripts and plain http over a network. RFC 6749 §3.1.2, RFC 8252 §7.
func (c *Client) checkURI(p *Problems, path, uri string, plainHTTP bool) {
	u, err := url.Parse(uri)
	switch {
	case err != nil || !u.IsAbs() || len(uri) > 2048:
		p.about(path, "want an absolute URL", ", not %q", uri)
	case strings.ContainsAny(uri, "#* \\") || strings.ContainsAny(u.Host, ";,'\"") || u.User != nil || strings.ContainsFunc(uri, notPrintable):
		p.about(path, "no fragment, wildcard, blank, backslash or user name allowed", ": %q", uri)
	case u.Scheme == "https" && u.Hostname() != "":
	case u.Scheme == "http" && plainHTTP && ownMachine(u.Hostname()):
	case c.Native() && u.Host == "" && strings.Contains(u.Scheme, "."):
	default:
		p.about(path, "want https (http only to the own machine, in development or for a native client)", ": %q", uri)
	}
}

// checkPorts finds addresses with a port where no browser gets to, with paths below at. A
// native client may register any port of its own machine as 0: which one it is, is found
// out later (RFC 8252 §7.3).
func (c *Client) checkPorts(p *Problems, at string) {
	all := map[string]string{
		"initiate_login_uri": c.InitiateLoginURI, "jwks_uri": c.JWKSURI,
		"backchannel_logout_uri": c.BackchannelLogoutURI, "frontchannel_logout_uri": c.FrontchannelLogoutURI,
		"logo_uri": c.LogoURI, "policy_uri": c.PolicyURI, "tos_uri": c.TermsURI, "client_uri": c.ClientURI,
		"sector_identifier_uri": c.SectorIdentifierURI,
	}
	for i, uri := range c.RedirectURIs {
		if _, own := loopback(uri); !own || !c.Native() || !anyPort(uri) {
			all[fmt.Sprintf("redirect_uris[%d]", i)] = uri
		}
	}
	for i, uri := range c.PostLogoutRedirectURIs {
		all[fmt.Sprintf("post_logout_redirect_uris[%d]", i)] = uri
	}
	for i, uri := range c.RequestURIs {
		all[fmt.Sprintf("request_uris[%d]", i)] = uri
	}
	for i, one := range c.AssertionIssuers {
		all[fmt.Sprintf("assertion_issuers[%d].jwks_uri", i)] = one.JWKSURI
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if u, err := url.Parse(all[name]); err == nil && !goodPort(u) { // else a mistake of its own
			p.about(at+"."+name, "want a port from 1 to 65535, or none", ": %q", all[name])
		}
	}
}

// anyPort tells whether the port of uri is 0.
func anyPort(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Port() == "0"
}

// goodPort tells whether a browser can go to the port, written as everybody writes it; an
// address without one has that of its scheme. RFC 3986 §3.2.3.
func goodPort(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && port[0] != '0'
}

func notPrintable(r rune) bool { return r < 0x21 || r > 0x7e }

func ownMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
