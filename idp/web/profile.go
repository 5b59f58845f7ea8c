package web

import (
	"net/http"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// profileData is the home of somebody who is signed in (S-102 … S-112).
type profileData struct {
	FullName  string
	Email     string
	Country   string
	LastLogin string // the log-in before this one (K-11), "" on the first
	Apps      []app
}

// app is a connected client that a card leads to.
type app struct{ ID, Name, Address string }

// showProfile shows /profile; strangers log in first.
func (p *Pages) showProfile(w http.ResponseWriter, r *http.Request) error {
	session := signedIn(r)
	if session == nil {
		return p.Page.See(w, r, "/login")
	}
	due, err := p.Accounts.TermsDue(r.Context(), session.AccountID)
	if err != nil {
		return err
	}
	if due {
		return p.Page.See(w, r, "/terms/accept")
	}
	account, err := p.Accounts.ByID(r.Context(), session.AccountID)
	if err != nil {
		return err
	}
	lang := page.Language(r)
	apps, err := p.apps(r, lang)
	if err != nil {
		return err
	}
	data := profileData{
		FullName: account.Name(), Email: account.Email,
		Country: locale.CountryName(lang, account.Country), Apps: apps,
	}
	if account.PreviousLoginAt != nil {
		data.LastLogin = locale.DateTime(lang, *account.PreviousLoginAt, account.Location())
	}
	return p.Page.Show(w, r, page.Page{Template: "profile", Title: "profile.title", Wide: true, Data: data})
}

// apps lists the clients that can begin a log-in themselves: their cards open them
// signed in.
func (p *Pages) apps(r *http.Request, lang string) ([]app, error) {
	all, err := p.Clients.List(r.Context())
	if err != nil {
		return nil, err
	}
	var apps []app
	for _, client := range all {
		address := initiate(client.InitiateLoginURI, p.Issuer, "")
		known := client.Source != clients.FromRegistration // anybody could put a card on everybody's page
		if client.Disabled || !known || client.InitiateLoginURI == "" || address == "" {
			continue
		}
		apps = append(apps, app{ID: client.ID, Name: client.NameIn(lang), Address: address})
	}
	slices.SortFunc(apps, func(a, b app) int { return strings.Compare(a.Name, b.Name) })
	return apps, nil
}
