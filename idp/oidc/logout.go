package oidc

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/fault"
)

// farewell is a logout request that was understood. RP-Initiated Logout §2.
type farewell struct {
	hint  hint
	known bool   // the hint is ours
	back  string // where to send the person, checked, with the state; "" for our own page
}

// logout answers /oauth2/logout. A genuine ID token, even an expired one, shows that
// the client knows whom it logs out: then the session ends at once. Without one the
// person is asked, on our page: anybody can make a browser come here. An address that
// is not exactly registered, or a hint that is not ours, leads nowhere else.
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
	signedIn, account, err := p.present(r.Context())
	if err != nil {
		p.problem(w, r, err)
		return
	}
	theirs, err := p.isSubject(r.Context(), bye.hint, account)
	if err != nil {
		p.problem(w, r, err)
		return
	}
	if signedIn != nil && (!bye.known || bye.hint.SID != signedIn.ID && !theirs) {
		see(w, pageLogout) // asks
		return
	}
	onward := bye.back
	if onward == "" {
		onward = pageLogout // says so
	}
	if signedIn == nil {
		see(w, onward)
		return
	}
	if err := p.leave(w, r, signedIn, onward); err != nil {
		p.problem(w, r, err)
	}
}

// leave ends the session and sends the person onward, by way of the log-out pages of
// clients that have some.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, s *sessions.Session, onward string) error {
	var frames []clients.Frame
	if p.Farewells != nil && p.Leave != nil {
		var err error
		if frames, err = p.Farewells.Frames(r.Context(), s.ID, language(r.FormValue("ui_locales"))); err != nil {
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
