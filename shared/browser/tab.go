package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
)

// How long a page may take to begin to load after a press, to load, and to be what a
// test wants to see when it goes on by itself.
const (
	beginsWithin = 3 * time.Second
	doneWithin   = 20 * time.Second // anything else
	loadsWithin  = 30 * time.Second
	settles      = 60 * time.Millisecond // after a press that loads nothing
	goesOnWithin = 20 * time.Second      // costs nothing but where a test fails
	step         = 5 * time.Millisecond
)

// tab is a tab of Chromium.
type tab struct {
	ctx     context.Context
	options Options
	dark    bool

	mu               sync.Mutex // guards what events change
	top              cdp.FrameID
	started, stopped int // loads of the page itself, not of frames in it
	document         network.RequestID
	response         *network.Response
	weight           Weight
	heard, expected  []string
	failed           string // why the last load failed
}

// hear takes the browser's events. It must be quick and must not call the browser.
func (d *tab) hear(event any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e := event.(type) {
	case *page.EventFrameStartedLoading:
		if d.top == "" {
			d.top = e.FrameID
		}
		if e.FrameID == d.top {
			d.started++
		}
	case *page.EventFrameStoppedLoading:
		if e.FrameID == d.top {
			d.stopped = d.started // also of loads that the page itself replaced: those stop once, with the next one
		}
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument && e.RequestID != d.document && (d.top == "" || e.FrameID == d.top) {
			d.document, d.weight, d.failed = e.RequestID, Weight{}, ""
		}
		if !strings.HasPrefix(e.Request.URL, "data:") {
			d.weight.Requests++
		}
	case *network.EventResponseReceived:
		if e.RequestID == d.document {
			d.response = e.Response
		}
	case *network.EventLoadingFinished:
		d.weight.Bytes += int(e.EncodedDataLength)
	case *network.EventLoadingFailed:
		if e.RequestID == d.document {
			d.failed = e.ErrorText
		}
	case *cdplog.EventEntryAdded:
		d.note(e.Entry)
	case *runtime.EventExceptionThrown:
		d.heard = append(d.heard, "script: "+thrown(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			d.heard = append(d.heard, fmt.Sprintf("console: %v", spoken(e.Args)))
		}
	}
}

// note keeps errors, except that the page itself answered 4xx: pages do that.
func (d *tab) note(e *cdplog.Entry) {
	if e.Level != cdplog.EntryLevelError || e.NetworkRequestID == d.document && e.Source == cdplog.EntrySourceNetwork {
		return
	}
	if strings.HasSuffix(e.URL, "/favicon.ico") { // answers that are no page of ours name no icon
		return
	}
	d.heard = append(d.heard, fmt.Sprintf("%s: %s %s", e.Source, e.Text, e.URL))
}

func thrown(e *runtime.ExceptionDetails) string {
	if e.Exception != nil {
		return e.Exception.Description
	}
	return e.Text
}

// spoken gives what was written to the console.
func spoken(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, string(a.Value)+a.Description)
	}
	return strings.Join(words, " ")
}

func (d *tab) counts() (started, stopped int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.started, d.stopped
}

func (d *tab) visit(address string) error {
	ctx, cancel := context.WithTimeout(d.ctx, loadsWithin)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Navigate(address))
}

// look reads the page in one call. Text is what is drawn: innerText leaves out what
// the stylesheet hides. A page that goes on by itself may do so while it is read; then
// the next one is read.
func (d *tab) look() (sight, error) {
	const all = `({url: location.href, html: (document.documentElement || {outerHTML: ""}).outerHTML, text: document.body ? document.body.innerText : ""})`
	got, err := run(d, chromedp.Evaluate[[]byte](all))
	for tries := 0; tries < 5 && err != nil && strings.Contains(err.Error(), "target navigated or closed"); tries++ {
		got, err = run(d, chromedp.Evaluate[[]byte](all))
	}
	if err != nil {
		return sight{}, err
	}
	var page struct{ URL, HTML, Text string }
	if err := json.Unmarshal(got, &page); err != nil {
		return sight{}, err
	}
	s := sight{url: page.URL, html: page.HTML, text: squash(page.Text), header: http.Header{}}
	d.mu.Lock()
	if d.response != nil {
		s.status = int(d.response.Status)
		for name, value := range d.response.Headers {
			s.header.Set(name, fmt.Sprint(value))
		}
	}
	d.mu.Unlock()
	s.doc, err = html.Parse(strings.NewReader(s.html))
	return s, err
}

