// Package browser is a person in front of our pages, for tests. A person reads
// visible text, fills fields by their labels and presses buttons by their words, so a
// field without a label or a button without a name fails the test by itself.
//
//	InProcess   without a browser: HTTP, cookies and HTML forms as the standards say; no script (inprocess.go, forms.go)
//	Chromium    Debian's Chromium over the DevTools protocol: width, dark, script on or off (chromium.go, tab.go)
//	Person      what both do: Visit, Fill, Choose, Check, Press, Follow (browser.go), Sees, Title, At … (sight.go)
//	Axe, AxeDayAndNight   the accessibility check of axe-core, in Chromium (axe.go)
//	Picture     leaves a picture of the page, for those who want to see it (chromium.go)
//
// All methods end the test with t.Fatalf and what the person saw instead.
package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// Options is what kind of browser a person has.
type Options struct {
	Width    int    // of the window, in CSS pixels; 0 means 1280
	Script   bool   // JavaScript is on (Chromium only)
	Dark     bool   // prefers dark pages
	Language string // Accept-Language, "ja"; "" sends none
	Base     string // URL that paths are visited under, such as "http://localhost:9000"
	Insecure bool   // take any certificate
}

// Person is somebody with a browser of their own: cookies are not shared.
type Person struct {
	Base string // URL that paths are visited under before the first page

	t        testing.TB
	driver   driver
	patience time.Duration // with a page that goes on by itself; 0 where none can
}

// driver is one kind of browser. Nodes are of the document that look gave last.
type driver interface {
	visit(address string) error
	look() (sight, error)
	fill(field *html.Node, value string) error
	choose(list, option *html.Node) error
	check(box *html.Node, on bool) error
	press(button *html.Node) error
	follow(link *html.Node) error
	enter(field *html.Node) error
	value(field *html.Node) (string, error)
	screenshot(path string) error
}

// Visit goes to an address: a whole URL, or a path on the site of the page at hand
// (on Base, at the beginning).
func (p *Person) Visit(address string) *Person {
	p.t.Helper()
	p.must(p.driver.visit(p.absolute(address)), "visit %s", address)
	p.inspect()
	return p
}

// Fill types value into the text field with that label, in place of what was there.
func (p *Person) Fill(label, value string) *Person {
	p.t.Helper()
	field := p.field(label, "input", "textarea")
	if reason := untouchable(field); reason != "" {
		p.fatal("cannot fill %q: it is %s", label, reason)
	}
	p.must(p.driver.fill(field, value), "fill %q", label)
	return p
}

// Choose takes the option with that text in the list with that label, or in a group
// of radio buttons with that legend.
func (p *Person) Choose(label, option string) *Person {
	p.t.Helper()
	s := p.look()
	list := find(s.doc, label, "select")
	if list == nil {
		return p.radio(s, label, option)
	}
	for _, o := range all(list, "option") {
		if squash(visible(o)) == option && !has(o, "disabled") {
			p.must(p.driver.choose(list, o), "choose %q", option)
			return p
		}
	}
	p.fatal("%q has no option %q", label, option)
	return p
}

func (p *Person) radio(s sight, legend, option string) *Person {
	p.t.Helper()
	for _, group := range all(s.doc, "fieldset") {
		if l := first(group, "legend"); l == nil || unstar(visible(l)) != legend {
			continue
		}
		if button := find(group, option, "input"); button != nil {
			p.must(p.driver.check(button, true), "choose %q", option)
			return p
		}
	}
	p.fatal("there is no list %q with an option %q; labels: %s", legend, option, names(s.doc, "select", "legend"))
	return p
}

// Check ticks the box with that label.
func (p *Person) Check(label string) *Person {
	p.t.Helper()
	p.must(p.driver.check(p.field(label, "input"), true), "check %q", label)
	return p
}

// Uncheck takes the tick away.
func (p *Person) Uncheck(label string) *Person {
	p.t.Helper()
	p.must(p.driver.check(p.field(label, "input"), false), "uncheck %q", label)
	return p
}

// Press presses the button with these words and waits for the page that follows.
func (p *Person) Press(button string) *Person {
	p.t.Helper()
	b := p.field(button, "button", "submit")
	if has(b, "disabled") {
		p.fatal("the button %q is disabled", button)
	}
	p.must(p.driver.press(b), "press %q", button)
	p.inspect()
	return p
}

// PressEnter presses the Enter key in the field with that label, which sends its form
// by the form's first button.
func (p *Person) PressEnter(label string) *Person {
	p.t.Helper()
	p.must(p.driver.enter(p.field(label, "input")), "press Enter in %q", label)
	p.inspect()
	return p
}

// Follow follows the link with these words.
func (p *Person) Follow(link string) *Person {
	p.t.Helper()
	p.must(p.driver.follow(p.field(link, "a")), "follow %q", link)
	p.inspect()
	return p
}

// Value gives what stands in the field with that label.
func (p *Person) Value(label string) string {
	p.t.Helper()
	v, err := p.driver.value(p.field(label, "input", "textarea", "select"))
	p.must(err, "read %q", label)
	return v
}

// LinkTo gives the absolute address of the link with these words.
func (p *Person) LinkTo(link string) string {
	p.t.Helper()
	return p.absolute(attr(p.field(link, "a"), "href"))
}

// Screenshot writes the whole page as PNG. A person without a browser has none.
func (p *Person) Screenshot(path string) *Person {
	p.t.Helper()
	p.must(p.driver.screenshot(path), "screenshot")
	return p
}

// inspect refuses a page with fields that nobody can name.
func (p *Person) inspect() {
	p.t.Helper()
	s := p.look()
	for _, kind := range []string{"input", "select", "textarea"} {
		for _, n := range all(s.doc, kind) {
			if typed(n) && !hidden(n) && name(s.doc, n) == "" {
				p.fatal("the field %q has no label", attr(n, "name"))
			}
		}
	}
}

func (p *Person) absolute(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() {
		return address
	}
	base := p.Base
	if s, err := p.driver.look(); err == nil && strings.HasPrefix(s.url, "http") {
		base = s.url
	}
	b, err := url.Parse(base)
	if err != nil {
		return address
	}
	return b.ResolveReference(u).String()
}

func (p *Person) must(err error, format string, args ...any) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}
