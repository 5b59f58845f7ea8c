package browser

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// InProcess gives a person without a browser: quick, without script and without CSS.
// Servers are real ones on the loopback.
func InProcess(t testing.TB, options ...Options) *Person {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &plain{language: o.Language}
	d.client = &http.Client{
		Jar: jar, Timeout: 30 * time.Second, CheckRedirect: d.redirect,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: o.Insecure}},
	}
	t.Cleanup(d.client.CloseIdleConnections)
	return &Person{Base: o.Base, t: t, driver: d}
}

// Tab opens another page of the same browser, which has the same cookies. It is for a
// person of InProcess only.
func (p *Person) Tab() *Person {
	p.t.Helper()
	d, ok := p.driver.(*plain)
	if !ok {
		p.fatal("only a person of InProcess has a second tab")
	}
	client := *d.client
	other := &plain{client: &client, language: d.language}
	client.CheckRedirect = other.redirect
	return &Person{Base: p.Base, t: p.t, driver: other}
}

// maxHops is how many redirects a browser follows.
const maxHops = 20

// maxPage caps what is read of a page, in bytes.
const maxPage = 4 << 20

// plain is the browser that is none.
type plain struct {
	client   *http.Client
	language string
	now      sight
}

func (d *plain) look() (sight, error) { return d.now, nil }

func (d *plain) visit(address string) error {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return d.do(req, nil)
}

// do sends a request as a browser does that shows page from (nil: a new tab).
func (d *plain) do(req *http.Request, from *url.URL) error {
	h := req.Header
	h.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	h.Set("User-Agent", "Mozilla/5.0 (tegata test person)")
	h.Set("Sec-Fetch-Mode", "navigate")
	h.Set("Sec-Fetch-Dest", "document")
	h.Set("Sec-Fetch-Site", site(from, req.URL))
	if d.language != "" {
		h.Set("Accept-Language", d.language)
	}
	if from != nil && req.Method == http.MethodPost {
		h.Set("Origin", from.Scheme+"://"+from.Host)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return d.read(resp)
}

// site says how the page asked for relates to the page at hand (Fetch Metadata §2.3).
func site(from, to *url.URL) string {
	switch {
	case from == nil:
		return "none"
	case from.Scheme == to.Scheme && from.Host == to.Host:
		return "same-origin"
	case from.Scheme == to.Scheme && from.Hostname() == to.Hostname():
		return "same-site"
	}
	return "cross-site"
}

// redirect lets the client go on, and keeps the metadata true on the way.
func (d *plain) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxHops {
		return fmt.Errorf("more than %d redirects", maxHops)
	}
	if before := via[len(via)-1]; site(before.URL, req.URL) != "same-origin" && req.Header.Get("Sec-Fetch-Site") != "none" {
		req.Header.Set("Sec-Fetch-Site", site(before.URL, req.URL))
	}
	if req.Method == http.MethodGet {
		req.Header.Del("Origin")
		req.Header.Del("Content-Type")
	}
	return nil
}

func (d *plain) read(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return err
	}
	s := sight{url: resp.Request.URL.String(), status: resp.StatusCode, header: resp.Header, html: string(raw)}
	if s.doc, err = html.Parse(strings.NewReader(s.html)); err != nil {
		return err
	}
	s.text = squash(visible(s.doc))
	d.now = s
	return nil
}

func (d *plain) fill(field *html.Node, value string) error {
	if n := len([]rune(value)); has(field, "maxlength") {
		var most int
		if _, err := fmt.Sscan(attr(field, "maxlength"), &most); err == nil && n > most {
			value = string([]rune(value)[:most]) // as a browser does while one types
		}
	}
	if field.Data == "input" {
		value = strings.NewReplacer("\r", "", "\n", "").Replace(value)
	}
	setAttr(field, "value", value)
	return nil
}

func (d *plain) choose(list, option *html.Node) error {
	for _, o := range all(list, "option") {
		dropAttr(o, "selected")
	}
	setAttr(option, "selected", "")
	return nil
}

func (d *plain) check(box *html.Node, on bool) error {
	if !on {
		dropAttr(box, "checked")
		return nil
	}
	if strings.EqualFold(attr(box, "type"), "radio") {
		if form := formOf(d.now.doc, box); form != nil {
			for _, other := range owned(d.now.doc, form) {
				if attr(other, "name") == attr(box, "name") {
					dropAttr(other, "checked")
				}
			}
		}
	}
	setAttr(box, "checked", "")
	return nil
}

func (d *plain) press(button *html.Node) error {
	form := formOf(d.now.doc, button)
	if kind := strings.ToLower(attr(button, "type")); kind == "button" || kind == "reset" {
		return fmt.Errorf("this button needs script")
	}
	if form == nil {
		return fmt.Errorf("this button belongs to no form")
	}
	return d.submit(form, button)
}

func (d *plain) enter(field *html.Node) error {
	form := formOf(d.now.doc, field)
	if form == nil {
		return fmt.Errorf("this field belongs to no form")
	}
	buttons := submitters(d.now.doc, form)
	if len(buttons) == 0 {
		return d.submit(form, nil)
	}
	return d.submit(form, buttons[0])
}

func (d *plain) submit(form, button *html.Node) error {
	s, err := send(d.now.doc, form, button)
	if err != nil {
		return err
	}
	here, err := url.Parse(d.now.url)
	if err != nil {
		return err
	}
	target, err := here.Parse(s.action)
	if err != nil {
		return err
	}
	if s.action == "" {
		target = here
	}
	if s.method == http.MethodGet {
		to := *target
		to.RawQuery, to.Fragment = s.values.Encode(), ""
		req, err := http.NewRequest(http.MethodGet, to.String(), nil)
		if err != nil {
			return err
		}
		return d.do(req, here)
	}
	req, err := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(s.values.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(req, here)
}

func (d *plain) follow(link *html.Node) error {
	here, err := url.Parse(d.now.url)
	if err != nil {
		return err
	}
	target, err := here.Parse(attr(link, "href"))
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	return d.do(req, here)
}

func (d *plain) value(field *html.Node) (string, error) {
	if field.Data == "select" {
		if o := selected(field); o != nil {
			return squash(content(o)), nil
		}
		return "", nil
	}
	return text(field), nil
}

func (d *plain) screenshot(string) error { return nil }
