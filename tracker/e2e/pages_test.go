package e2e_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tegata/idp/accounts"
	"tegata/shared/browser"
	"tegata/shared/db"
	"tegata/shared/limit"
	"tegata/shared/locale"
)

// The budget of a page, with everything it loads.
const (
	maxBytes    = 60 << 10
	maxRequests = 12 // redirects that led there among them
)

// TestEveryPage goes through every page of both programs in Chromium, in both
// languages, on a desktop and on a phone. Each page must pass axe-core, by day and by
// night, stay within its weight, not scroll sideways, and show where in its menus it is.
// axe looks at each language on one of the devices, as what it looks for is the same on
// both. `make screens` leaves pictures of them.
func TestEveryPage(t *testing.T) {
	for _, lang := range []string{"en", "ja"} {
		for device, width := range map[string]int{"desktop": 1280, "phone": 360} {
			t.Run(lang+" "+device, func(t *testing.T) {
				t.Parallel()
				v := &visitor{t: t, lang: lang, device: device, w: begin(t, "sqlite")}
				v.Person = browser.Chromium(t, browser.Options{Width: width, Script: true, Language: lang})
				v.signUp()
				v.logIn()
				v.tracker()
				v.provider()
				v.problems()
				v.articles()
				v.broken()
			})
		}
	}
}

// visitor walks through the pages and looks at each.
type visitor struct {
	*browser.Person
	t            *testing.T
	w            *world
	lang, device string
	site         string // of applications, without a slash at its end
}

// idp gives a word of the provider's pages, tracked one of the tracker's.
func (v *visitor) idp(key string) string { return v.word(v.w.IDP.Catalog, key) }

func (v *visitor) tracked(key string) string { return v.word(v.w.Tracker.Catalog, key) }

func (v *visitor) word(c *locale.Catalog, key string) string {
	return c.Text(v.lang, key, map[string]any{"brand": "Tegata"})
}

// judge looks at the page at hand and takes its picture.
func (v *visitor) judge(name string) {
	v.t.Helper()
	weight := v.Weight()
	if weight.Bytes > maxBytes || weight.Requests > maxRequests {
		v.t.Errorf("%s: %d bytes in %d requests, more than %d in %d", name, weight.Bytes, weight.Requests, maxBytes, maxRequests)
	}
	if v.lang == "en" && v.device == "desktop" {
		v.t.Logf("%-28s %6d bytes %2d requests", name, weight.Bytes, weight.Requests)
	}
	if wider := v.Sideways(); wider > 0 {
		v.t.Errorf("%s (%s, %s) scrolls sideways by %d px", name, v.lang, v.device, wider)
	}
	if cut := v.Cut(); len(cut) > 0 {
		v.t.Errorf("%s (%s, %s) hides where one is: %q", name, v.lang, v.device, cut)
	}
	if checked := map[string]string{"en": "phone", "ja": "desktop"}; checked[v.lang] == v.device {
		browser.AxeDayAndNight(v.t, v.Person, name)
	} else {
		v.Picture(name)
	}
}

const (
	newcomer         = "nana@example.org"
	newcomerPassword = "Quiet-harbour 58"
)

func (v *visitor) signUp() {
	v.Visit(v.w.Tracker.URL + "/")
	v.judge("tracker-start")
	v.Visit(v.w.Tracker.URL + "/personal")
	v.judge("login")
	v.Follow(v.idp("login.sign_up"))
	v.judge("signup")
	v.Fill(v.idp("field.email"), "nana@example").Fill(v.idp("field.given_name"), "奈々").Press(v.idp("signup.register"))
	v.judge("signup-mistakes")
	v.Fill(v.idp("field.email"), newcomer).Fill(v.idp("field.password"), newcomerPassword).
		Fill(v.idp("field.given_name"), "Nana").Fill(v.idp("field.family_name"), "Mori").
		Choose(v.idp("field.country"), locale.CountryName(v.lang, "JP")).Press(v.idp("signup.register"))
	v.At("/signup/sent")
	v.judge("signup-sent")
	v.Fill(v.idp("field.code"), "12345678").Press(v.idp("sent.activate"))
	v.judge("signup-sent-wrong-code")
	link := v.w.IDP.Mail(v.t, newcomer).Links[0]
	v.Visit(link)
	v.judge("activate")
	v.Press(v.idp("activate.button"))
	v.judge("activate-done")
	v.Visit(link)
	v.judge("activate-used")
	v.Visit(link[:len(link)-3] + "xyz")
	v.judge("activate-unknown")
}

func (v *visitor) logIn() {
	v.Visit(v.w.Tracker.URL + "/personal")
	v.Fill(v.idp("field.email"), newcomer).Press(v.idp("login.next"))
	v.judge("login-password")
	v.Fill(v.idp("field.password"), "not the one").Press(v.idp("login_password.login"))
	v.judge("login-failed")
	v.Fill(v.idp("field.password"), newcomerPassword).Press(v.idp("login_password.login"))
}

