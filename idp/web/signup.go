package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"

	"tegata/idp/accounts"
	"tegata/idp/passwords"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// signUpForm is what was typed at /signup; the five required fields of S-017.
type signUpForm struct {
	Email, GivenName, FamilyName, Country string
	password                              string // never shown again
}

func readSignUp(r *http.Request) signUpForm {
	return signUpForm{
		Email:      r.PostForm.Get("email"),
		GivenName:  r.PostForm.Get("given_name"),
		FamilyName: r.PostForm.Get("family_name"),
		Country:    r.PostForm.Get("country"),
		password:   r.PostForm.Get("password"),
	}
}

// draft is the form as accounts knows it. Nothing else that was sent gets in.
func (f signUpForm) draft(r *http.Request) accounts.Draft {
	return accounts.Draft{
		Email: f.Email, Password: f.password, GivenName: f.GivenName, FamilyName: f.FamilyName, Country: f.Country,
		Language: page.Language(r), Resume: interactionID(r),
	}
}

// signUpData is the form with what surrounds it.
type signUpData struct {
	Form        signUpForm
	Interaction string
	Countries   []locale.Country
	Rules       []page.Rule // ticked while somebody types; without script they tell what the last submit met (S-021)
	FreeMail    bool        // a soft warning, never a refusal (S-026)
	Back        string      // to the log-in, keeping the conversation (S-030)
	Guide       string
	Terms       template.HTML // what pressing the button consents to (S-029)
	Privacy     template.HTML
}

// showSignUp shows the form at /signup.
func (p *Pages) showSignUp(w http.ResponseWriter, r *http.Request) error {
	return p.Page.Show(w, r, p.signUpPage(r, signUpForm{}, nil))
}

// signUp takes the form at /signup. Every answer about the address looks the same, so
// the page cannot be used to learn who has an account (S-025).
func (p *Pages) signUp(w http.ResponseWriter, r *http.Request) error {
	form := readSignUp(r)
	if page.Switched(r) {
		return p.Page.Show(w, r, p.signUpPage(r, form, nil))
	}
	pending, err := p.Accounts.SignUp(r.Context(), form.draft(r))
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooMany, fault.Busy:
		return p.Page.Show(w, r, p.signUpPage(r, form, err))
	}
	if err != nil {
		return err
	}
	p.Cookies.Set(w, pendingCookie, pending, accounts.ActivationFor)
	return p.Page.See(w, r, within("/signup/sent", interactionID(r)))
}

func (p *Pages) signUpPage(r *http.Request, form signUpForm, problem error) page.Page {
	lang := page.Language(r)
	return page.Page{Template: "signup", Title: "signup.title", Problem: problem, Data: signUpData{
		Form:        form,
		Interaction: interactionID(r),
		Countries:   locale.Countries(lang),
		Rules:       passwordRules(form.draft(r)),
		FreeMail:    accounts.FreeMail(form.Email),
		Back:        within("/login", interactionID(r)),
		Guide:       within("/guide", interactionID(r)),
		Terms:       p.newTab(lang, p.Page.Keep(r, cmp.Or(p.TermsURL, "/terms")), "signup.terms_link"),
		Privacy:     p.newTab(lang, p.Page.Keep(r, cmp.Or(p.PrivacyURL, "/privacy")), "signup.privacy_link"),
	}}
}

// newTab is a link that leaves the half-filled form where it is.
func (p *Pages) newTab(lang, address, key string) template.HTML {
	return template.HTML(`<a href="` + template.HTMLEscapeString(address) + `" target="_blank" rel="noopener">` +
		template.HTMLEscapeString(p.text(lang, key)) + `<span class="unseen"> ` +
		template.HTMLEscapeString(p.text(lang, "signup.new_tab")) + `</span></a>`)
}

// ruleTests are what the script in the browser can judge by itself.
var ruleTests = map[passwords.ID]string{
	passwords.Length: fmt.Sprintf("length %d %d", passwords.MinLength, passwords.MaxLength),
	passwords.Lower:  "lower",
	passwords.Upper:  "upper",
	passwords.Digit:  "digit",
	passwords.Symbol: "symbol",
	passwords.Email:  "apart email",
	passwords.Name:   "apart given_name family_name",
}

// passwordRules lists the rules of a password, and which of them a typed one meets.
func passwordRules(draft accounts.Draft) []page.Rule {
	results := draft.PasswordRules()
	rules := make([]page.Rule, len(results))
	for i, result := range results {
		rules[i] = page.Rule{
			Key:  "password.rule." + string(result.ID),
			Args: map[string]any{"min": passwords.MinLength, "max": passwords.MaxLength},
			Test: ruleTests[result.ID],
		}
		switch {
		case draft.Password == "":
		case result.Met:
			rules[i].State = "met"
		default:
			rules[i].State = "unmet"
		}
	}
	return rules
}
