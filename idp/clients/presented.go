package clients

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a client may say about itself at most.
const (
	maxName  = 128 // code points
	maxLists = 32  // addresses of one kind, contacts
)

// checkPresented judges what people are shown of a client and where we look for its
// request objects.
func (c *Client) checkPresented(p *Problems, at string, development bool) {
	for lang, name := range c.Name {
		if !presentable(name, maxName) {
			p.add(at+".client_name."+lang, "want at most %d characters and none that do not show", maxName)
		}
	}
	web := &Client{ApplicationType: "web"}
	for _, f := range []struct{ name, uri string }{
		{"logo_uri", c.LogoURI}, {"policy_uri", c.PolicyURI}, {"tos_uri", c.TermsURI}, {"client_uri", c.ClientURI},
		{"sector_identifier_uri", c.SectorIdentifierURI},
	} {
		if f.uri != "" {
			web.checkURI(p, at+"."+f.name, f.uri, development)
		}
	}
	for i, uri := range c.RequestURIs {
		plain, _, _ := strings.Cut(uri, "#") // a hash of what lies there: OIDC Core §6.2
		web.checkURI(p, fmt.Sprintf("%s.request_uris[%d]", at, i), plain, development)
	}
	for i, one := range c.Contacts {
		if !presentable(one, 254) {
			p.add(fmt.Sprintf("%s.contacts[%d]", at, i), "want an address")
		}
	}
	if c.DefaultMaxAge != nil && (*c.DefaultMaxAge < 0 || *c.DefaultMaxAge > 1<<31) {
		p.add(at+".default_max_age", "want a number of seconds")
	}
	for name, n := range map[string]int{
		"redirect_uris": len(c.RedirectURIs), "post_logout_redirect_uris": len(c.PostLogoutRedirectURIs),
		"request_uris": len(c.RequestURIs), "contacts": len(c.Contacts), "default_acr_values": len(c.DefaultACRValues),
	} {
		if n > maxLists {
			p.add(at+"."+name, "want at most %d", maxLists)
		}
	}
}

// presentable refuses what could make a name look like something else.
func presentable(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, Hidden)
}

// Hidden tells whether a character does not show, or makes others look different: control
// characters, the marks that turn the direction of text, separators of lines, fillers.
// Unicode TR 36 §2.5.
func Hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// Return is the hosts that people may come back to, for telling clients apart that
// nobody looked at: a name can be anybody's. All of them, since a client can register
// a well-known one and use another.
func (c *Client) Return() string {
	var hosts []string
	for _, uri := range c.RedirectURIs {
		if host := Host(uri); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return strings.Join(hosts, ", ")
}

// Host is where an address leads, for people: its host, or the scheme of an address
// that is a program's own; "" when it leads nowhere.
func Host(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case u.Host == "" && u.Scheme != "":
		return u.Scheme + ":"
	}
	return u.Host
}
