package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"tegata/idp/interaction"
	"tegata/idp/sessions"
	"tegata/shared/fault"
	"tegata/shared/serve"
)

// pendingCookie names the sign-up of "mail sent", so that the page can be loaded again.
const pendingCookie = "tegata_pending"

// interactionID is the conversation a request belongs to, "" for none. Forms post it
// in a hidden field, links carry it in the query.
func interactionID(r *http.Request) string {
	if id := r.PostForm.Get("interaction"); id != "" {
		return id
	}
	return r.URL.Query().Get("interaction")
}

// within is path with the conversation kept, "/signup?interaction=…".
func within(path, id string) string {
	if id == "" {
		return path
	}
	return path + "?interaction=" + url.QueryEscape(id)
}

// browser gives the binding of this browser, making it when there is none yet.
func (p *Pages) browser(w http.ResponseWriter, r *http.Request) string {
	return p.Cookies.Keep(w, r, sessions.BrowserCookieName, interaction.NewBrowser)
}

// place is where a conversation stands: what it is about and what comes next.
type place struct {
	interaction.Interaction
	next interaction.Step
}

// loggingIn tells whether the person still has to log in, or may do so as somebody else.
func (at place) loggingIn() bool {
	return at.next == interaction.AskIdentifier || at.next == interaction.AskPassword || at.next == interaction.AskAccount
}

// mine tells where the conversation of a request stands, if this browser may go on
// with it. ok is false when it is unknown, over, or belongs to another browser.
func (p *Pages) mine(r *http.Request) (at place, ok bool, err error) {
	id, browser := interactionID(r), p.Cookies.Read(r, sessions.BrowserCookieName)
	if id == "" || browser == "" {
		return at, false, nil
	}
	at.Interaction, at.next, err = p.Interaction.Step(r.Context(), id, browser)
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Denied, fault.Expired, fault.Conflict:
		return place{}, false, nil
	}
	return at, err == nil, err
}

// others looks at an interaction that this browser cannot go on with, to learn which
// client the person wanted to reach. It gives an empty one when there is none.
func (p *Pages) others(r *http.Request) interaction.Interaction { return p.peek(r, interactionID(r)) }

func (p *Pages) peek(r *http.Request, id string) interaction.Interaction {
	if id == "" {
		return interaction.Interaction{}
	}
	it, err := p.Interaction.Peek(r.Context(), id)
	if err != nil {
		return interaction.Interaction{} // then this log-in is one without a client
	}
	return it
}

// UILocales is what the client of a conversation asked for: page.Options.UILocales. Any
// browser may know that, also of one that is over, or behind the link of an activation mail.
func (p *Pages) UILocales(r *http.Request) string {
	id := interactionID(r)
	if id == "" && r.URL.Path == "/activate" {
		if link, err := p.Accounts.LookLink(r.Context(), r.FormValue("token")); err == nil {
			id = link.Resume
		}
	}
	return p.peek(r, id).UILocales
}

// about is mine with what the conversation is about, though it may be another browser's.
func (p *Pages) about(r *http.Request) (at place, it interaction.Interaction, mine bool, err error) {
	at, mine, err = p.mine(r)
	if err != nil || mine {
		return at, at.Interaction, mine, err
	}
	return at, p.others(r), false, nil
}

// begin starts a conversation without an authorization request: of somebody who came
// by the address of the provider, or who started in another browser and shall still
// reach the client of it.
func (p *Pages) begin(r *http.Request, browser string, of interaction.Interaction) (interaction.Interaction, error) {
	return p.Interaction.Begin(r.Context(), browser, interaction.Asked{
		ClientID: of.ClientID, ClientName: of.ClientName, Target: of.Target, UILocales: of.UILocales,
	})
}

// onward is where a person goes when the pages have nothing left to ask: back to the
// protocol, to the client that shall start afresh, or home.
func (p *Pages) onward(r *http.Request, it interaction.Interaction) string {
	switch {
	case it.Request != "":
		return within("/oauth2/authorize", it.ID)
	case it.ClientID != "":
		if address := p.restart(r, it); address != "" {
			return address
		}
	case strings.HasPrefix(it.Target, deviceConfirm): // ours: no client sent it
		return it.Target
	}
	return "/profile"
}

// restart is the client's own URL to begin a log-in (OIDC Core §4), with the place
// the person wanted; "" when the client registered none. The address hint stays out:
// the session that just began says who it is, and URLs end in other people's logs.
func (p *Pages) restart(r *http.Request, it interaction.Interaction) string {
	client, err := p.Clients.ByID(r.Context(), it.ClientID)
	if err != nil || client.InitiateLoginURI == "" {
		return ""
	}
	return initiate(client.InitiateLoginURI, p.Issuer, it.Target)
}

// initiate builds the request of OIDC Core §4.
func initiate(address, issuer, target string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("iss", issuer)
	if target != "" {
		q.Set("target_link_uri", target)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// allowForms lets a form of this page end in a redirect to the client: browsers hold
// form-action against every hop after a post.
func (p *Pages) allowForms(r *http.Request, it interaction.Interaction) {
	if it.ClientID == "" {
		return
	}
	client, err := p.Clients.ByID(r.Context(), it.ClientID)
	if err != nil {
		return // authorize will refuse it; the form itself needs nothing
	}
	for _, address := range client.RedirectURIs {
		serve.AllowFormAction(r.Context(), address)
	}
	if client.InitiateLoginURI != "" {
		serve.AllowFormAction(r.Context(), client.InitiateLoginURI)
	}
}

// shown names an account in a form about a conversation or a device, to be compared only:
// what it says is of use to nobody, and not the same in two forms.
func (p *Pages) shown(about, accountID string) string {
	return base64.RawURLEncoding.EncodeToString(p.Once.Seal.MAC("account shown", about, accountID))
}

// sameAccount refuses what a form says when it was shown to another account than the one
// that is signed in now: somebody may have logged in on another page of this browser since,
// and would approve what they never saw.
func (p *Pages) sameAccount(r *http.Request, about string) error {
	mac, err := base64.RawURLEncoding.DecodeString(r.PostForm.Get("shown"))
	if err != nil || !p.Once.Seal.MatchMAC("account shown", about, signedIn(r).AccountID, mac) {
		return fault.New(fault.Invalid, "", "consent.account_changed")
	}
	return nil
}

// signedIn gives the session of a request, nil for a stranger.
func signedIn(r *http.Request) *sessions.Session { return sessions.Of(r.Context()) }
