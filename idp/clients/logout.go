package clients

import (
	"net/url"
	"slices"
)

// defaultLogout drops what says something about an address that there is not.
func (c *Client) defaultLogout() {
	c.BackchannelLogoutSession = c.BackchannelLogoutSession && c.BackchannelLogoutURI != ""
	c.FrontchannelLogoutSession = c.FrontchannelLogoutSession && c.FrontchannelLogoutURI != ""
}

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

// HearsOfLogouts tells whether the client is told when a session ends. Only then does it
// need the session's name, sid (OIDC Back-Channel Logout §2.1, Front-Channel Logout §3).
func (c *Client) HearsOfLogouts() bool {
	return c.BackchannelLogoutURI != "" || c.FrontchannelLogoutURI != ""
}

// Origin gives scheme, host and port of an address, "" for one that has none.
func Origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Frame is a client's own log-out page, to be shown in a frame while a person leaves.
type Frame struct{ Client, Address string }
