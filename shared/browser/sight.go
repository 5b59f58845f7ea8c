package browser

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// sight is the page as it is at the moment.
type sight struct {
	url    string
	status int
	header http.Header
	html   string
	text   string // visible, spaces collapsed
	doc    *html.Node
}

// Sees wants each text on the page.
func (p *Person) Sees(texts ...string) *Person {
	p.t.Helper()
	for _, text := range texts {
		if !p.comes(func(s sight) bool { return strings.Contains(s.text, squash(text)) }) {
			p.fatal("does not see %q", text)
		}
	}
	return p
}

// SeesNot wants none of the texts on the page.
func (p *Person) SeesNot(texts ...string) *Person {
	p.t.Helper()
	s := p.look()
	for _, text := range texts {
		if strings.Contains(s.text, squash(text)) {
			p.fatal("sees %q, which should not be there", text)
		}
	}
	return p
}

// Title wants this as the beginning of the page's title.
func (p *Person) Title(text string) *Person {
	p.t.Helper()
	title := ""
	starts := func(s sight) bool {
		if n := first(s.doc, "title"); n != nil {
			title = squash(content(n))
		}
		return strings.HasPrefix(title, text)
	}
	if !p.comes(starts) {
		p.fatal("title %q, want %q", title, text)
	}
	return p
}

// At wants part somewhere in the address.
func (p *Person) At(part string) *Person {
	p.t.Helper()
	if !p.comes(func(s sight) bool { return strings.Contains(s.url, part) }) {
		p.fatal("at %s, want %s", p.URL(), part)
	}
	return p
}

// URL gives the address of the page.
func (p *Person) URL() string { p.t.Helper(); return p.look().url }

// Status gives the HTTP status of the page.
func (p *Person) Status() int { p.t.Helper(); return p.look().status }

// HTML gives the page: as it was sent (InProcess), or as it is by now (Chromium).
func (p *Person) HTML() string { p.t.Helper(); return p.look().html }

// Text gives the visible text, runs of spaces as one.
func (p *Person) Text() string { p.t.Helper(); return p.look().text }

// Header gives a header of the answer.
func (p *Person) Header(name string) string { p.t.Helper(); return p.look().header.Get(name) }

// field finds a control by its words, or ends the test.
func (p *Person) field(words string, kinds ...string) *html.Node {
	p.t.Helper()
	var n *html.Node
	if !p.comes(func(s sight) bool { n = find(s.doc, words, kinds...); return n != nil }) {
		p.fatal("there is no %s %q; there are: %s", strings.Join(kinds, " or "), words, names(p.look().doc, kinds...))
	}
	return n
}

func (p *Person) look() sight {
	p.t.Helper()
	s, err := p.driver.look()
	p.must(err, "look")
	if s.doc == nil {
		p.t.Fatalf("no page was visited yet")
	}
	return s
}

// comes tells whether the page is as it should be, or becomes so: a page whose script
// sends a form at once is still there for a moment after it was loaded.
func (p *Person) comes(should func(sight) bool) bool {
	p.t.Helper()
	for end := time.Now().Add(p.patience); ; time.Sleep(step) {
		if should(p.look()) {
			return true
		}
		if !time.Now().Before(end) {
			return false
		}
	}
}

// longestSight is how much of a page a failed test shows, in bytes.
const longestSight = 1500

func (p *Person) fatal(format string, args ...any) {
	p.t.Helper()
	s, err := p.driver.look()
	if err != nil || s.doc == nil {
		p.t.Fatalf(format, args...)
	}
	p.t.Fatalf("%s\nat %s (status %d):\n%.*s", fmt.Sprintf(format, args...), s.url, s.status, longestSight, s.text)
}
