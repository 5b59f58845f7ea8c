package page

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/shared/fault"
	"tegata/shared/locale"
)

// Names of what the language switch sends. They begin so that no form field of ours
// is called the same.
const (
	languageCookie = "tegata_language"
	switchField    = "switch_language"
	notesField     = "switch_notes"
	returnField    = "switch_return"
	localesField   = "ui_locales" // OIDC Core §3.1.2.1, RP-Initiated Logout §2
)

// cookieLives is how long a browser remembers its reader's choice.
const cookieLives = 365 * 24 * time.Hour

// maxNotes caps what is read back of the refusals on a switched page, in bytes.
const maxNotes = 8 << 10

type contextKey struct{}

// choice is the language of a request, and how it came about.
type choice struct {
	lang     string
	switched bool // this very request chose it
	asked    bool // a client asked, and its reader never said otherwise
}

// Switched tells that this post only switches the language: show the same page again
// with what was typed, change nothing and check nothing. The refusals that stood on
// the page come back by themselves. S-006, S-020.
func Switched(r *http.Request) bool {
	c, _ := r.Context().Value(contextKey{}).(choice)
	return c.switched
}

// Language gives the language of a request that came through Set.Handler; "en" for others.
func Language(r *http.Request) string {
	if c, ok := r.Context().Value(contextKey{}).(choice); ok {
		return c.lang
	}
	return "en"
}

// Language is the function of that name also for requests that came another way.
func (s *Set) Language(r *http.Request) string { return s.choiceOf(r).lang }

func (s *Set) choiceOf(r *http.Request) choice {
	if c, ok := r.Context().Value(contextKey{}).(choice); ok {
		return c
	}
	wishes := s.wishes(r)
	return choice{lang: s.Catalog.Choose(wishes), asked: wishes.UILocales != ""}
}

// wishes reads what locale.Wishes orders. Whoever pressed the switch is asked nothing else,
// so what costs a look at the database is left out then.
func (s *Set) wishes(r *http.Request) locale.Wishes {
	wishes := locale.Wishes{Cookie: s.Cookies.Read(r, languageCookie), Accept: r.Header.Get("Accept-Language")}
	if s.Catalog.Speaks(wishes.Cookie) {
		return wishes
	}
	wishes.UILocales = s.uiLocales(r)
	if s.Account != nil {
		wishes.Account = s.Account(r)
	}
	return wishes
}

// uiLocales is what a client asked for: with this request, else with the one that the
// conversation at hand is about.
func (s *Set) uiLocales(r *http.Request) string {
	form := r.Form
	if form == nil {
		form = r.URL.Query()
	}
	if locales := form.Get(localesField); locales != "" || s.UILocales == nil {
		return locales
	}
	return s.UILocales(r)
}

// choose finds the language of r and puts it into its context. A switch counts most
// and is remembered in a cookie. What a client asked for is not: it holds for what that
// client began, and must not look like the reader's own choice afterwards.
func (s *Set) choose(w http.ResponseWriter, r *http.Request) *http.Request {
	c := s.choiceOf(r)
	if wanted := r.PostFormValue(switchField); r.Method == http.MethodPost && s.Catalog.Speaks(wanted) {
		c = choice{lang: wanted, switched: true}
		s.Remember(w, wanted)
	}
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, c))
}

// Remember makes lang the language that the reader chose, as the switch does: for other
// places where people say which language they want. What we do not speak is ignored.
func (s *Set) Remember(w http.ResponseWriter, lang string) {
	if s.Catalog.Speaks(lang) {
		s.Cookies.Set(w, languageCookie, lang, cookieLives)
	}
}

// Keep is a path of ours, where the reader of r goes next without the conversation, with
// the language that a client asked for; the path as it is when nobody did.
func (s *Set) Keep(r *http.Request, path string) string {
	c := s.choiceOf(r)
	return c.keep(path)
}

func (c choice) keep(path string) string {
	u, err := url.Parse(path)
	if !c.asked || err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return path
	}
	query := u.Query()
	query.Set(localesField, c.lang)
	u.RawQuery = query.Encode()
	return u.String()
}

// Switch answers POST /language: the language switch of pages that have no form. It
// leads back to the page it was pressed on.
func (s *Set) Switch() http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return s.See(w, r, localPath(r.PostFormValue(returnField)))
	})
}

// localPath gives p if it is a path on this site, else "/" (A-037: no open redirect).
func localPath(p string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") {
		return "/"
	}
	return p
}

// note is a refusal as it travels through the language switch: keys, so that it can
// be told in the other language. A forged one changes only its sender's own page.
type note struct {
	Kind  int            `json:"k,omitempty"`
	Field string         `json:"f,omitempty"`
	Key   string         `json:"m,omitempty"`
	Args  map[string]any `json:"a,omitempty"`
	Wait  int            `json:"w,omitempty"` // seconds
}

func writeNotes(faults []*fault.Error) string {
	if len(faults) == 0 {
		return ""
	}
	notes := make([]note, len(faults))
	for i, f := range faults {
		notes[i] = note{int(f.Kind), f.Field, f.Key, f.Args, int(f.RetryAfter / time.Second)}
	}
	text, err := json.Marshal(notes)
	if err != nil || len(text) > maxNotes {
		return "" // the sentences are lost with the switch, what was typed is not
	}
	return string(text)
}

func readNotes(text string) []*fault.Error {
	var notes []note
	if len(text) > maxNotes || json.Unmarshal([]byte(text), &notes) != nil {
		return nil
	}
	var faults []*fault.Error
	for _, n := range notes {
		if n.Kind <= int(fault.Internal) || n.Kind > int(fault.Busy) {
			continue
		}
		faults = append(faults, &fault.Error{
			Kind: fault.Kind(n.Kind), Field: n.Field, Key: n.Key, Args: n.Args, RetryAfter: time.Duration(n.Wait) * time.Second,
		})
	}
	return faults
}
