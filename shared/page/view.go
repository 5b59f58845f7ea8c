package page

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/serve"
)

// View is dot in every template. Its methods speak the reader's language.
type View struct {
	Data      any
	Lang      string // "ja"
	Path      string // of this request, without query
	Return    string // where the language switch of pages without a form leads back to
	RequestID string
	Title     string // the sentence
	Bare      bool
	Wide      bool
	Brand     brandView
	Shell     *Shell
	Content   template.HTML // in the layout only
	HasForm   bool          // the content has a form with id "main"
	Refused   []Refusal     // what was refused, in the order of the page; each is also beside its field
	Notes     string        // Refused, written down for the language switch

	set    *Set
	status int
	faults []*fault.Error
	fields map[string]seat // the fields that were rendered, by name
	choice choice          // of Lang
}

// seat is where a field is on the page: its id, and its place among the fields.
type seat struct {
	id string
	at int // from 1; 0 is no field of the page
}

// Refusal is one sentence of the summary on top, with the field it leads to.
type Refusal struct{ ID, Text string }

// view prepares the dot of p for r.
func (s *Set) view(r *http.Request, p Page) (*View, error) {
	choice := s.choiceOf(r)
	lang := choice.lang
	v := &View{
		Data: p.Data, Lang: lang, Path: r.URL.Path, Return: withoutLocales(r.URL), RequestID: serve.RequestID(r.Context()), Bare: p.Bare, Wide: p.Wide,
		Brand: s.brands[lang], set: s, status: p.Status, fields: map[string]seat{}, choice: choice,
	}
	if s.Options.Shell != nil && p.Wide {
		v.Shell = s.Options.Shell(r)
	}
	v.Title = v.text(p.Title, p.Args)
	switch {
	case p.Problem != nil && fault.KindOf(p.Problem) == fault.Internal:
		return nil, p.Problem
	case p.Problem != nil:
		v.faults = fault.All(p.Problem)
		if v.status == 0 {
			v.status = StatusOf(p.Problem)
		}
	case Switched(r):
		v.faults = readNotes(r.PostFormValue(notesField))
	}
	if v.status == 0 {
		v.status = http.StatusOK
	}
	v.Notes = writeNotes(v.faults)
	return v, nil
}

// Keep is a path of ours with the language that a client asked for, if one did: for links
// and forms that leave the conversation.
func (v *View) Keep(path string) string { return v.choice.keep(path) }

// withoutLocales is the path and query of u without ui_locales: after a switch of the
// language it counts for nothing.
func withoutLocales(u *url.URL) string {
	query := u.Query()
	query.Del(localesField)
	return (&url.URL{Path: u.Path, RawQuery: query.Encode()}).RequestURI()
}

// mainForm finds the form that the language switch belongs to.
var mainForm = regexp.MustCompile(`<form[^>]* id="?main"?[ >]`)

// finish takes the rendered content: now it is known which fields are on the page, and in
// which order, which may be another one in each language.
func (v *View) finish(content string) {
	v.Content = template.HTML(content) // html/template has escaped it
	v.HasForm = mainForm.MatchString(content)
	inOrder := slices.Clone(v.faults)
	slices.SortStableFunc(inOrder, func(a, b *fault.Error) int { return v.fields[a.Field].at - v.fields[b.Field].at })
	for _, f := range inOrder {
		v.Refused = append(v.Refused, Refusal{ID: v.fields[f.Field].id, Text: v.sentence(f)})
	}
}

// T gives the sentence for key; pairs are placeholder names and their values.
func (v *View) T(key string, pairs ...any) (string, error) {
	args, err := pairsOf(pairs)
	if err != nil {
		return "", fmt.Errorf("text %s: %w", key, err)
	}
	return v.text(key, args), nil
}

// Rich is T for sentences with marked-up parts: values that are HTML (of Link or
// Strong) stay as they are, everything else is escaped.
func (v *View) Rich(key string, pairs ...any) (template.HTML, error) {
	args, err := pairsOf(pairs)
	if err != nil {
		return "", fmt.Errorf("text %s: %w", key, err)
	}
	html := v.set.Catalog.Compose(v.Lang, key, v.known(args), func(value any) string {
		if h, ok := value.(template.HTML); ok {
			return string(h)
		}
		return template.HTMLEscapeString(fmt.Sprint(value))
	}, template.HTMLEscapeString)
	return template.HTML(html), nil
}

