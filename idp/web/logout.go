package web

import (
	"net/http"

	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/page"
)

// logoutData asks before a session ends, or says that there is none.
type logoutData struct{ Email string }

// showLogout shows /logout: a question to somebody who is signed in, else "you are
// logged out", where the end_session_endpoint leads people that have no client to
// return to (OpenID Connect RP-Initiated Logout §2).
func (p *Pages) showLogout(w http.ResponseWriter, r *http.Request) error {
	session := signedIn(r)
	if session == nil {
		return p.Page.Show(w, r, page.Page{Template: "logged_out", Title: "logout.done_title"})
	}
	account, err := p.Accounts.ByID(r.Context(), session.AccountID)
	if err != nil {
		return err
	}
	return p.Page.Show(w, r, page.Page{Template: "logout", Title: "logout.title", Data: logoutData{Email: account.Email}})
}

// logout ends the session of this browser.
func (p *Pages) logout(w http.ResponseWriter, r *http.Request) error {
	if page.Switched(r) {
		return p.showLogout(w, r)
	}
	var frames []clients.Frame
	if session := signedIn(r); session != nil {
		var err error
		if frames, err = p.Frames(r.Context(), session.ID, page.Language(r)); err != nil {
			return err
		}
		if err := p.Sessions.End(r.Context(), session.ID); err != nil {
			return err
		}
	}
	p.Cookies.Clear(w, sessions.CookieName)
	p.ShowState(w, nil)
	if len(frames) > 0 {
		return p.Leave(w, r, frames, p.Page.Keep(r, "/logout"))
	}
	return p.Page.See(w, r, p.Page.Keep(r, "/logout"))
}