func (v *visitor) tracker() {
	v.At("/welcome/address")
	v.judge("tracker-welcome-address")
	v.Press(v.tracked("address.update"))
	v.judge("tracker-welcome-address-mistakes")
	v.Fill(v.tracked("field.recipient"), "Nana Mori").Choose(v.tracked("field.country"), locale.CountryName(v.lang, "JP")).
		Fill(v.tracked("field.postcode"), "107-6227").Fill(v.tracked("field.region"), "Tokyo").
		Fill(v.tracked("field.city"), "Minato").Fill(v.tracked("field.line1"), "9-7-1 Akasaka").Press(v.tracked("address.update"))
	v.At("/welcome/settings")
	v.judge("tracker-welcome-settings")
	v.Press(v.tracked("settings.update"))
	v.At("/personal")
	v.judge("tracker-my-information")
	for name, path := range map[string]string{
		"home": "/home", "addresses": "/personal/addresses", "settings": "/personal/settings", "certifications": "/certifications",
		"testing-history": "/testing-history", "transcripts": "/transcripts", "schedule": "/schedule", "help": "/help", "contact": "/contact",
	} {
		v.Visit(v.w.Tracker.URL + path)
		v.judge("tracker-" + name)
	}
	v.Visit(v.w.Tracker.URL + "/callback?state=forged&code=forged")
	v.judge("tracker-refused")
}

func (v *visitor) provider() {
	v.Visit(v.w.IDP.URL + "/profile")
	v.judge("profile")
	v.Visit(v.w.IDP.URL + "/logout")
	v.judge("logout")
	v.Press(v.idp("logout.confirm"))
	v.judge("logged-out")
	v.Visit(v.w.IDP.URL + "/dev/postbox")
	v.judge("postbox")
}

// problems are the refusals that a person may meet.
func (v *visitor) problems() {
	for _, program := range []struct{ name, url string }{{"", v.w.IDP.URL}, {"tracker-", v.w.Tracker.URL}} {
		v.refused(http.StatusNotFound, program.url+"/no-such-page", program.name+"problem-404")
		v.refused(http.StatusMethodNotAllowed, program.url+"/language", program.name+"problem-405")
	}
	v.interactions()
	link := v.share("tracker")
	for range 30 {
		if answer, err := http.Get(link); err == nil {
			answer.Body.Close()
		}
	}
	v.refused(http.StatusTooManyRequests, link, "problem-429")
	v.w.IDP.Accounts.Rules.SignUpPlace = limit.Rule{Name: "tight", Burst: 0, Every: accounts.PendingFor}
	v.refused(http.StatusBadRequest, v.w.IDP.URL+"/oauth2/authorize?client_id=nobody", "problem-client")
}

// refused looks at a page that is answered with a status of its own.
func (v *visitor) refused(status int, address, name string) {
	v.t.Helper()
	if got := v.Expect(strconv.Itoa(status)).Visit(address).Status(); got != status {
		v.t.Errorf("%s: status %d, want %d", name, got, status)
	}
	v.judge(name)
}

// interactions are log-ins that another browser began, that nobody knows, and that took
// too long.
func (v *visitor) interactions() {
	v.t.Helper()
	again := func(id string) string { return v.w.IDP.URL + "/oauth2/authorize?interaction=" + id }
	elsewhere, err := http.Get(v.w.Tracker.URL + "/login") // without a jar: nobody keeps its cookies
	if err != nil {
		v.t.Fatal(err)
	}
	elsewhere.Body.Close()
	v.refused(http.StatusForbidden, again(elsewhere.Request.URL.Query().Get("interaction")), "problem-403")
	v.refused(http.StatusNotFound, again("00000000-0000-7000-8000-000000000000"), "problem-404-login")
	v.Visit(v.w.Tracker.URL + "/login").At("/login?interaction=")
	_, id, _ := strings.Cut(v.URL(), "interaction=")
	v.w.move(v.t, "1h")
	v.refused(http.StatusGone, again(id), "problem-410")
}

// broken is what both programs say when their database is gone.
func (v *visitor) broken() {
	for name, program := range map[string]struct {
		database *db.DB
		address  string
	}{
		"problem-500":         {v.w.IDP.DB, v.w.IDP.URL + "/oauth2/authorize?interaction=00000000-0000-7000-8000-000000000000"},
		"tracker-problem-500": {v.w.Tracker.DB, v.w.Tracker.URL + "/login"},
	} {
		if err := program.database.Close(); err != nil {
			v.t.Fatal(err)
		}
		v.refused(http.StatusInternalServerError, program.address, name)
	}
}

func (v *visitor) articles() {
	for _, path := range strings.Fields("help guide contact privacy terms cookies trademarks forgot-password forgot-email") {
		v.Visit(v.w.IDP.URL + "/" + path)
		v.judge(path)
	}
}
