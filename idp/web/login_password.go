package web

import (
	"net/http"

	"tegata/idp/interaction"
	"tegata/idp/sessions"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// passwordData is the second page of a log-in (S-049). The password itself is never
// shown again.
type passwordData struct {
	Email       string
	Interaction string
	Client      string
	About       aboutClient
	Change      string // back to the address
	Forgot      string // under the button (S-053)
	Failed      bool   // show the hint about the business address (S-051)
}

// showPassword shows the form at /login/password, or starts over where the
// conversation cannot go on.
func (p *Pages) showPassword(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.mine(r)
	if err != nil {
		return err
	}
	if p.Cookies.Read(r, sessions.BrowserCookieName) == "" {
		return p.Page.See(w, r, "/login?cookies=off") // we have just set one
	}
	if !ok || at.next != interaction.AskPassword {
		return p.Page.See(w, r, within("/login", interactionID(r)))
	}
	p.allowForms(r, at.Interaction)
	return p.Page.Show(w, r, p.passwordPage(r, at.Interaction))
}

// logIn checks the password and goes on. Why a log-in fails is told in one sentence
// for all reasons.
func (p *Pages) logIn(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.mine(r)
	if err != nil {
		return err
	}
	if !ok || at.next != interaction.AskPassword {
		return p.Page.See(w, r, within("/login", interactionID(r)))
	}
	it := at.Interaction
	p.allowForms(r, it)
	if page.Switched(r) {
		return p.Page.Show(w, r, p.passwordPage(r, it))
	}
	password := r.PostForm.Get("password")
	if password == "" {
		return p.refused(w, r, it, fault.New(fault.Invalid, "password", "password.missing"))
	}
	session, token, err := p.Interaction.Password(r.Context(), it.ID, p.browser(w, r), password)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Denied, fault.TooMany, fault.Busy:
		return p.refused(w, r, it, err)
	}
	if err != nil {
		return err
	}
	if p.Cookies.Read(r, pendingCookie) != "" {
		p.Cookies.Clear(w, pendingCookie) // whoever uses this browser next need not see the address
	}
	p.Cookies.Set(w, sessions.CookieName, token, session.ExpiresAt.Sub(p.Clock()))
	p.ShowState(w, &session)
	due, err := p.Accounts.TermsDue(r.Context(), session.AccountID)
	if err != nil {
		return err
	}
	if due {
		return p.Page.See(w, r, within("/terms/accept", it.ID))
	}
	return p.Page.See(w, r, p.onward(r, it))
}

func (p *Pages) refused(w http.ResponseWriter, r *http.Request, it interaction.Interaction, problem error) error {
	shown := p.passwordPage(r, it)
	data := shown.Data.(passwordData)
	data.Failed = fault.Is(problem, fault.Denied)
	shown.Data, shown.Problem = data, problem
	return p.Page.Show(w, r, shown)
}

func (p *Pages) passwordPage(r *http.Request, it interaction.Interaction) page.Page {
	return page.Page{Template: "login_password", Title: "login_password.title", Data: passwordData{
		Email:       it.Email,
		Interaction: it.ID,
		Client:      p.clientName(r, it),
		About:       p.aboutClient(r, it),
		Change:      within("/login", it.ID),
		Forgot:      within("/forgot-password", it.ID),
	}}
}
