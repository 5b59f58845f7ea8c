// Package web is every page people see at the provider. A page reads, asks one
// service and shows or redirects; rules and SQL live in the services to its right.
//
//	routes.go        every URL in one table
//	pages.go         what the pages are built from
//	conversation.go  the interaction a page belongs to, and where it goes on
//	login.go         e-mail address; login_password.go the password; login_account.go which account; consent.go
//	details.go       what else a client wants approved (details_shown.go: so that nothing hides); wording.go scopes and such details as their resource calls them
//	about_client.go  what a client says about itself, as links on these three
//	device.go        the code that a device shows; device_confirm.go what it wants
//	signup.go        the form; sent.go "mail sent" and the typed code; activate.go the link in the mail
//	terms.go         a new version of the terms, after the log-in
//	logout.go        also the landing page after RP-initiated logout
//	leave.go         the clients' own log-out pages, in frames
//	stop.go          an answer that goes back only if the person says so
//	apps.go          which applications somebody has connected, and how to end that
//	doctor.go        a client's last requests, for its developer
//	profile.go       profile home; shell.go the frame around it
//	articles.go      help, guide, contact, privacy, terms, cookies, trademarks; prose.go their markup
//	postbox.go       what a development run has "sent"
//
// The pages and the protocol meet by URL only: /oauth2/authorize sends a person to
// /login?interaction=ID or /consent?interaction=ID, and a page with nothing left to
// ask sends them back to /oauth2/authorize?interaction=ID.
//
// templates/NAME.html belongs to NAME.go. Words live in locales/, long texts in
// articles/, both in every language.
package web

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"net/mail"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/devices"
	"tegata/idp/interaction"
	"tegata/idp/notify"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/limit"
	"tegata/shared/once"
	"tegata/shared/page"
	"tegata/shared/serve"
)

//go:embed all:templates locales refusals articles static
var files embed.FS

// Pages serves every page. Fill its fields, then Mount it.
type Pages struct {
	Accounts    *accounts.Service
	Interaction *interaction.Service
	Sessions    *sessions.Service
	Clients     *clients.Registry
	Connections *connections.Service
	Diary       *clients.Diary
	Once        once.Store
	Limit       limit.Limiter
	Devices     *devices.Service
	Postbox     *notify.Postbox // nil outside of development: then its pages do not exist

	// Frames gives the log-out pages of the clients of a session; ShowState lets
	// clients' pages notice who is signed in. Both are the protocol's.
	Frames    func(ctx context.Context, sid, language string) ([]clients.Frame, error)
	ShowState func(w http.ResponseWriter, s *sessions.Session)

	Page    *page.Set // its catalogs hold Locales(), its templates Templates()
	Cookies serve.Cookies
	Clock   clock.Clock
	Issuer  string // public URL without a slash at its end

	Sender       string // where our mails come from, with a name or without
	TermsVersion string // shown on the terms and the privacy page
	TermsURL     string // what signing up consents to (S-029); "" is our own page
	PrivacyURL   string // likewise
}

// Templates gives the folder of the pages' templates.
func Templates() fs.FS { return folder("templates") }

// Static gives the folder of the pages' own looks.
func Static() fs.FS { return folder("static") }

// Locales gives the folders of the pages' words.
func Locales() []fs.FS { return []fs.FS{folder("locales"), folder("refusals"), folder("articles")} }

// sender is the bare address that people put into their contacts (S-042).
func (p *Pages) sender() string {
	if from, err := mail.ParseAddress(p.Sender); err == nil {
		return from.Address
	}
	return p.Sender
}

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the name is a literal above
	}
	return sub
}
