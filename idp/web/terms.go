package web

import (
	"cmp"
	"html/template"
	"net/http"

	"tegata/shared/fault"
	"tegata/shared/page"
)

// termsData asks somebody who has just logged in to accept terms that are newer than
// those of the sign-up (S-029).
type termsData struct {
	Interaction string
	Email       string
	Version     string
	Terms       template.HTML
	Privacy     template.HTML
}

// showTerms shows the form at /terms/accept to whom it concerns; everybody else goes
// on their way.
func (p *Pages) showTerms(w http.ResponseWriter, r *http.Request) error {
	session := signedIn(r)
	if session == nil {
		return p.Page.See(w, r, within("/login", interactionID(r)))
	}
	due, err := p.Accounts.TermsDue(r.Context(), session.AccountID)
	if err != nil {
		return err
	}
	if !due {
		return p.accepted(w, r)
	}
	return p.showTermsOf(w, r, nil)
}

// acceptTerms takes the button and goes on with what the log-in was for.
func (p *Pages) acceptTerms(w http.ResponseWriter, r *http.Request) error {
	session := signedIn(r)
	if session == nil {
		return p.Page.See(w, r, within("/login", interactionID(r)))
	}
	if page.Switched(r) {
		return p.showTermsOf(w, r, nil)
	}
	if r.PostForm.Get("accept") != p.Accounts.Terms { // the page that was read is of this version
		return p.showTermsOf(w, r, fault.New(fault.Invalid, "", "terms_accept.choose"))
	}
	if err := p.Accounts.AcceptTerms(r.Context(), session.AccountID, page.Language(r)); err != nil {
		return err
	}
	return p.accepted(w, r)
}

// accepted leads on: in the conversation of this browser, else home.
func (p *Pages) accepted(w http.ResponseWriter, r *http.Request) error {
	at, mine, err := p.mine(r)
	if err != nil {
		return err
	}
	if !mine {
		return p.Page.See(w, r, "/profile")
	}
	return p.Page.See(w, r, p.onward(r, at.Interaction))
}

func (p *Pages) showTermsOf(w http.ResponseWriter, r *http.Request, problem error) error {
	at, mine, err := p.mine(r)
	if err != nil {
		return err
	}
	if mine {
		p.allowForms(r, at.Interaction)
	}
	account, err := p.Accounts.ByID(r.Context(), signedIn(r).AccountID)
	if err != nil {
		return err
	}
	lang := page.Language(r)
	return p.Page.Show(w, r, page.Page{Template: "terms_accept", Title: "terms_accept.title", Problem: problem, Data: termsData{
		Interaction: at.ID,
		Email:       account.Email,
		Version:     p.Accounts.Terms,
		Terms:       p.newTab(lang, p.Page.Keep(r, cmp.Or(p.TermsURL, "/terms")), "signup.terms_link"),
		Privacy:     p.newTab(lang, p.Page.Keep(r, cmp.Or(p.PrivacyURL, "/privacy")), "signup.privacy_link"),
	}})
}
