// Package page is the one look of all our pages: layout, forms, language switch,
// problem page and static files. Pages are templates over a View; they need no script.
//
//	New, Set            templates, catalogs, brand and static files of one program
//	Set.Handler         wraps a page: parses the form, chooses the language, answers errors
//	Set.Show, Set.See   a page, or the way to the next one (303)
//	View                what templates see as dot: texts, fields, errors (view.go, field.go)
//	Switched, Language  the language switch, which keeps what was typed, and what else decides (language.go)
//	Set.Problem         an error as a page with its status and request id (problem.go)
//	Set.Around          gives a mux our pages for 404 and 405
//	Set.Static          /static/HASH/NAME, cached for ever, gzipped (static.go)
//	Brand, ReadBrand    names, links and colours an operator may change (brand.go)
//
// A page is `templates/NAME.html` of its program: only what stands inside <main>,
// after the heading. Templates that begin with "_" are partials for the others.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"

	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/serve"
)

//go:embed all:templates static
var own embed.FS

//go:embed locales
var locales embed.FS

// Locales holds the sentences of the layout and of refusals that any page may meet.
// Programs load it before their own: locale.Load(page.Locales(), …).
func Locales() fs.FS { return sub(locales, "locales") }

// Options is what New needs to know.
type Options struct {
	Program    string                     // key of the brand's names: "idp", "tracker"
	Templates  []fs.FS                    // folders with NAME.html
	Static     fs.FS                      // the program's own files; may be nil. Its *.css are linked on every page
	Catalog    *locale.Catalog            // with Locales() in it
	Brand      Brand                      // ReadBrand gives one
	Cookies    serve.Cookies              // for the language
	Log        *slog.Logger               // internal errors; nil means slog.Default
	FooterBase string                     // put before the brand's relative links: the provider's URL, on other programs
	Shell      func(*http.Request) *Shell // navigation of wide pages; nil when there is none
	Account    func(*http.Request) string // language of the account that is signed in, "" if none; may be nil
	UILocales  func(*http.Request) string // ui_locales of the conversation that a request belongs to, "" if none; may be nil

	Clock       clock.Clock // for the year in the footer; nil means the system's
	Development bool        // problem pages tell the cause
}

// Shell is the frame of a wide page: where one can go, and who is signed in.
type Shell struct {
	Links   []Link // top navigation
	Person  string // shown at the right; "" when nobody is signed in
	Account string // where the person's name leads, "" for nowhere
	LogOut  string // the log-out button posts here
	LogIn   string // shown instead when Person is ""
}

// Link is a place with the message key of its name.
type Link struct{ Href, Key string }

// Set shows the pages of one program.
type Set struct {
	Options
	all    *template.Template
	static *static
	brands map[string]brandView // by language
}

// Page is one answer.
type Page struct {
	Template string         // NAME of templates/NAME.html
	Title    string         // message key of <title> and <h1>
	Data     any            // .Data in the template
	Problem  error          // what was refused: beside its field where the field is on the page, and all of it on top
	Status   int            // 0 means 200, or the status of Problem
	Wide     bool           // the app shell instead of the narrow column
	Args     map[string]any // placeholders of Title
	Bare     bool           // the template writes its own <h1>
}

// New parses all templates and reads all files; a mistake in one is an error now
// and not when somebody visits.
func New(o Options) (*Set, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	s := &Set{Options: o, brands: map[string]brandView{}}
	folders := []fs.FS{sub(own, "static")}
	if o.Static != nil {
		folders = append(folders, o.Static)
	}
	var err error
	if s.static, err = newStatic(o.Brand, folders...); err != nil {
		return nil, err
	}
	if err := s.parse(append([]fs.FS{sub(own, "templates")}, o.Templates...)); err != nil {
		return nil, err
	}
	for _, lang := range o.Catalog.Languages() {
		s.brands[lang] = o.Brand.in(lang, o.Program, o.FooterBase)
	}
	return s, nil
}

// parse reads *.html of each folder; a later folder replaces a template of an
// earlier one, so that an operator can change a page.
func (s *Set) parse(folders []fs.FS) error {
	s.all = template.New("")
	for _, folder := range folders {
		names, err := fs.Glob(folder, "*.html")
		if err != nil {
			return err
		}
		for _, name := range names {
			raw, err := fs.ReadFile(folder, name)
			if err != nil {
				return err
			}
			if _, err := s.all.New(strings.TrimSuffix(path.Base(name), ".html")).Parse(string(raw)); err != nil {
				return fmt.Errorf("page: template %s: %w", name, err)
			}
		}
	}
	return nil
}

// Templates names the pages there are, for the test that shows every one of them.
func (s *Set) Templates() []string {
	var names []string
	for _, t := range s.all.Templates() {
		if !strings.HasPrefix(t.Name(), "_") && t.Name() != "" && t.Tree != nil && t.Tree.ParseName == t.Name() {
			names = append(names, t.Name())
		}
	}
	return names
}

// Show writes p. Nothing is written when it gives an error, so the caller can still
// answer with a problem page; a Problem that is no refusal is given back as it is.
func (s *Set) Show(w http.ResponseWriter, r *http.Request, p Page) error {
	v, err := s.view(r, p)
	if err != nil {
		return err
	}
	var content, whole bytes.Buffer
	if err := s.all.ExecuteTemplate(&content, p.Template, v); err != nil {
		return fmt.Errorf("page %s: %w", p.Template, err)
	}
	v.finish(content.String())
	if err := s.all.ExecuteTemplate(&whole, "_layout", v); err != nil {
		return fmt.Errorf("page %s: %w", p.Template, err)
	}
	h := w.Header()
	if f := fault.Of(p.Problem); f != nil && f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))) // RFC 9110 §10.2.3
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Add("Vary", "Accept-Language, Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(v.status)
	_, err = w.Write(whole.Bytes())
	if err != nil {
		s.Log.DebugContext(r.Context(), "the reader went away", "cause", err)
	}
	return nil
}

// See sends the browser to a path (or, after a log-in, to a client) with GET.
func (s *Set) See(w http.ResponseWriter, r *http.Request, where string) error {
	http.Redirect(w, r, where, http.StatusSeeOther)
	return nil
}

// sub is fs.Sub for folders that are known to be there.
func sub(f fs.FS, folder string) fs.FS {
	s, err := fs.Sub(f, folder)
	if err != nil {
		panic(err) // the name is a constant of this package
	}
	return s
}
