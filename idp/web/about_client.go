package web

import (
	"net/http"
	"net/url"

	"tegata/idp/clients"
	"tegata/idp/interaction"
)

// aboutClient is what a client says about itself. All of it are links: nothing of
// theirs is fetched for our pages, neither by us nor by the browser.
type aboutClient struct {
	Unverified bool
	Return     string // of an unverified one: the host that this conversation leads back to, "" for a device
	Home       string
	Logo       string
	Policy     string
	Terms      string
}

// Says tells whether there is a link to show.
func (a aboutClient) Says() bool { return a.Home+a.Logo+a.Policy+a.Terms != "" }

// aboutClient tells it of the client of a conversation; nothing when the client is
// gone or says nothing.
func (p *Pages) aboutClient(r *http.Request, it interaction.Interaction) aboutClient {
	if it.ClientID == "" {
		return aboutClient{}
	}
	client, err := p.Clients.ByID(r.Context(), it.ClientID)
	if err != nil {
		return aboutClient{}
	}
	about := about(client)
	if about.Unverified {
		about.Return = leadsTo(client, it)
	}
	return about
}

// about is what a client says where nobody is sent back to it: a device asks.
func about(client *clients.Client) aboutClient {
	return aboutClient{
		Unverified: client.Unverified, Home: client.ClientURI, Logo: client.LogoURI, Policy: client.PolicyURI, Terms: client.TermsURI,
	}
}

// leadsTo is the host that the answer will go to; when the request does not tell, all
// that it could be.
func leadsTo(client *clients.Client, it interaction.Interaction) string {
	request, err := url.ParseQuery(it.Request)
	if to := request.Get("redirect_uri"); err == nil && client.Redirects(to) {
		return clients.Host(to)
	}
	return client.Return()
}
