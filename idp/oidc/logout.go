package oidc

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/fault"
)

// farewell is a logout request that was understood. RP-Initiated Logout §2.
type farewell struct {
	hint  hint
	known bool   // the hint is ours
	back  string // where to send the person, checked, with the state; "" for our own page
}

// logout answers /oauth2/logout. A genuine ID token, even an expired one, shows that
// the client knows whom it logs out: then the session that it names ends at once, and
// the browser's own if it is the same person's. Without one the person is asked, on our
// page: anybody can make a browser come here. An address that is not exactly registered,
// or a hint that is not ours, leads nowhere else.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	params, err := parameters(w, r)
	if err != nil {
		p.problem(w, r, err)
		return
	}
	bye, err := p.readFarewell(r, params)
	p.noteLogout(r, params, bye, err)
	if err != nil {
		p.problem(w, r, err)
		return
	}
	if err := p.sayFarewell(w, r, bye); err != nil {
		p.problem(w, r, err)
	}
}

// sayFarewell ends what the request is about. The hint speaks for its client and not
// for the browser: where somebody else is signed in, they are asked, and nothing ends.
func (p *Provider) sayFarewell(w http.ResponseWriter, r *http.Request, bye farewell) error {
	v, r, err := p.visitor(w, r, "")
	if err != nil {
		return err
	}
	signedIn := v.session
	theirs, err := p.isSubject(r.Context(), bye.hint, v.known.Account)
	if err != nil {
		return err
	}
	switch {
	case signedIn != nil && (!bye.known || bye.hint.SID != signedIn.ID && !theirs):
		see(w, p.keep(r, pageLogout)) // asks
		return nil
	case signedIn == nil && comesAgain(r):
		see(w, pathLogout+"?"+r.Form.Encode()) // with the cookie, if there is one
		return nil
	}
	if bye.known && (signedIn == nil || bye.hint.SID != signedIn.ID) {
		if err := p.endNamed(r.Context(), bye.hint); err != nil {
			return err
		}
	}
	onward := bye.back
	if onward == "" {
		onward = p.keep(r, pageLogout) // says so
	}
	if signedIn == nil {
		see(w, onward)
		return nil
	}
	return p.leave(w, r, signedIn, onward)
}

// comesAgain tells whether a browser posted the request from another site: it keeps
// cookies that are SameSite=Lax to itself then, and sends them when it follows a redirect.
func comesAgain(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// endNamed ends the session that the hint names: the browser is another one, or it is
// the client's server that comes. What else the session let in is told from server to
// server; who comes without the session's cookie learns nothing of it, so there are no
// frames.
func (p *Provider) endNamed(ctx context.Context, h hint) error {
	sid, err := p.sessionOf(ctx, h)
	if err != nil || sid == "" {
		return err
	}
	p.Count("logged_out_by_hint")
	return p.Sessions.End(audit.WithCause(ctx, audit.Cause{Actor: "client", Details: map[string]string{
		"why": "somebody came with an ID token of the session", "clients": strings.Join(h.Clients, " "),
	}}), sid)
}

// leave ends the session and sends the person onward, by way of the log-out pages of
// clients that have some.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, s *sessions.Session, onward string) error {
	var frames []clients.Frame
	if p.Farewells != nil && p.Leave != nil {
		var err error
		if frames, err = p.Farewells.Frames(r.Context(), s.ID, p.language(r)); err != nil {
			return err
		}
	}
	if err := p.Sessions.End(r.Context(), s.ID); err != nil {
		return err
	}
	p.Count("logged_out")
	p.Cookies.Clear(w, sessions.CookieName)
	p.ShowState(w, nil)
	if len(frames) > 0 {
		return p.Leave(w, r, frames, onward)
	}
	see(w, onward)
	return nil
}

// readFarewell checks what a logout request brings along.
func (p *Provider) readFarewell(r *http.Request, params url.Values) (bye farewell, err error) {
	clientID := params.Get("client_id")
	if text := params.Get("id_token_hint"); text != "" {
		bye.hint, bye.known = p.readHint(text, p.Clock())
		if !bye.known || clientID != "" && !slices.Contains(bye.hint.Clients, clientID) {
			return bye, fault.New(fault.Invalid, "id_token_hint", "oidc.bad_logout")
		}
		if clientID == "" {
			clientID = bye.hint.Clients[0]
		}
	}
	to := params.Get("post_logout_redirect_uri")
	if to == "" {
		return bye, nil
	}
	client, err := p.Clients.ByID(r.Context(), clientID)
	if fault.Is(err, fault.NotFound) || err == nil && !client.ReturnsTo(to) {
		return bye, fault.New(fault.Invalid, "post_logout_redirect_uri", "oidc.bad_logout")
	}
	if err != nil || !bye.known {
		return bye, err // without a hint nobody is sent away
	}
	bye.back = to
	if state := params.Get("state"); state != "" && len(state) <= maxState {
		separator := "?"
		if strings.Contains(to, "?") {
			separator = "&"
		}
		bye.back += separator + "state=" + url.QueryEscape(state)
	}
	return bye, nil
}
