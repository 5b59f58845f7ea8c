package web_test

import (
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegata/shared/browser"
	"tegata/shared/locale"
	"tegata/tracker/app/apptest"
)

// everyPage is every page of somebody who has completed the first log-in, and the
// public ones, by template.
var everyPage = map[string]string{
	"home": "/home", "my_information": "/personal", "addresses": "/personal/addresses", "settings": "/personal/settings",
	"section": "/certifications", "help": "/help", "contact": "/contact",
}

// rawKey finds a message key that no catalog turned into a sentence.
var rawKey = regexp.MustCompile(`\b(menu|start|signin|welcome|home|personal|information|externalid|personalid|addresses|address|field|settings|communication|section|help|contact|page)\.[a-z_]+\b`)

func TestEveryPageInEveryLanguage(t *testing.T) {
	h := open(t, "")
	seen := []string{"problem"} // of shared/page
	for _, lang := range []string{"en", "ja"} {
		p := h.person(t, lang)
		check := func(template, path string, status int) {
			t.Helper()
			p.Visit(h.URL + path)
			if got := p.Status(); got != status {
				t.Errorf("%s %s: status %d, want %d", lang, path, got, status)
			}
			if html := p.HTML(); !strings.Contains(html, `<html lang="`+lang+`"`) {
				t.Errorf("%s %s: the page is in another language", lang, path)
			}
			if key := rawKey.FindString(p.Text()); key != "" {
				t.Errorf("%s %s: shows the key %s", lang, path, key)
			}
			seen = append(seen, template)
		}
		check("start", "/", http.StatusOK)
		check("signin", "/callback", http.StatusBadRequest)
		h.Provider.Lie(func(p *apptest.Provider) {
			p.Person["sub"], p.Person["locale"] = "sub-"+lang, lang
		})
		p.Visit(h.URL + "/login")
		check("welcome_address", "/welcome/address", http.StatusOK)
		h.completeAs(t, p, lang)
		for template, path := range everyPage {
			check(template, path, http.StatusOK)
		}
		for _, path := range []string{"/testing-history", "/transcripts", "/schedule"} {
			check("section", path, http.StatusOK)
		}
	}
	seen = append(seen, "welcome_settings") // completeAs goes through it
	for _, template := range h.Pages.Templates() {
		if !slices.Contains(seen, template) && !strings.Contains("field password select checkbox radios rules submit notice legend tabs", template) &&
			!strings.HasPrefix(template, "address_") && template != "settings_fields" && template != "personal_tabs" {
			t.Errorf("no page shows the template %s", template)
		}
	}
}

// completeAs sends both forms of the first log-in by their fields.
func (h house) completeAs(t *testing.T, p *browser.Person, lang string) {
	t.Helper()
	text := func(key string) string { return h.Catalog.Text(lang, key, nil) }
	p.Fill(text("field.line1"), "1-2-3 Akasaka").Fill(text("field.city"), "Minato-ku").Fill(text("field.region"), "Tokyo").
		Fill(text("field.postcode"), "107-6227").Press(text("address.update")).At("/welcome/settings")
	if key := rawKey.FindString(p.Text()); key != "" {
		t.Errorf("%s: shows the key %s", lang, key)
	}
	p.Press(text("settings.update")).At("/home")
}

func TestEveryTextIsThereInEveryLanguageAndUsed(t *testing.T) {
	h := open(t, "")
	locale.Check(t, h.Catalog, locale.Sources{
		Folders: []string{"../../tracker", "../../shared/page", "../../shared/limit"},
		Ignore:  []string{"booking.day", "candidate.unknown", "signin.expired", "signin.no_session"}, // for code, no page shows them
	})
}

