package page_test

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tegata/shared/browser"
	"tegata/shared/locale"
	"tegata/shared/page"
)

var errBroken = errors.New("the disk is on fire")

// TestSwitchingTheLanguageKeepsWhatWasTypedAndWhatWasRefused: S-006, S-007, S-020,
// with script and without.
func TestSwitchingTheLanguageKeepsWhatWasTypedAndWhatWasRefused(t *testing.T) {
	for name, person := range map[string]func(testing.TB, string) *browser.Person{
		"in process": func(t testing.TB, base string) *browser.Person {
			return browser.InProcess(t, browser.Options{Base: base})
		},
		"without script": func(t testing.TB, base string) *browser.Person {
			return browser.Chromium(t, browser.Options{Base: base})
		},
		"with script": func(t testing.TB, base string) *browser.Person {
			return browser.Chromium(t, browser.Options{Base: base, Script: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			ada := person(t, site(t))
			ada.Visit("/signup").Title("Create an account").Sees("US / EN")
			ada.Fill("E-mail address", "abc").Fill("Given name", "山田").Fill("Family name", `O'Neil "x" <b>`).Choose("Country", "Japan").Check("Send me news")
			ada.Press("日本語").Title("アカウントを作成").Sees("JP / JA").SeesNot("ご確認ください")
			ada.Press("登録").Title("エラー: アカウントを作成").Sees("お名前はローマ字で", "の形でEメールアドレスを")
			ada.Press("English").Title("Error: Create an account").Sees("Please check the following", "Please write the name in roman letters.", "an address such as")
			for label, want := range map[string]string{"E-mail": "abc", "Given name": "山田", "Family name": `O'Neil "x" <b>`, "Country": "Japan"} {
				if got := ada.Value(label); got != want {
					t.Errorf("%s: %q after the switch, want %q", label, got, want)
				}
			}
			ada.Fill("E-mail", "ada@example.org").Fill("Given name", "Ada").Press("Register").At("/profile").Title("Profile")
		})
	}
}

// TestEnterSendsTheFormAndDoesNotSwitchTheLanguage: the switch stands before the form
// and belongs to it, so it would be the button that the Enter key presses.
func TestEnterSendsTheFormAndDoesNotSwitchTheLanguage(t *testing.T) {
	base := site(t)
	for _, ada := range []*browser.Person{
		browser.InProcess(t, browser.Options{Base: base, Language: "ja"}),
		browser.Chromium(t, browser.Options{Base: base, Language: "ja", Script: true}),
	} {
		ada.Visit("/signup").Fill("Eメールアドレス", "ada@example.org").PressEnter("Eメールアドレス").At("/profile").Sees("プロファイル")
	}
}

func TestAPageWithoutAFormSwitchesItsLanguageInPlace(t *testing.T) {
	ada := browser.InProcess(t, browser.Options{Base: site(t), Language: "fr, ja;q=0.5"})
	ada.Visit("/profile?a=b&ui_locales=en").Title("Profile").Press("日本語").At("/profile?a=b").Title("プロファイル").Visit("/signup").Title("アカウント")
}

func TestTheSwitchLeadsNowhereElse(t *testing.T) {
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, ""} {
		resp := post(t, site(t)+"/language", url.Values{"switch_language": {"ja"}, "switch_return": {to}})
		if got := resp.Header.Get("Location"); got != "/" || resp.StatusCode != http.StatusSeeOther {
			t.Errorf("return %q leads to %q (%d), want / (303)", to, got, resp.StatusCode)
		}
	}
}

