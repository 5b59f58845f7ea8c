package clients

import (
	"net/url"
	"slices"
)

// checkLogout refuses what a session's end must not be told to.
func (c *Client) checkLogout(p *Problems, at string, development bool) {
	web := &Client{ApplicationType: "web"}
	if c.BackchannelLogoutURI != "" {
		web.checkURI(p, at+".backchannel_logout_uri", c.BackchannelLogoutURI, development)
	}
	if c.FrontchannelLogoutURI == "" {
		return
	}
	path := at + ".frontchannel_logout_uri"
	web.checkURI(p, path, c.FrontchannelLogoutURI, development)
	own := func(uri string) bool { return Origin(uri) == Origin(c.FrontchannelLogoutURI) }
	if !slices.ContainsFunc(c.RedirectURIs, own) { // OIDC Front-Channel Logout §2
		p.add(path, "want scheme, host and port of one of redirect_uris")
	}
}

// Origin gives scheme, host and port of an address, "" for one that has none.
func Origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Hosts gives where the client may send a person back to, without doubles: what an
// unverified client is known by.
func (c *Client) Hosts() []string {
	var all []string
	for _, uri := range c.RedirectURIs {
		host := HostOf(uri)
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}

// HostOf gives the host of an address, or the scheme of an app's own.
func HostOf(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case u.Host != "":
		return u.Host
	}
	return u.Scheme + ":"
}

// Frame is a client's own log-out page, to be shown in a frame while a person leaves.
type Frame struct{ Client, Address string }
