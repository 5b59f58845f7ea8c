package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tegata/idp/accounts"
	"tegata/idp/notify"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// samples shows every template, in each of its shapes. The page data is private to
// this package, hence the test within it.
func samples() []page.Page {
	wrong := fault.Fields{
		fault.New(fault.Invalid, "email", "email.form"),
		fault.New(fault.Invalid, "password", "password.rule.length").With("min", 12).With("max", 60),
	}
	form := signUpForm{Email: `"><script>`, GivenName: "Taro", FamilyName: "O'Neil", Country: "JP"}
	signUp := signUpData{Countries: locale.Countries("en"), Back: "/login", Guide: "/guide"}
	signUp.Terms, signUp.Privacy = `<a href="/terms">terms</a>`, `<a href="/privacy">privacy</a>`
	filled := signUp
	filled.Form, filled.Rules, filled.FreeMail, filled.Interaction = form, passwordRules(accounts.Draft{Email: form.Email, Password: "short"}), true, "i1"
	all := []page.Page{
		{Template: "login", Title: "login.title", Data: loginData{SignUp: "/signup", ForgotEmail: "/forgot-email", Help: "/help#login", NoCookies: true}},
		{Template: "login", Title: "login.title", Problem: wrong[0], Data: loginData{Client: "Shop", Elsewhere: true, Interaction: "i1", SignUp: "/signup", Help: "/help"}},
		{Template: "login_password", Title: "login_password.title", Data: passwordData{Email: "ada@example.org", Change: "/login", Forgot: "/forgot-password"}},
		{Template: "login_password", Title: "login_password.title", Problem: fault.New(fault.Denied, "", "login.failed"),
			Data: passwordData{Email: "ada@example.org", Client: "Shop", Failed: true, Change: "/login"}},
		{Template: "login_account", Title: "login_account.title", Data: accountData{Client: "Shop", Email: "ada@example.org"}},
		{Template: "login_account", Title: "login_account.title", Problem: fault.New(fault.Invalid, "", "login_account.choose"),
			Data: accountData{Client: "Shop", Email: "ada@example.org", Expected: "grace@example.org", About: aboutClient{Unverified: true, Return: "shop.example"}}},
		{Template: "consent", Title: "consent.title", Data: consentData{Client: "Shop", Email: "ada@example.org", Scopes: []string{"one", "two"}}},
		{Template: "consent", Title: "consent.title", Data: consentData{Client: "Shop", Email: "ada@example.org", Scopes: []string{"one"}, About: aboutClient{
			Unverified: true, Return: "shop.example", Home: "https://shop.example/", Logo: "https://shop.example/l", Policy: "https://shop.example/p", Terms: "javascript:alert(1)"}}},
		{Template: "consent", Title: "consent.title", Data: consentData{Client: "Bank", Email: "ada@example.org", Details: []detail{{Type: name{Text: "transfer"}}}}},
		{Template: "terms_accept", Title: "terms_accept.title", Data: termsData{Email: "ada@example.org", Version: "2", Terms: signUp.Terms, Privacy: signUp.Privacy},
			Problem: fault.New(fault.Invalid, "", "terms_accept.choose")},
		{Template: "signup", Title: "signup.title", Data: signUp},
		{Template: "signup", Title: "signup.title", Data: filled, Problem: wrong},
		{Template: "sent", Title: "sent.title", Data: sentData{Email: "ada@example.org", Days: 7, Wait: 60, Sender: "no-reply@example.org", SignUp: "/signup", Again: true, FreeMail: true}},
		{Template: "sent", Title: "sent.title", Data: sentData{Days: 7, Wait: 60, Sender: "no-reply@example.org", SignUp: "/signup"},
			Problem: fault.New(fault.Invalid, "code", "activation.code_missing")},
		{Template: "activated", Title: "activate.done_title", Data: activateData{Back: "/login"}},
		{Template: "logout", Title: "logout.title", Data: logoutData{Email: "ada@example.org"}},
		{Template: "logged_out", Title: "logout.done_title"},
		{Template: "leave", Title: "leave.title", Data: leaveData{Onward: "#"}},
		{Template: "stop", Title: "stop.title", Data: stopData{Client: "Shop", About: aboutClient{Unverified: true, Return: "shop.example"}, To: "https://shop.example/cb?error=invalid_scope"}},
		{Template: "stop", Title: "stop.title", Data: stopData{Client: `"><script>`, About: aboutClient{Unverified: true, Return: strings.Repeat("long.", 40) + "example:8443"},
			To: "https://shop.example/cb", Post: true, Fields: [][2]string{{"error", "invalid_scope"}, {"state", `"><script>`}}}},
		{Template: "apps", Title: "apps.title", Wide: true, Data: appsData{Done: true}},
		{Template: "apps", Title: "apps.title", Wide: true, Data: appsData{Done: true, Ended: `"><script>`, Apps: []connected{
			{ID: "a", Name: "Tracker", Scopes: []string{"one", "two"}, First: "yesterday", Last: "today", Ours: true},
			{ID: "b", Name: `"><script>`, First: "yesterday", Host: "shop.example"}}}},
		{Template: "doctor", Title: "doctor.title", Wide: true, Data: doctorData{Client: "Shop", ID: "shop", Until: "later"}},
		{Template: "doctor", Title: "doctor.title", Wide: true, Data: doctorData{Client: "Shop", ID: "shop", Until: "later", Requests: []visit{
			{At: "now", Endpoint: "token", Outcome: "ok", OK: true, Clock: "+1"},
			{At: "now", Endpoint: "logout", Outcome: "invalid_request", Reason: "because", Diff: &diff{Given: "https://shop.example/", None: true}},
			{At: "now", Endpoint: "authorize", Outcome: "server_error", Reason: "because", Diff: &diff{"https://", "shop", "<script>", ".example/cb", false}}},
			Registered: []fact{{"doctor.redirect_uris", []string{"https://shop.example/cb", "https://shop.example/other"}}}, Refused: 2, Clock: &hand{"doctor.clock.ahead", "90", "doctor.by.proof", "now", false}}},
		{Template: "doctor", Title: "doctor.title", Wide: true, Data: doctorData{Client: "Shop", ID: "shop", Until: "later", Clock: &hand{"doctor.clock.good", "+1", "doctor.by.assertion", "now", true},
			Requests: []visit{{At: "now", Endpoint: "token", Outcome: "ok", OK: true, Clock: "+1"}}}},
		{Template: "device", Title: "device.title", Data: deviceData{Code: `"><script>`}, Problem: fault.New(fault.Invalid, "user_code", "device.code_form")},
		{Template: "device_confirm", Title: "device.confirm_title", Data: deviceConfirmData{Client: "Television", Email: "ada@example.org", Place: "192.0.2.7",
			Asked: time.Unix(0, 0), Zone: "Asia/Tokyo", Scopes: []string{"one"}, Details: []detail{{Type: name{Text: "transfer"}, Members: []member{{name{Text: "amount"}, []value{{Text: "1"}, {Empty: true}}}}}}}},
		{Template: "device_confirm", Title: "device.confirm_title", Data: deviceConfirmData{Client: "Television", About: aboutClient{Unverified: true, Terms: "https://tv.example/t"}}},
		{Template: "device_over", Title: "device.over_title"},
		{Template: "device_done", Title: "device.done_title", Data: "device.done"},
		{Template: "profile", Title: "profile.title", Wide: true, Data: profileData{FullName: "Ada Lovelace", LastLogin: "today",
			Apps: []app{{ID: "shop", Name: "Shop", Address: "https://shop.example/login"}}}},
		{Template: "profile", Title: "profile.title", Wide: true, Data: profileData{FullName: "Ada Lovelace", Email: "ada.lovelace@mathematics.example.org", Country: "Japan"}},
		{Template: "article", Title: "terms.title", Data: articleData{Body: prose("## One\n\n- two [three](/help)"), Version: "1", Back: wayBack{"/login", "x"}}},
		{Template: "help", Title: "help.title", Data: helpData{Sections: []section{{"login", "Log in", prose("text")}}, Back: wayBack{"/login", "x"}}},
		{Template: "contact", Title: "contact.title", Data: contactData{About: "x", Address: "s@example.org", Rows: []contactRow{{"One", "mailto:s@example.org"}}}},
		{Template: "postbox", Title: "postbox.title", Wide: true, Data: postboxData{}},
		{Template: "postbox", Title: "postbox.title", Wide: true, Data: postboxData{[]notify.Letter{
			{Subject: "Hello", To: "ada@example.org", Links: []string{"http://localhost:9000/activate?token=x"}, Code: "123456", Text: "<b>", At: time.Unix(0, 0)}}}},
	}
	for state, title := range activateTitles {
		all = append(all, page.Page{Template: "activate", Title: title,
			Data: activateData{Token: "t", State: state, Days: 7, Back: "/login", SignUp: "/signup"}})
	}
	return all
}