func TestProblemPages(t *testing.T) {
	ada := browser.InProcess(t, browser.Options{Base: site(t)})
	for _, c := range []struct {
		path   string
		status int
		sees   string
	}{
		{"/nowhere", 404, "Page not found"},
		{"/slow", 429, "Please try again in 3 minutes."},
		{"/broken", 500, "Something went wrong on our side"},
		{"/language", 405, "cannot be opened like this"},
		{"/signup?%zz", 400, "could not read this request"},
	} {
		ada.Visit(c.path).Sees(c.sees, "Request ID: "+ada.Header("X-Request-Id")).SeesNot("fire")
		if ada.Status() != c.status {
			t.Errorf("%s: status %d, want %d", c.path, ada.Status(), c.status)
		}
	}
	if got := ada.Visit("/slow").Header("Retry-After"); got != "150" {
		t.Errorf("Retry-After %q, want 150", got)
	}
	if got := ada.Visit("/language").Header("Allow"); got != "POST" {
		t.Errorf("Allow %q, want POST", got)
	}
}

func TestABodyThatIsTooLargeIs413(t *testing.T) {
	for _, size := range []int{70 << 10, 1 << 20} {
		resp := post(t, site(t)+"/signup", url.Values{"email": {strings.Repeat("a", size)}})
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes: status %d, want 413", size, resp.StatusCode)
		}
	}
}

func TestARefusedFormTellsWhereAndWhy(t *testing.T) {
	resp := post(t, site(t)+"/signup", url.Values{"email": {"abc"}, "password": {"secret-typed"}})
	raw, _ := io.ReadAll(resp.Body)
	html := string(raw)
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d, want 400", resp.StatusCode)
	}
	for _, want := range []string{
		`<a href="#email">`, `id="email-error"`, `aria-invalid="true"`, `aria-describedby="email-error email-hint"`,
		`role="alert"`, `class="met"`, `class="unmet"`, ` required aria-required="true"`, `<html lang="en">`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(html, "secret-typed") {
		t.Error("a password was written back into the page")
	}
}

func TestNotesOfAForgedSwitchAreOnlyText(t *testing.T) {
	base := site(t)
	for _, notes := range []string{`<script>`, `[{"k":99}]`, `[{"k":1,"m":"<b>x</b>","f":"email"}]`, `[{"k":1,"m":"profile.saved","a":{"name":"<img src=x>"}}]`, strings.Repeat("[", 9000)} {
		resp := post(t, base+"/signup", url.Values{"switch_language": {"ja"}, "switch_notes": {notes}})
		raw, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusBadRequest || regexp.MustCompile(`<img src=x|<b>x`).Match(raw) {
			t.Errorf("notes %.40q: status %d", notes, resp.StatusCode)
		}
	}
}

// TestPagesHoldNothingInline: the content policy allows nothing inline.
func TestPagesHoldNothingInline(t *testing.T) {
	ada := browser.InProcess(t, browser.Options{Base: site(t)})
	inline := regexp.MustCompile(`(?i)<style|<script>|\sstyle=|\son[a-z]+=|javascript:`)
	for _, path := range []string{"/signup", "/profile", "/slow", "/nowhere"} {
		if got := inline.FindString(ada.Visit(path).HTML()); got != "" {
			t.Errorf("%s holds %s", path, got)
		}
	}
}

// TestPageWeight: house.md allows 60 KB and few requests.
func TestPageWeight(t *testing.T) {
	ada := browser.Chromium(t, browser.Options{Base: site(t), Script: true, Language: "ja"})
	weight := ada.Visit("/signup").Weight()
	t.Logf("sign-up: %d bytes in %d requests", weight.Bytes, weight.Requests)
	if weight.Bytes > 60<<10 || weight.Requests > 6 {
		t.Errorf("a page of %d bytes in %d requests", weight.Bytes, weight.Requests)
	}
	if css, err := os.Stat("static/page.css"); err != nil || css.Size() > 20<<10 {
		t.Errorf("page.css: %v, %d bytes", err, css.Size())
	}
}

func TestTheScriptTicksRulesAndShowsThePassword(t *testing.T) {
	ada := browser.Chromium(t, browser.Options{Base: site(t), Script: true, Width: 360})
	ada.Visit("/signup").Fill("E-mail", "taro.yamada@example.com").Fill("Password", "Yamada-1")
	ada.Sees("12 to 60 characters (not met)", "a digit (met)", "no part of your e-mail address (not met)")
	ada.Fill("Password", "Correct-horse-9").Sees("12 to 60 characters (met)", "no part of your e-mail address (met)")
	ada.Press("Show").Sees("Hide")
	if !strings.Contains(ada.HTML(), `name="password" type="text"`) {
		t.Error("the password is not shown")
	}
}