// S-189: the names of the seed, in its order, with Japanese in brackets.
func TestTheMenuHasTheNamesOfTheProgramme(t *testing.T) {
	h := open(t, "")
	p := h.welcomed(t)
	names := func() []string {
		nav := regexp.MustCompile(`(?s)<nav class="places".*?</nav>`).FindString(p.HTML())
		var all []string
		for _, m := range regexp.MustCompile(`<a href="[^"]+"[^>]*>([^<]+)</a>`).FindAllStringSubmatch(nav, -1) {
			all = append(all, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
		return all
	}
	if got, want := names(), []string{"PERSONAL INFO", "CERTIFICATIONS", "TESTING HISTORY", "Transcripts & Digital Badges", "Schedule", "Dashboard"}; !slices.Equal(got, want) {
		t.Errorf("menu %q, want %q", got, want)
	}
	p.Press("日本語")
	for _, name := range names() {
		if !regexp.MustCompile(`^[A-Za-z& ]+（.+）$`).MatchString(name) {
			t.Errorf("%q has no Japanese in brackets", name)
		}
	}
}

var href = regexp.MustCompile(`href="(/[^"#]*)`)

func TestNoLinkIsDead(t *testing.T) {
	h := open(t, "")
	p := h.welcomed(t)
	seen, next := map[string]bool{"/login": true}, []string{"/home", "/help"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		if seen[path] || strings.HasPrefix(path, "/static/") {
			continue
		}
		seen[path] = true
		p.Visit(h.URL + path)
		if p.Status() != http.StatusOK {
			t.Errorf("%s answers %d", path, p.Status())
		}
		for _, m := range href.FindAllStringSubmatch(p.HTML(), -1) {
			next = append(next, m[1])
		}
	}
	if len(seen) < 12 {
		t.Errorf("only %d pages are reached", len(seen))
	}
}

// S-190: the first log-in is held until both parts are saved, and S-188's notice is not
// shown to everybody.
func TestTheFirstLogInComesBeforeEverythingElse(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		p := h.person(t, "en").Visit(h.URL + "/personal/settings").At("/welcome/address")
		for _, path := range []string{"/home", "/personal", "/personal/addresses", "/certifications", "/schedule", "/welcome/settings"} {
			p.Visit(h.URL + path).At("/welcome/address")
		}
		p.Visit(h.URL + "/help").Sees("Help")
		p.Visit(h.URL + "/welcome")
		fillAddress(p).Press("UPDATE ADDRESS").At("/welcome/settings")
		p.Visit(h.URL + "/home").At("/welcome/settings")
		p.Press("UPDATE").At("/personal/settings").SeesNot("Something went wrong")
		p.Visit(h.URL + "/welcome/address").At("/personal/settings")
		p.Visit(h.URL + "/home").SeesNot("must be mapped")
	})
}

// S-006: the switch of the language keeps what was typed and what was refused.
func TestTheLanguageSwitchKeepsWhatWasTyped(t *testing.T) {
	h := open(t, "")
	p := h.person(t, "en").Visit(h.URL + "/login").At("/welcome/address")
	p.Fill("City", "みなと").Press("UPDATE ADDRESS").Sees("Please use roman letters and digits only.")
	p.Press("日本語").Sees("半角のローマ字と数字で入力してください。")
	if got := p.Value("市区町村"); got != "みなと" {
		t.Errorf("the city is %q, want what was typed", got)
	}
	p.Press("English").Sees("Please use roman letters and digits only.")
}

// S-188: only who booked on or before the day and has no VUE ID is asked.
func TestTheVUENoticeShowsUnderItsConditionOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		p := h.welcomed(t).SeesNot("must be mapped")
		all, err := h.Candidates.List(t.Context(), "", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Candidates.NoteBooking(t.Context(), all[0].ID, "2022-09-27"); err != nil {
			t.Fatal(err)
		}
		p.Visit(h.URL + "/home").Sees("on or before 2022-09-27").Follow("Ask for the mapping").At("/contact").Sees("Map a Pearson VUE account")
		if !strings.Contains(p.HTML(), "CSCO%20ID") {
			t.Error("the mail to the support does not begin with the CSCO ID")
		}
	})
}

func TestTheSettingsDecideTheLanguageAndTheZone(t *testing.T) {
	h := open(t, "")
	p := h.welcomed(t)
	p.Visit(h.URL+"/personal/settings").Choose("Language", "日本語").Choose("Time zone", "(UTC+00:00) UTC").Press("UPDATE").
		Sees("更新が保存されました。", "2026年4月6日(月) 01:30 UTC")
	p.Visit(h.URL + "/home").Sees("ダッシュボード")
}