// Link is an <a> for Rich: a place and the key of its text.
func (v *View) Link(href, key string) (template.HTML, error) {
	if !safeHref(href) {
		return "", fmt.Errorf("link to %q", href)
	}
	return template.HTML(`<a href="` + template.HTMLEscapeString(href) + `">` + template.HTMLEscapeString(v.text(key, nil)) + `</a>`), nil
}

// Strong marks a value as important, for Rich.
func (v *View) Strong(text string) template.HTML {
	return template.HTML("<strong>" + template.HTMLEscapeString(text) + "</strong>")
}

// Has tells whether there is a sentence for key.
func (v *View) Has(key string) bool { return v.set.Catalog.Has(key) }

// Err gives the sentence that stands beside a field, "" if nothing was refused there.
func (v *View) Err(field string) string {
	for _, f := range v.faults {
		if f.Field == field {
			return v.sentence(f)
		}
	}
	return ""
}

// Asset gives the URL of a static file.
func (v *View) Asset(name string) (string, error) { return v.set.static.url(name) }

// Styles are the stylesheets of the program.
func (v *View) Styles() []string { return v.set.static.styles }

// DateTime gives a moment as readers write it, in their zone (a name of tzdata; ""
// means UTC): 2019年11月7日(木) 12:02 JST.
func (v *View) DateTime(t time.Time, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		where = time.UTC
	}
	return locale.DateTime(v.Lang, t, where)
}

// Year is the current one, for the footer (S-234).
func (v *View) Year() int { return v.set.Clock().Year() }

// Country gives the name of a country.
func (v *View) Country(code string) string { return locale.CountryName(v.Lang, code) }

// Region is what stands beside the mark: JP / JA. S-007.
func (v *View) Region() string { return v.Brand.Region + " / " + strings.ToUpper(v.Lang) }

// Others are the languages one can switch to.
func (v *View) Others() []string {
	var others []string
	for _, l := range v.set.Catalog.Languages() {
		if l != v.Lang {
			others = append(others, l)
		}
	}
	return others
}

// In gives a sentence in another language, for the language switch.
func (v *View) In(lang, key string) string { return v.set.Catalog.Text(lang, key, nil) }

// Here tells whether href is the place of this page, or above it.
func (v *View) Here(href string) bool {
	return v.Path == href || href != "/" && strings.HasPrefix(v.Path, strings.TrimSuffix(href, "/")+"/")
}

// Marked tells whether the navigation marks href: it is the place of this page, or
// above it, and no other link of the navigation fits better.
func (v *View) Marked(href string) bool {
	if v.Shell == nil || !v.Here(href) {
		return false
	}
	return !slices.ContainsFunc(v.Shell.Links, func(l Link) bool { return len(l.Href) > len(href) && v.Here(l.Href) })
}

// text is T for this package.
func (v *View) text(key string, args map[string]any) string {
	if key == "" {
		return ""
	}
	return v.set.Catalog.Text(v.Lang, key, v.known(args))
}

// known adds what every sentence may use: {brand}, {product} and the programs' names.
func (v *View) known(args map[string]any) map[string]any {
	if len(args) == 0 {
		return v.Brand.args
	}
	all := make(map[string]any, len(args)+len(v.Brand.args))
	for name, value := range v.Brand.args {
		all[name] = value
	}
	for name, value := range args {
		all[name] = value
	}
	return all
}

// sentence tells a refusal to the reader: by its key, else by its kind.
func (v *View) sentence(f *fault.Error) string {
	args := map[string]any{}
	for name, value := range f.Args {
		args[name] = value
	}
	args["wait"] = v.wait(f.RetryAfter)
	if v.Has(f.Key) {
		return v.text(f.Key, args)
	}
	return v.text("refused."+f.Kind.String(), args)
}

// wait says how long: 3 minutes, rounded up.
func (v *View) wait(d time.Duration) string {
	up := func(unit time.Duration) map[string]any {
		return map[string]any{"count": max(1, int((d+unit-1)/unit))}
	}
	switch {
	case d <= 90*time.Second:
		return v.text("time.seconds", up(time.Second))
	case d <= 90*time.Minute:
		return v.text("time.minutes", up(time.Minute))
	case d <= 36*time.Hour:
		return v.text("time.hours", up(time.Hour))
	}
	return v.text("time.days", up(24*time.Hour))
}

// pairsOf makes a map of names and values in turn.
func pairsOf(pairs []any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("a name without its value")
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// safeHref takes places on this site, web addresses, mail addresses and fragments.
func safeHref(href string) bool {
	for _, start := range []string{"/", "https://", "http://", "mailto:", "#"} {
		if strings.HasPrefix(href, start) {
			return !strings.HasPrefix(href, "//")
		}
	}
	return false
}