// run does one thing in the tab, within a time.
func run[T any](d *tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(d.ctx, doneWithin)
	defer cancel()
	return chromedp.Run(ctx, action)
}

func (d *tab) do(action chromedp.Action[chromedp.Void]) error {
	_, err := run(d, action)
	return err
}

// path gives a selector for exactly n: its place among its siblings, up to the root.
func path(n *html.Node) chromedp.CSS {
	var steps []string
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		place := 1
		for s := n.PrevSibling; s != nil; s = s.PrevSibling {
			if s.Type == html.ElementNode {
				place++
			}
		}
		steps = append([]string{fmt.Sprintf("%s:nth-child(%d)", n.Data, place)}, steps...)
	}
	steps[0] = "html"
	return chromedp.CSS(strings.Join(steps, ">"))
}

// with runs a function on the element: function(el, value).
func (d *tab) with(n *html.Node, function, value string) (string, error) {
	selector, _ := json.Marshal(string(path(n))) // a string always can be
	argument, _ := json.Marshal(value)
	return run(d, chromedp.Evaluate[string](fmt.Sprintf(
		`String((%s)(document.querySelector(%s), %s))`, function, selector, argument)))
}

func (d *tab) fill(field *html.Node, value string) error {
	if err := d.do(chromedp.Focus(path(field))); err != nil {
		return err
	}
	const empty = `function(el) { el.select(); if (el.value !== "") { document.execCommand("delete"); } if (el.value !== "") { el.value = ""; } }`
	if _, err := d.with(field, empty, ""); err != nil || value == "" {
		return err
	}
	return d.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: value})
		return err
	}))
}

func (d *tab) choose(list, option *html.Node) error {
	if _, err := d.with(list, `function(el, v) { el.value = v; el.dispatchEvent(new Event("input", {bubbles: true})); el.dispatchEvent(new Event("change", {bubbles: true})); }`, optionValue(option)); err != nil {
		return err
	}
	return nil
}

func (d *tab) check(box *html.Node, on bool) error {
	is, err := d.with(box, `function(el) { return el.checked; }`, "")
	if err != nil || (is == "true") == on {
		return err
	}
	return d.do(chromedp.Click(path(box)))
}

func (d *tab) value(field *html.Node) (string, error) {
	return d.with(field, `function(el) { return el.tagName === "SELECT" ? (el.selectedOptions[0] || {}).text || "" : el.value; }`, "")
}

func (d *tab) press(button *html.Node) error {
	kind := strings.ToLower(attr(button, "type"))
	return d.act(kind == "" || kind == "submit", chromedp.Click(path(button)))
}

func (d *tab) follow(link *html.Node) error {
	return d.act(!strings.HasPrefix(attr(link, "href"), "#"), chromedp.Click(path(link)))
}

func (d *tab) enter(field *html.Node) error {
	if err := d.do(chromedp.Focus(path(field))); err != nil {
		return err
	}
	return d.act(true, chromedp.KeyEvent("\r"))
}

// act does something and waits for the page that it loads, if it should load one.
func (d *tab) act(loads bool, action chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(d.ctx, loadsWithin)
	defer cancel()
	before, _ := d.counts()
	if err := chromedp.Do(ctx, action); err != nil {
		return err
	}
	wait := settles
	if loads {
		wait = beginsWithin
	}
	if !d.until(ctx, wait, func() bool { started, _ := d.counts(); return started > before }) {
		return nil // nothing was loaded: what the test looks for next will tell
	}
	if !d.until(ctx, loadsWithin, func() bool { started, stopped := d.counts(); return stopped >= started }) {
		return fmt.Errorf("the page does not finish loading")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != "" {
		return fmt.Errorf("the browser could not load the page: %s %s", d.failed, strings.Join(d.heard, "; "))
	}
	return nil
}

// until waits for a condition that events bring about.
func (d *tab) until(ctx context.Context, wait time.Duration, done func() bool) bool {
	for end := time.Now().Add(wait); ; {
		if done() {
			return true
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return false
		}
		time.Sleep(step)
	}
}

func (d *tab) screenshot(file string) error {
	png, err := run(d, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o644)
}

func ignoreCertificates(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	return err
}