func TestStaticFilesAreCachedForEverAndZipped(t *testing.T) {
	base := site(t)
	html := browser.InProcess(t, browser.Options{Base: base}).Visit("/signup").HTML()
	path := regexp.MustCompile(`/static/[0-9a-f]{12}/page\.css`).FindString(html)
	req, _ := http.NewRequest("GET", base+path, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	zipped, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatalf("not zipped: %v", err)
	}
	css, _ := io.ReadAll(zipped)
	if !strings.Contains(string(css), "@layer brand{:root{--accent:#b3301a}") || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("Cache-Control %q, %d bytes", resp.Header.Get("Cache-Control"), len(css))
	}
	for accept, same := range map[string]bool{"gzip": true, "gzip;q=0": false} { // RFC 9110 §8.8.3.3
		req.Header.Set("Accept-Encoding", accept)
		req.Header.Set("If-None-Match", resp.Header.Get("Etag"))
		again, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if (again.StatusCode == 304) != same || (again.Header.Get("Etag") == resp.Header.Get("Etag")) != same || again.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, tag %s after %s; the same: want %v", accept, again.StatusCode, again.Header.Get("Etag"), resp.Header.Get("Etag"), same)
		}
	}
	for path, want := range map[string]int{strings.Replace(path, "/static/", "/static/0", 1): 200, "/static/abc/none.css": 404, "/static/../page.go": 404} {
		r, err := http.Get(base + path)
		if err != nil || r.StatusCode != want || strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v, status %d, %s", path, err, r.StatusCode, r.Header.Get("Cache-Control"))
		}
	}
}

func TestABrandFolderReplacesNamesLinksAndColours(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := "name: {en: Fude}\nprograms: {idp: {en: Fude ID}}\nsupport: {href: /help}\naccent: {light: '#112233', dark: '#aabbcc'}\nlogo: a.svg\nfooter:\n  - {text: {en: Us}, href: /us}\n"
	write("a.svg", "<svg/>")
	write("brand.yaml", good)
	brand, err := page.ReadBrand(folder)
	if err != nil || brand.Names("ja")["idp"] != "Fude ID" {
		t.Fatalf("%v %v", brand.Names("ja"), err)
	}
	for what, bad := range map[string]string{
		"an unknown key": good + "colour: red\n", "a colour with CSS in it": strings.Replace(good, "#112233", "red;}", 1),
		"a script link": strings.Replace(good, "/us", "javascript:x", 1), "a missing logo": strings.Replace(good, "a.svg", "b.svg", 1),
	} {
		write("brand.yaml", bad)
		if _, err := page.ReadBrand(folder); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestMistakesInTemplatesAreFoundAtTheStart(t *testing.T) {
	catalog, _ := locale.Load(page.Locales())
	brand, _ := page.ReadBrand("")
	_, err := page.New(page.Options{Program: "idp", Catalog: catalog, Brand: brand, Templates: []fs.FS{fstest.MapFS{"a.html": {Data: []byte("{{if}}")}}}})
	if err == nil {
		t.Error("a broken template is taken")
	}
}

func TestTheLayoutsSentencesAreCompleteAndUsed(t *testing.T) {
	catalog, err := locale.Load(page.Locales())
	if err != nil {
		t.Fatal(err)
	}
	locale.Check(t, catalog, locale.Sources{Folders: []string{".", "../limit"}})
}

// post sends a form and does not follow.
func post(t *testing.T, address string, form url.Values) *http.Response {
	t.Helper()
	req := httptest.NewRequest("POST", address, strings.NewReader(form.Encode()))
	req.RequestURI = ""
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}
