package web

import (
	"net/http"
	"time"

	"tegata/idp/accounts"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// activateData is the page behind the link of the activation mail, in each of the
// states a link can be in (S-034, S-044).
type activateData struct {
	Token  string // posted by the button, nowhere else on the page
	State  accounts.LinkState
	Days   int
	Back   string // to the log-in, keeping the conversation (S-045)
	SignUp string
}

// activateTitles are the headings of the states.
var activateTitles = map[accounts.LinkState]string{
	accounts.Fresh:    "activate.title",
	accounts.Used:     "activate.used_title",
	accounts.Expired:  "activate.expired_title",
	accounts.Replaced: "activate.replaced_title",
	accounts.Unknown:  "activate.unknown_title",
}

// showActivate shows what a link can do and spends nothing, however often programs
// that read mail before its owner open it.
func (p *Pages) showActivate(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	link, err := p.Accounts.LookLink(r.Context(), token)
	if err != nil {
		return err
	}
	return p.Page.Show(w, r, p.activatePage(token, link, nil))
}

// activate is the button: it proves the address, or sends a new mail where the link
// is too old. It gives no session: the person logs in next (S-038).
func (p *Pages) activate(w http.ResponseWriter, r *http.Request) error {
	token := r.PostForm.Get("token")
	if page.Switched(r) {
		return p.showLink(w, r, token, nil)
	}
	if r.PostForm.Get("action") == "resend" {
		return p.resendByLink(w, r, token)
	}
	link, err := p.Accounts.ProveByLink(r.Context(), token)
	if err != nil {
		return p.showLink(w, r, token, err)
	}
	if link.State != accounts.Fresh {
		return p.Page.Show(w, r, p.activatePage(token, link, nil))
	}
	return p.proved(w, r, link)
}

// resendByLink sends the mail anew for a link that is too old; "mail sent" follows.
func (p *Pages) resendByLink(w http.ResponseWriter, r *http.Request, token string) error {
	pending, err := p.Accounts.ResendByLink(r.Context(), token)
	if err != nil {
		return p.showLink(w, r, token, err)
	}
	p.Cookies.Set(w, pendingCookie, pending, accounts.ActivationFor)
	return p.Page.See(w, r, "/signup/sent?again=1")
}

// showLink shows the state a link is in now, with what went wrong.
func (p *Pages) showLink(w http.ResponseWriter, r *http.Request, token string, problem error) error {
	if problem != nil && fault.KindOf(problem) == fault.Internal {
		return problem
	}
	link, err := p.Accounts.LookLink(r.Context(), token)
	if err != nil {
		return err
	}
	if !fault.Is(problem, fault.TooMany) && !fault.Is(problem, fault.Busy) {
		problem = nil // the state says it in words of its own
	}
	return p.Page.Show(w, r, p.activatePage(token, link, problem))
}

func (p *Pages) activatePage(token string, link accounts.Link, problem error) page.Page {
	return page.Page{Template: "activate", Title: activateTitles[link.State], Problem: problem, Data: activateData{
		Token:  token,
		State:  link.State,
		Days:   int(accounts.ActivationFor / (24 * time.Hour)),
		Back:   within("/login", link.Resume),
		SignUp: within("/signup", link.Resume),
	}}
}

// proved leads to the page that says so. The sign-up is over: its cookie goes.
func (p *Pages) proved(w http.ResponseWriter, r *http.Request, link accounts.Link) error {
	p.Cookies.Clear(w, pendingCookie)
	return p.Page.See(w, r, within("/activate/done", link.Resume))
}

// showActivated says that the address is proved and offers the log-in, which brings
// the person back to where they wanted to go (S-045).
func (p *Pages) showActivated(w http.ResponseWriter, r *http.Request) error {
	return p.Page.Show(w, r, page.Page{Template: "activated", Title: "activate.done_title",
		Data: activateData{Back: within("/login", interactionID(r))}})
}