// Bad input is told or refused, and never more than that.
func TestBadInputIsNeverOurMistake(t *testing.T) {
	h := open(t, "")
	b := h.bare(t)
	b.get("/login")
	for _, path := range []string{"/welcome/address", "/welcome/settings", "/personal", "/personal/addresses", "/personal/settings", "/language", "/logout", "/home", "/"} {
		for name, c := range map[string]struct {
			body, kind, site string
			statuses         []int
		}{
			"empty":           {"", "application/x-www-form-urlencoded", "same-origin", []int{200, 303, 400, 405}},
			"control signs":   {"recipient=%00%01&line1=%ff%fe&country=%E2%80%AE&zone=..%2F..&language=%00&company=%00", "application/x-www-form-urlencoded", "same-origin", []int{303, 400, 405}},
			"broken escapes":  {"company=%zz&recipient=%", "application/x-www-form-urlencoded", "same-origin", []int{303, 400, 405}},
			"many fields":     {strings.Repeat("a=b&", 9000), "application/x-www-form-urlencoded", "same-origin", []int{200, 303, 400, 405}},
			"1 MB":            {"company=" + strings.Repeat("a", 1<<20), "application/x-www-form-urlencoded", "same-origin", []int{413}},
			"JSON":            {`{"company":"x"}`, "application/json", "same-origin", []int{415}},
			"multipart":       {"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", "same-origin", []int{415}},
			"from elsewhere":  {"company=x", "application/x-www-form-urlencoded", "cross-site", []int{403}},
			"from a sibling":  {"company=x", "application/x-www-form-urlencoded", "same-site", []int{403}},
			"sent by a frame": {"company=x", "text/plain", "cross-site", []int{403, 415}},
		} {
			status := b.post(path, c.body, c.kind, c.site)
			if !slices.Contains(c.statuses, status) {
				t.Errorf("%s to %s: status %d, want one of %v", name, path, status, c.statuses)
			}
			if path == "/logout" && status == http.StatusSeeOther {
				b.get("/login")
			}
		}
	}
}

func TestWhatPeopleTypeIsShownAsText(t *testing.T) {
	h := open(t, "")
	p := h.welcomed(t)
	const nasty = `"><script>alert(1)</script>{{.}}${7*7}`
	p.Visit(h.URL+"/personal").Fill("Company Name", nasty).Press("UPDATE INFORMATION").Sees("Your update has been saved.")
	if got := p.Value("Company Name"); got != nasty || strings.Contains(p.HTML(), "<script>alert") {
		t.Errorf("the company is shown as %q", got)
	}
}

// no frame, no cache, nothing inline, and the log-out may lead to the
// provider.
func TestPrivatePagesCarryTheirHeaders(t *testing.T) {
	h := open(t, "")
	p := h.welcomed(t)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if got := p.Header(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := p.Header("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || !strings.HasSuffix(policy, "form-action 'self' "+h.Provider.URL) {
		t.Errorf("policy %q", policy)
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := stay.Get(h.URL + "/login")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for _, c := range answer.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("cookie %s is open to script or to other sites", c)
		}
	}
}

func TestPagesAreLight(t *testing.T) {
	h := open(t, "")
	p := h.welcomed(t)
	for _, path := range []string{"/", "/home", "/personal", "/personal/addresses", "/personal/settings", "/help"} {
		p.Visit(h.URL + path)
		if n := len(p.HTML()); n > 40<<10 {
			t.Errorf("%s has %d bytes of HTML, want at most 40 KB", path, n)
		}
	}
}

// bare is a browser that sends what no form would.
type bare struct {
	t      *testing.T
	base   string
	client *http.Client
}

func (h house) bare(t *testing.T) *bare {
	cookies, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &bare{t, h.URL, &http.Client{Jar: cookies}}
}

func (b *bare) get(path string) {
	b.t.Helper()
	r, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Body.Close()
}

func (b *bare) post(path, body, kind, site string) int {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", site)
	one := *b.client
	one.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := one.Do(r)
	if err != nil {
		return http.StatusRequestEntityTooLarge // the server hung up on a body without end
	}
	answer.Body.Close()
	return answer.StatusCode
}

// The summary on top leads through the form from top to bottom; in Japan an address goes
// from the large to the small.
func TestTheSummaryFollowsTheOrderOfTheForm(t *testing.T) {
	h := open(t, "")
	for lang, want := range map[string]string{"en": "line1 city region postcode", "ja": "postcode region city line1"} {
		send := map[string]string{"en": "UPDATE ADDRESS", "ja": "UPDATE ADDRESS（アドレスを更新）"}[lang]
		p := h.person(t, lang).Visit(h.URL + "/login").At("/welcome/address").Press(send)
		var got []string
		for _, link := range regexp.MustCompile(`<li><a href="#([a-z0-9]+)">`).FindAllStringSubmatch(p.HTML(), -1) {
			got = append(got, link[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: the summary leads to %q, want %q", lang, got, want)
		}
	}
}
