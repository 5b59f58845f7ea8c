// Package web holds the pages of the tracker, one file per page, named as its URL.
//
//	routes.go    every page URL in one table
//	start.go     / for everybody, sign-in refusals (signin.go), help.go
//	welcome.go   the two parts of the first log-in: address and settings
//	home.go      the dashboard; sections.go the parts of the menu that are still empty
//	personal.go  My Information with external IDs; addresses.go, settings.go
//	forms.go     the forms that two pages share
//
// A page reads, calls one service, shows or redirects. Who is signed in comes with
// the request's context (candidates.Of).
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"

	"tegata/shared/clock"
	"tegata/shared/locale"
	"tegata/shared/page"
	"tegata/shared/serve"
	"tegata/tracker/candidates"
)

//go:embed templates/* locales static
var files embed.FS

// Templates, Locales and Static are the folders of this package, for page.New and
// locale.Load.
func Templates() fs.FS { return folder("templates") }

// Locales is explained at Templates.
func Locales() fs.FS { return folder("locales") }

// Static is explained at Templates.
func Static() fs.FS { return folder("static") }

func folder(name string) fs.FS {
	f, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the name is a constant of this package
	}
	return f
}

// Pages is what the pages need. Its fields are filled once, in app.
type Pages struct {
	Set         *page.Set
	Catalog     *locale.Catalog
	Candidates  *candidates.Service
	Clock       clock.Clock
	PublicURL   string // of the tracker
	Login       func(wanted string) string
	Reachable   func() bool   // whether the provider answers
	SignOut     func() string // where the log-out button ends up
	SignedOut   string        // state that comes back from a log-out
	BookedUntil string        // YYYY-MM-DD; older bookings need the VUE mapping (S-188)
	GuideURL    string        // account guide (S-185)
	Support     string        // mail address of the support
}

// Shell is the menu of wide pages, with the names of the seed in its order (S-189).
func Shell(r *http.Request) *page.Shell {
	who := candidates.Of(r.Context())
	if who == nil {
		return &page.Shell{LogIn: "/login"}
	}
	person := who.Candidate.NameIn(page.Language(r))
	if who.Candidate.State != candidates.Active {
		return &page.Shell{Person: person, LogOut: "/logout"}
	}
	return &page.Shell{
		Links: []page.Link{
			{Href: "/personal", Key: "menu.personal"}, {Href: "/certifications", Key: "menu.certifications"},
			{Href: "/testing-history", Key: "menu.testing_history"}, {Href: "/transcripts", Key: "menu.transcripts"},
			{Href: "/schedule", Key: "menu.schedule"}, {Href: "/home", Key: "menu.dashboard"},
		},
		Person: person, Account: "/personal", LogOut: "/logout",
	}
}

// Account gives the language of who is signed in, for the choice of the language.
func Account(r *http.Request) string {
	if who := candidates.Of(r.Context()); who != nil {
		return who.Language
	}
	return ""
}

// show writes a wide page; its log-out button may lead to the provider.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, what page.Page) error {
	if candidates.Of(r.Context()) != nil {
		serve.AllowFormAction(r.Context(), p.SignOut())
	}
	what.Wide = true
	return p.Set.Show(w, r, what)
}

// handle is a page that only somebody signed in sees.
type handle func(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error

// personal makes a page of h. Whoever is not signed in goes to the log-in and comes
// back; whoever has not completed the first log-in does that first (S-190).
func (p *Pages) personal(h handle) http.Handler {
	return p.known(func(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
		if who.Candidate.State != candidates.Active {
			return p.Set.See(w, r, "/welcome")
		}
		return h(w, r, who)
	})
}

// known is personal without the condition of a complete first log-in.
func (p *Pages) known(h handle) http.Handler {
	return p.Set.Handler(func(w http.ResponseWriter, r *http.Request) error {
		who := candidates.Of(r.Context())
		if who == nil {
			return p.Set.See(w, r, p.Login(wanted(r)))
		}
		return h(w, r, who)
	})
}

// wanted is the place to come back to: of a post the page it was sent from.
func wanted(r *http.Request) string {
	if r.Method != http.MethodGet {
		return r.URL.Path
	}
	return r.URL.RequestURI()
}

// saved sends the browser back to a page that then says so.
func (p *Pages) saved(w http.ResponseWriter, r *http.Request, path string) error {
	return p.Set.See(w, r, path+"?"+url.Values{"saved": {"1"}}.Encode())
}

func wasSaved(r *http.Request) bool { return r.URL.Query().Get("saved") == "1" }
