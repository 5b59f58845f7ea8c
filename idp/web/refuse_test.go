package web_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/idp/notify"
	"tegata/shared/db/dbtest"
)

// send makes one bare request; redirects are not followed.
func (w *world) send(t *testing.T, method, path string, body io.Reader, header ...string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequest(method, w.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(raw)
}

var href = regexp.MustCompile(`href="(/[^"#]*)`)

// ours are the links of a page that stay on this site.
func ours(page string) []string {
	var links []string
	for _, found := range href.FindAllStringSubmatch(page, -1) {
		links = append(links, strings.ReplaceAll(found[1], "&amp;", "&"))
	}
	return links
}

func waitForMails(t *testing.T, w *world, to string, n int) []notify.Letter {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := w.Mails(t, to); len(all) >= n {
			return all
		}
	}
	return w.Mails(t, to)
}

// signUpForm is a complete form; pairs change it.
func signUpForm(pairs ...string) url.Values {
	form := url.Values{"email": {"new@tokyo.example"}, "password": {good}, "given_name": {"Taro"}, "family_name": {"Yamada"}, "country": {"JP"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// TestBadSignUps: a sentence beside the field, what was typed stays, nothing is
// created and nothing breaks.
func TestBadSignUps(t *testing.T) {
	w := start(t, true)
	long := strings.Repeat("x", 3000)
	for _, c := range []struct{ name, field, value, says string }{
		{"no address", "email", "", "Enter your email address."},
		{"no domain", "email", "abc", "in the form user@company.com"},
		{"no dot", "email", "a@b", "in the form user@company.com"},
		{"a space", "email", "a b@c.jp", "in the form user@company.com"},
		{"two addresses", "email", "a@ok.example,b@evil.example", "in the form user@company.com"},
		{"a header", "email", "a@ok.example\r\nBcc: b@evil.example", "in the form user@company.com"},
		{"a NUL", "email", "a@ok.example\x00", "in the form user@company.com"},
		{"long address", "email", long + "@ok.example", "too long"},
		{"no password", "password", "", "Enter a password."},
		{"short password", "password", "Aa1!aaaaaaa", "Use 12 to 60 characters"},
		{"long password", "password", strings.Repeat("Aa1!", 16), "Use 12 to 60 characters"},
		{"endless password", "password", strings.Repeat("Aa1!", 1000), "Use 12 to 60 characters"},
		{"full-width digit", "password", "Abcdefghijk１!", "Use at least one digit"},
		{"no symbol", "password", "Abcdefgh12345", "Use at least one symbol"},
		{"of the address", "password", "New-at-Tokyo-99!", "Use no part of your email address"},
		{"common", "password", "Password123!", "Do not use a common password"},
		{"no name", "given_name", "", "Enter your name."},
		{"kanji", "family_name", "山田", "Please use Roman letters"},
		{"control characters", "given_name", "Ta\x07ro", "Please use Roman letters"},
		{"broken UTF-8", "given_name", "Ta\xff\xfero", "Please use Roman letters"},
		{"long name", "given_name", long, "at most 64 characters"},
		{"no country", "country", "", "Choose your country or region."},
		{"wrong country", "country", "XX", "from the list"},
		{"country by name", "country", "Japan", "from the list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := w.post(t, "/signup", signUpForm(c.field, c.value), "Accept-Language", "en")
			if status != 400 || !strings.Contains(body, c.says) {
				t.Errorf("status %d, want 400 with %q", status, c.says)
			}
			if c.field != "given_name" && !strings.Contains(body, `value="Taro"`) {
				t.Error("what was typed is lost")
			}
			if strings.Contains(body, good) {
				t.Error("the password is on the page")
			}
		})
	}
	if n := len(w.Mails(t, "new@tokyo.example")); n != 0 {
		t.Errorf("%d mails, want none", n)
	}
	for _, name := range []string{"O'Neil", "Jean-Luc", "Łukasz", "Yamada"} { // S-019
		if status, body := w.post(t, "/signup", signUpForm("family_name", name, "country", "XX")); strings.Contains(body, "name.roman") || status != 400 {
			t.Errorf("%s is refused", name)
		}
	}
}

// TestBadRequests: whatever arrives, the answer is a page with a 4xx status.
func TestBadRequests(t *testing.T) {
	w := start(t, true)
	form := signUpForm().Encode()
	plain := "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		want                     int
	}{
		{"a megabyte", "POST", "/signup", "email=" + strings.Repeat("x", 1<<20), []string{"Content-Type", plain}, 413},
		{"JSON", "POST", "/signup", `{"email":"a@b.example"}`, []string{"Content-Type", "application/json"}, 415},
		{"text", "POST", "/signup", form, []string{"Content-Type", "text/plain"}, 415},
		{"multipart", "POST", "/signup", form, []string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
		{"cross-site", "POST", "/signup", form, []string{"Content-Type", plain, "Sec-Fetch-Site", "cross-site"}, 403},
		{"foreign origin", "POST", "/login", form, []string{"Content-Type", plain, "Origin", "https://evil.example"}, 403},
		{"null origin", "POST", "/logout", "", []string{"Content-Type", plain, "Origin", "null"}, 403},
		{"broken escapes", "POST", "/login", "email=%zz", []string{"Content-Type", plain}, 400},
		{"wrong method", "DELETE", "/login", "", nil, 405},
		{"get only", "POST", "/help", "", []string{"Content-Type", plain}, 405},
		{"unknown page", "GET", "/nowhere", "", nil, 404},
		{"unknown file", "GET", "/static/x/y.css", "", nil, 404},
		{"a path out", "GET", "/static/x/..%2f..%2froutes.go", "", nil, 404},
	} {
		status, body := w.send(t, c.method, c.path, strings.NewReader(c.body), c.header...)
		if status != c.want || !strings.Contains(body, "<h1>") {
			t.Errorf("%s: status %d, want %d with a page", c.name, status, c.want)
		}
	}
	for _, path := range []string{"/login", "/login/password", "/consent", "/signup", "/signup/sent", "/activate", "/logout"} {
		if status, _ := w.post(t, path, url.Values{"interaction": {"nonsense\x00"}, "token": {"x.y"}, "email": {"a@b.example"}}); status >= 500 {
			t.Errorf("%s with nonsense: status %d", path, status)
		}
		if status, _ := w.send(t, "GET", path+"?interaction=%00%ff&token=%00", nil); status >= 500 {
			t.Errorf("%s?nonsense: status %d", path, status)
		}
	}
}

// TestReplayedPosts: sending a form twice is one sign-up, and no mistake (K-08).
func TestReplayedPosts(t *testing.T) {
	w := start(t, true)
	for range 3 {
		if status, _ := w.post(t, "/signup", signUpForm()); status != http.StatusSeeOther {
			t.Fatalf("status %d, want 303", status)
		}
	}
	w.Mail(t, "new@tokyo.example")
	if n := len(w.Mails(t, "new@tokyo.example")); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

// strip takes out what differs between any two answers.
var strip = regexp.MustCompile(`interaction=[0-9a-f-]+|value="[0-9a-f-]{36}"|[a-z.]+@[a-z.]+|<code>[a-z0-9]+</code>`)

// TestKnownAndUnknownAddressLookTheSame: at sign-up (S-025, A-081) and at log-in.
func TestKnownAndUnknownAddressLookTheSame(t *testing.T) {
	w := start(t, true)
	pages := map[string][]string{}
	for _, email := range []string{"connor.oneil@example.org", "nobody.knows@example.org"} {
		p := w.person(t, "en").Visit("/signup")
		inEnglish.fillSignUp(p, email)
		p.Fill(inEnglish.password, "Walnut+kites+4you").Press(inEnglish.register).At("/signup/sent").Sees(email)
		seen := []string{p.HTML()}
		p.Press(inEnglish.resend)
		seen = append(seen, p.HTML())
		p.Fill(inEnglish.code, "00000000").Press(inEnglish.activate)
		seen = append(seen, p.HTML())
		q := w.person(t, "en").Visit("/login")
		inEnglish.enter(q, email, "Walnut+kites+4you")
		pages[email] = append(seen, q.HTML())
	}
	known, unknown := pages["connor.oneil@example.org"], pages["nobody.knows@example.org"]
	for i := range known {
		if a, b := strip.ReplaceAllString(known[i], ""), strip.ReplaceAllString(unknown[i], ""); a != b {
			t.Errorf("page %d differs:\n%s\n---\n%s", i, a, b)
		}
	}
	if subject := w.Mail(t, "connor.oneil@example.org").Links[0]; strings.Contains(subject, "token") {
		t.Errorf("somebody with an account gets an activation link: %s", subject)
	}
}

// TestScannersActivateNothing: GET and HEAD of the link, as often as they like, and
// what cross-site script can post.
func TestScannersActivateNothing(t *testing.T) {
	w := start(t, true)
	p := w.person(t, "en").Visit("/signup")
	inEnglish.fillSignUp(p, "taro@tokyo.example")
	p.Press(inEnglish.register)
	link := strings.TrimPrefix(w.Mail(t, "taro@tokyo.example").Links[0], w.URL)
	token := link[strings.Index(link, "token=")+6:]
	for range 3 {
		for _, method := range []string{"HEAD", "GET"} {
			if status, _ := w.send(t, method, link, nil); status != 200 {
				t.Fatalf("%s: status %d", method, status)
			}
		}
	}
	if status, _ := w.post(t, "/activate", url.Values{"token": {token}}, "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Errorf("cross-site post: status %d, want 403", status)
	}
	q := w.person(t, "en").Visit("/login")
	inEnglish.enter(q, "taro@tokyo.example", good).Sees("not active yet")
	p.Visit(w.URL + link).Title("Activate your account").Press(inEnglish.activate).Title(inEnglish.proved)
	p.Visit(w.URL + link).Title("Already confirmed")
	if status, body := w.post(t, "/activate", url.Values{"token": {token}}, "Accept-Language", "en"); status != 200 || !strings.Contains(body, "Already confirmed") {
		t.Errorf("replayed: status %d, want the friendly page", status)
	}
	p.Visit("/activate?token=" + token[:len(token)-4]).Title("We do not recognise this link")
}

// TestTooManyGuessesGetARefusalWithATime: the page says when to come back.
func TestTooManyGuessesGetARefusalWithATime(t *testing.T) {
	w := start(t, true)
	p := w.person(t, "en").Visit("/login").Fill(inEnglish.email, "connor.oneil@example.org").Press(inEnglish.next)
	for range 10 {
		p.Fill(inEnglish.password, "wrong").Press(inEnglish.logIn).Sees("do not match")
	}
	p.Fill(inEnglish.password, good).Press(inEnglish.logIn).Sees("too many attempts", "minutes")
	if got := p.Status(); got != http.StatusTooManyRequests {
		t.Errorf("status %d, want 429", got)
	}
	p.Sees("connor.oneil@example.org")
}

// TestPrivatePagesStayPrivate: headers of every page.
func TestPrivatePagesStayPrivate(t *testing.T) {
	w := start(t, true)
	p := w.person(t, "en").Visit("/login")
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
	} {
		if got := p.Header(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	p.Visit(w.authorize()).Fill(inEnglish.email, "connor.oneil@example.org").Press(inEnglish.next)
	if policy := p.Header("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+w.shop.URL) {
		t.Errorf("the log-in form may not lead to the client: %s", policy)
	}
}

// A problem page is headed by what happened, where the refusal has a title of its own.
func TestProblemsAreHeadedByWhatHappened(t *testing.T) {
	w := start(t, true)
	for _, c := range []struct{ lang, address, title string }{
		{"en", w.authorize("redirect_uri", "https://elsewhere.example/cb"), "We stopped for your safety"},
		{"ja", w.authorize("redirect_uri", "https://elsewhere.example/cb"), "安全のため手続きを中止しました"},
		{"ja", w.authorize("client_id", "nobody"), "サービスを確認できませんでした"},
		{"en", "/oauth2/logout?id_token_hint=forged", "Log-out not confirmed"},
		{"en", "/doctor?token=old", "Link no longer valid"},
		{"en", "/profile/nothing", "Page not found"}, // the usual one
	} {
		w.person(t, c.lang).Visit(c.address).Title(c.title)
	}
}

// Who was sent to log in, and whose request cannot be read again, has to start again: that is
// no log-in that has finished.
func TestARequestThatCannotBeReadAgainIsToBeStartedAgain(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		w := start(t, true, database)
		for _, say := range []struct {
			words
			who, password, title, text, not string
		}{
			{inEnglish, maya, mayaPassword, "This log-in cannot go on", "Please start again from the service", "is finished"},
			{inJapanese, "taro.yamada@example.co.jp", "Kumo7!yukigawa", "ログインの手続きを続けられません", "もう一度お進みください", "完了しています"},
		} {
			p := w.person(t, say.lang).Visit(w.authorize())
			if n, err := w.DB.Exec(t.Context(), `update interactions set request = '%zz'`); err != nil || n == 0 {
				t.Fatal(n, err)
			}
			say.enter(p, say.who, say.password).Title(say.title).Sees(say.text).SeesNot(say.not)
		}
	})
}
