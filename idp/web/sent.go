package web

import (
	"net/http"
	"time"

	"tegata/idp/accounts"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// sentData is the page after sign-up. It is the same for an address that has an
// account already: then the sign-up it speaks of is a decoy (S-025, S-032).
type sentData struct {
	Email       string // "" when the sign-up is no longer known
	Code        string // as typed
	Interaction string
	Again       bool   // the mail was just sent once more
	Days        int    // how long the mail works
	Wait        int    // seconds between two mails
	Sender      string // S-042
	SignUp      string // to start over, keeping the conversation
	FreeMail    bool   // a soft warning (S-026)
}

// showSent shows /signup/sent. Which sign-up it is about stands in a cookie, so the
// page can be loaded again and no address appears in a URL.
func (p *Pages) showSent(w http.ResponseWriter, r *http.Request) error {
	return p.Page.Show(w, r, p.sentPage(r, nil))
}

// sent takes the typed code, or the wish for another mail.
func (p *Pages) sent(w http.ResponseWriter, r *http.Request) error {
	if page.Switched(r) {
		return p.Page.Show(w, r, p.sentPage(r, nil))
	}
	pending := p.Cookies.Read(r, pendingCookie)
	if r.PostForm.Get("action") == "resend" {
		return p.resend(w, r, pending)
	}
	link, err := p.Accounts.ProveByCode(r.Context(), pending, r.PostForm.Get("code"))
	if err == nil && link.State != accounts.Fresh && link.State != accounts.Used {
		err = fault.New(fault.Expired, "code", "sent.code_old")
	}
	if err != nil {
		return p.sentAgain(w, r, err)
	}
	return p.proved(w, r, link)
}

// resend sends the mail once more; how often is the rule of accounts.
func (p *Pages) resend(w http.ResponseWriter, r *http.Request, pending string) error {
	if err := p.Accounts.Resend(r.Context(), pending); err != nil {
		return p.sentAgain(w, r, err)
	}
	address := "/signup/sent?again=1"
	if id := interactionID(r); id != "" {
		address = within("/signup/sent", id) + "&again=1"
	}
	return p.Page.See(w, r, address)
}

// sentAgain shows the page with what is wrong; only what is no refusal is passed on.
func (p *Pages) sentAgain(w http.ResponseWriter, r *http.Request, problem error) error {
	if fault.KindOf(problem) == fault.Internal {
		return problem
	}
	return p.Page.Show(w, r, p.sentPage(r, problem))
}

func (p *Pages) sentPage(r *http.Request, problem error) page.Page {
	data := sentData{
		Code:        r.PostForm.Get("code"),
		Interaction: interactionID(r),
		Again:       problem == nil && r.URL.Query().Has("again"),
		Days:        int(accounts.ActivationFor / (24 * time.Hour)),
		Wait:        int(p.Accounts.Rules.Resend.Every / time.Second),
		Sender:      p.sender(),
		SignUp:      within("/signup", interactionID(r)),
	}
	if pending, err := p.Accounts.LookPending(r.Context(), p.Cookies.Read(r, pendingCookie)); err == nil {
		data.Email, data.FreeMail = pending.Email, accounts.FreeMail(pending.Email)
	}
	return page.Page{Template: "sent", Title: "sent.title", Problem: problem, Data: data}
}
