package web

import (
	"net/http"

	"tegata/idp/accounts"
	"tegata/shared/page"
)

// Shell is the frame of the pages of somebody who is signed in: page.Options.Shell.
// The greeting stands at the top right, followed by the name (S-110).
func (p *Pages) Shell(r *http.Request) *page.Shell {
	shell := &page.Shell{LogIn: "/login"}
	if account, ok := p.person(r); ok {
		shell.Links = []page.Link{{Href: "/profile", Key: "profile.home"}, {Href: "/profile/apps", Key: "apps.title"}, {Href: "/help", Key: "login.help"}}
		shell.Person = p.text(page.Language(r), "profile.greeting", "name", called(account))
		shell.LogOut = "/logout"
	}
	return shell
}

// AccountLanguage is the language somebody set for the account: page.Options.Account.
func (p *Pages) AccountLanguage(r *http.Request) string {
	account, _ := p.person(r)
	return account.Language
}

// person gives the account of who is signed in. Without one the page is shown as to a
// stranger: what needs an account asks for it again and tells what is wrong.
func (p *Pages) person(r *http.Request) (accounts.Account, bool) {
	session := signedIn(r)
	if session == nil {
		return accounts.Account{}, false
	}
	account, err := p.Accounts.ByID(r.Context(), session.AccountID)
	return account, err == nil
}

// called is how we call a person: by the nickname where there is one (S-117).
func called(account accounts.Account) string {
	if account.Nickname != "" {
		return account.Nickname
	}
	return account.Name()
}
