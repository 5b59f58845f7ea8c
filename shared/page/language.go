package page

import (
	"context"
	"encoding/json"
	"net/http"
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
)

// cookieLives is how long a browser remembers its reader's choice.
const cookieLives = 365 * 24 * time.Hour

// maxNotes caps what is read back of the refusals on a switched page, in bytes.
const maxNotes = 8 << 10

type contextKey struct{}

// choice is the language of a request, and whether this very request chose it.
type choice struct {
	lang     string
	switched bool
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

// language is Language also for requests that came another way.
func (s *Set) language(r *http.Request) string {
	if c, ok := r.Context().Value(contextKey{}).(choice); ok {
		return c.lang
	}
	return s.Catalog.Choose(s.wishes(r))
}

func (s *Set) wishes(r *http.Request) locale.Wishes {
	wishes := locale.Wishes{Cookie: s.Cookies.Read(r, languageCookie), Accept: r.Header.Get("Accept-Language")}
	if r.Method == http.MethodGet {
		wishes.UILocales = r.URL.Query().Get("ui_locales")
	}
	if s.Account != nil {
		wishes.Account = s.Account(r)
	}
	return wishes
}

// choose finds the language of r and puts it into its context. A switch counts most
// and is remembered in a cookie; so is ui_locales, which a client sends only with the
// first of several pages and which must not undo a later switch.
func (s *Set) choose(w http.ResponseWriter, r *http.Request) *http.Request {
	wishes := s.wishes(r)
	c := choice{lang: s.Catalog.Choose(wishes)}
	if wanted := r.PostFormValue(switchField); r.Method == http.MethodPost && s.Catalog.Speaks(wanted) {
		c = choice{lang: wanted, switched: true}
	}
	if c.switched || wishes.UILocales != "" && c.lang != wishes.Cookie {
		s.Cookies.Set(w, languageCookie, c.lang, cookieLives)
	}
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, c))
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
