package web

import (
	"net/http"

	"tegata/idp/interaction"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// loginData is the first page of a log-in: the e-mail address and nothing else (S-047, S-048).
type loginData struct {
	Email       string
	Interaction string // the conversation, "" for none
	Client      string // the client's name in the reader's language, "" for none
	About       aboutClient
	Elsewhere   bool   // the conversation began in another browser, or is too old
	NoCookies   bool   // the browser keeps none, so nobody can log in
	SignUp      string // links that keep the conversation
	ForgotEmail string
	Help        string
}

// home is the bare host: the log-in for strangers, else the profile (S-011).
func (p *Pages) home(w http.ResponseWriter, r *http.Request) error {
	if signedIn(r) != nil {
		return p.showProfile(w, r)
	}
	return p.showLogin(w, r)
}

// showLogin shows the form at /login. Somebody who is signed in already sees it only
// when a client asks for a fresh log-in.
func (p *Pages) showLogin(w http.ResponseWriter, r *http.Request) error {
	at, about, mine, err := p.about(r)
	if err != nil {
		return err
	}
	if mine && at.next == interaction.AskTerms {
		return p.Page.See(w, r, within("/terms/accept", about.ID))
	}
	if mine && at.next == interaction.AskAccount && !r.URL.Query().Has("other") {
		return p.Page.See(w, r, within("/login/account", about.ID))
	}
	if mine && !at.loggingIn() || !mine && signedIn(r) != nil {
		return p.Page.See(w, r, p.onward(r, about))
	}
	data := p.loginPage(r, about, !mine)
	data.Email, data.NoCookies = at.Prefill(), r.URL.Query().Has("cookies")
	return p.Page.Show(w, r, page.Page{Template: "login", Title: "login.title", Data: data})
}

// identify takes the address and goes on to the password. The answer is the same for
// every well-formed address.
func (p *Pages) identify(w http.ResponseWriter, r *http.Request) error {
	_, about, mine, err := p.about(r)
	if err != nil {
		return err
	}
	data := p.loginPage(r, about, !mine)
	data.Email = r.PostForm.Get("email")
	shown := page.Page{Template: "login", Title: "login.title", Data: data}
	if page.Switched(r) {
		return p.Page.Show(w, r, shown)
	}
	browser := p.browser(w, r)
	if !mine {
		if about, err = p.begin(r, browser, about); err != nil {
			return err
		}
	}
	err = p.Interaction.Identify(r.Context(), about.ID, browser, data.Email)
	if fault.Is(err, fault.Invalid) {
		shown.Problem = err
		return p.Page.Show(w, r, shown)
	}
	if err != nil {
		return err
	}
	return p.Page.See(w, r, within("/login/password", about.ID))
}

// loginPage fills in what does not depend on the form.
func (p *Pages) loginPage(r *http.Request, about interaction.Interaction, elsewhere bool) loginData {
	return loginData{
		Interaction: about.ID,
		Client:      p.clientName(r, about),
		About:       p.aboutClient(r, about),
		Elsewhere:   elsewhere && about.ClientID != "",
		SignUp:      within("/signup", about.ID),
		ForgotEmail: within("/forgot-email", about.ID),
		Help:        within("/help", about.ID) + "#login",
	}
}

// clientName is the client's name in the reader's language; what the interaction
// noted when the client is gone.
func (p *Pages) clientName(r *http.Request, it interaction.Interaction) string {
	if it.ClientID == "" {
		return ""
	}
	client, err := p.Clients.ByID(r.Context(), it.ClientID)
	if err != nil {
		return it.ClientName
	}
	return client.NameIn(page.Language(r))
}
