package web

import (
	"net/http"

	"tegata/idp/interaction"
	"tegata/shared/fault"
	"tegata/shared/mail"
	"tegata/shared/page"
)

// accountData asks which account it shall be: the one that is signed in, or another one
// (OIDC Core §3.1.2.1, select_account).
type accountData struct {
	Interaction string
	Shown       string // the account, as sameAccount wants it back
	Client      string
	About       aboutClient
	Email       string // of who is signed in
	Expected    string // the address that the client named, if that is another one; whether it has an account is not looked at
}

// showAccount shows the form at /login/account, while that is what has to be asked.
func (p *Pages) showAccount(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.mine(r)
	if err != nil {
		return err
	}
	if !ok || at.next != interaction.AskAccount {
		return p.Page.See(w, r, within("/login", interactionID(r))) // which knows the way
	}
	p.allowForms(r, at.Interaction)
	return p.showAccountOf(w, r, at.Interaction, nil)
}

// chooseAccount takes decision=stay or decision=other. To stay proves nothing: a client
// that wants a fresh log-in gets one. Whoever went to another account and came back by the
// browser's button may still stay.
func (p *Pages) chooseAccount(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.mine(r)
	if err != nil {
		return err
	}
	if !ok || signedIn(r) == nil || !at.loggingIn() {
		return p.Page.See(w, r, within("/login", interactionID(r)))
	}
	it := at.Interaction
	p.allowForms(r, it)
	if page.Switched(r) {
		return p.showAccountOf(w, r, it, nil)
	}
	decision := r.PostForm.Get("decision")
	if err := p.sameAccount(r, it.ID); err != nil && decision != "other" {
		return p.showAccountOf(w, r, it, err)
	}
	switch decision {
	case "other":
		return p.Page.See(w, r, within("/login", it.ID)+"&other")
	case "stay":
		err := p.Interaction.Choose(r.Context(), it.ID, p.browser(w, r), signedIn(r))
		if err != nil && !fault.Is(err, fault.Denied) {
			return err
		}
		return p.Page.See(w, r, p.onward(r, it))
	}
	return p.showAccountOf(w, r, it, fault.New(fault.Invalid, "", "login_account.choose"))
}

func (p *Pages) showAccountOf(w http.ResponseWriter, r *http.Request, it interaction.Interaction, problem error) error {
	account, err := p.Accounts.ByID(r.Context(), signedIn(r).AccountID)
	if err != nil {
		return err
	}
	data := accountData{Interaction: it.ID, Shown: p.shown(it.ID, account.ID), Client: p.clientName(r, it), About: p.aboutClient(r, it), Email: account.Email}
	if hint, err := mail.Address(it.LoginHint); err == nil && hint != account.Email {
		data.Expected = hint
	}
	return p.Page.Show(w, r, page.Page{Template: "login_account", Title: "login_account.title", Problem: problem, Data: data})
}