// TestEveryTemplateInEveryLanguage shows all of them and looks for words that nobody
// translated, controls without a label and ids used twice.
func TestEveryTemplateInEveryLanguage(t *testing.T) {
	set := testSet(t)
	shown := map[string]bool{"problem": true} // shared/page shows it
	for _, lang := range set.Catalog.Languages() {
		for _, sample := range samples() {
			shown[sample.Template] = true
			t.Run(lang+"/"+sample.Title, func(t *testing.T) { checkPage(t, set, lang, sample) })
		}
	}
	for _, name := range set.Templates() {
		if !shown[name] {
			t.Errorf("template %s has no sample", name)
		}
	}
}

func testSet(t *testing.T) *page.Set {
	t.Helper()
	catalog, err := locale.Load(append([]fs.FS{page.Locales()}, Locales()...)...)
	if err != nil {
		t.Fatal(err)
	}
	brand, err := page.ReadBrand("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := page.New(page.Options{Program: "idp", Templates: []fs.FS{Templates()}, Static: Static(), Catalog: catalog, Brand: brand})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func checkPage(t *testing.T, set *page.Set, lang string, sample page.Page) {
	t.Helper()
	r := httptest.NewRequest("GET", "/x?ui_locales="+lang, nil)
	w := httptest.NewRecorder()
	set.Handler(func(w http.ResponseWriter, r *http.Request) error { return set.Show(w, r, sample) }).ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	doc, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	seen := reader{ids: map[string]int{}, labels: map[string]bool{}}
	seen.walk(doc)
	if seen.lang != lang {
		t.Errorf("lang %q, want %q", seen.lang, lang)
	}
	for id, n := range seen.ids {
		if n > 1 {
			t.Errorf("id %s stands %d times", id, n)
		}
	}
	for _, id := range seen.controls {
		if !seen.labels[id] {
			t.Errorf("control %q has no label", id)
		}
	}
	if found := bare.FindString(seen.text.String()); found != "" {
		t.Errorf("untranslated or unfilled: %s", found)
	}
	if seen.headings != 1 {
		t.Errorf("%d h1, want 1", seen.headings)
	}
}

// bare finds message keys and placeholders among the words of a page.
var bare = regexp.MustCompile(`\{[a-z_]+\}|\b(login|login_password|login_account|consent|scope|signup|sent|activate|logout|device|profile|postbox|contact|forgot|help|guide|page|field|password|email|problem)\.[a-z_]+\b`)

// reader is what a reader, and a screen reader, meets on a page.
type reader struct {
	lang     string
	ids      map[string]int
	labels   map[string]bool
	controls []string
	headings int
	text     strings.Builder
}

func (p *reader) walk(n *html.Node) {
	switch {
	case n.Type == html.TextNode && !slices.Contains([]string{"code", "pre", "strong", "dd", "a"}, n.Parent.Data):
		p.text.WriteString(n.Data + " ")
	case n.Type == html.ElementNode:
		p.element(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.walk(c)
	}
}

func (p *reader) element(n *html.Node) {
	attr := map[string]string{}
	for _, a := range n.Attr {
		attr[a.Key] = a.Val
	}
	if id := attr["id"]; id != "" {
		p.ids[id]++
	}
	_, hidden := attr["hidden"]
	switch n.Data {
	case "html":
		p.lang = attr["lang"]
	case "h1":
		p.headings++
	case "label":
		p.labels[attr["for"]] = true
	case "input", "select", "textarea":
		if attr["type"] != "hidden" && !hidden {
			p.controls = append(p.controls, attr["id"])
		}
	}
}

func TestProseEscapesAndLinksOnlyToUs(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a <b> [c](/d)", "<p>a &lt;b&gt; <a href=\"/d\">c</a></p>\n"},
		{"[c](https://elsewhere.example)", "<p>[c](https://elsewhere.example)</p>\n"},
		{"[c](javascript:x)", "<p>[c](javascript:x)</p>\n"},
		{"## h\n\n- i\n- j", "<h2>h</h2>\n<ul>\n<li>i</li>\n<li>j</li>\n</ul>\n"},
	} {
		if got := string(prose(c.text)); got != c.want {
			t.Errorf("prose(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestEveryLinkStateHasAHeading(t *testing.T) {
	for _, state := range []accounts.LinkState{accounts.Fresh, accounts.Used, accounts.Expired, accounts.Replaced, accounts.Unknown} {
		if activateTitles[state] == "" {
			t.Errorf("state %v has no heading", state)
		}
	}
}
