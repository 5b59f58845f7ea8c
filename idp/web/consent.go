package web

import (
	"net/http"
	"net/url"
	"slices"

	"tegata/idp/clients"
	"tegata/idp/interaction"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// consentData asks whether a client may have what it wants.
type consentData struct {
	Interaction string
	Shown       string // the account, as sameAccount wants it back
	Client      string
	About       aboutClient
	Email       string
	Scopes      []string // in words
	Details     []detail
}

// scopeWords are the message keys of the scopes we know (OIDC Core §5.4, §11).
var scopeWords = map[string]string{
	"openid":         "scope.openid",
	"profile":        "scope.profile",
	"email":          "scope.email",
	"address":        "scope.address",
	"phone":          "scope.phone",
	"offline_access": "scope.offline_access",
}

// showConsent shows the form at /consent. Without a session or a conversation of this
// browser there is nobody to ask: the log-in comes first.
func (p *Pages) showConsent(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.mine(r)
	if err != nil {
		return err
	}
	if !ok || at.next != interaction.AskConsent {
		return p.Page.See(w, r, within("/login", interactionID(r))) // which knows the way
	}
	p.allowForms(r, at.Interaction)
	return p.showConsentOf(w, r, at.Interaction, nil)
}

// consent takes decision=allow or decision=deny and gives the conversation back to
// the protocol, which answers the client in both cases.
func (p *Pages) consent(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.mine(r)
	if err != nil {
		return err
	}
	if !ok || at.next != interaction.AskConsent {
		return p.Page.See(w, r, within("/login", interactionID(r)))
	}
	it := at.Interaction
	p.allowForms(r, it)
	decision := r.PostForm.Get("decision")
	if page.Switched(r) {
		return p.showConsentOf(w, r, it, nil)
	}
	if err := p.sameAccount(r, it.ID); err != nil {
		return p.showConsentOf(w, r, it, err)
	}
	if decision != "allow" && decision != "deny" {
		return p.showConsentOf(w, r, it, fault.New(fault.Invalid, "", "consent.choose"))
	}
	if err := p.Interaction.Consent(r.Context(), it.ID, p.browser(w, r), signedIn(r), decision == "allow"); err != nil {
		return err
	}
	return p.Page.See(w, r, p.onward(r, it))
}

func (p *Pages) showConsentOf(w http.ResponseWriter, r *http.Request, it interaction.Interaction, problem error) error {
	account, err := p.Accounts.ByID(r.Context(), signedIn(r).AccountID)
	if err != nil {
		return err
	}
	resources := p.resourcesOf(r.Context(), it.ClientID)
	return p.Page.Show(w, r, page.Page{Template: "consent", Title: "consent.title", Problem: problem, Data: consentData{
		Interaction: it.ID,
		Shown:       p.shown(it.ID, account.ID),
		Client:      p.clientName(r, it),
		About:       p.aboutClient(r, it),
		Email:       account.Email,
		Scopes:      p.inWords(page.Language(r), it.Scopes, resources),
		Details:     p.detailsIn(page.Language(r), requested(it, "authorization_details"), resources),
	}})
}

// requested gives a parameter of the authorization request.
func requested(it interaction.Interaction, name string) string {
	params, err := url.ParseQuery(it.Request)
	if err != nil {
		return ""
	}
	return params.Get(name)
}

// usualOrder is that of scopes on a page: from who somebody is to what else is wanted.
var usualOrder = []string{"openid", "profile", "email", "address", "phone"}

// inWords tells scopes so that people can judge them, in the same order everywhere.
func (p *Pages) inWords(lang string, scopes []string, resources []clients.Resource) []string {
	var words []string
	for _, scope := range inOrder(scopes) {
		if key, known := scopeWords[scope]; known {
			words = append(words, p.Page.Catalog.Text(lang, key, nil))
			continue
		}
		words = append(words, p.otherInWords(lang, scope, resources))
	}
	return words
}

// inOrder gives the scopes of usualOrder first, and then the others as they came.
func inOrder(scopes []string) []string {
	place := func(scope string) int {
		if i := slices.Index(usualOrder, scope); i >= 0 {
			return i
		}
		return len(usualOrder)
	}
	return slices.SortedStableFunc(slices.Values(scopes), func(a, b string) int { return place(a) - place(b) })
}
