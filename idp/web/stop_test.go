package web_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/idp/app/apptest"
	"tegata/idp/clients"
	"tegata/shared/browser"
	"tegata/shared/db/dbtest"
)

// stranger is a client that registered itself where everybody may, under our own name; the
// provider also has a shop, which its operator registered.
type stranger struct {
	*apptest.IDP
	site *httptest.Server
	host string
	id   string
}

func startStranger(t *testing.T, database ...string) *stranger {
	t.Helper()
	s := &stranger{}
	s.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		fmt.Fprintf(w, "<title>Stranger</title><h1>Stranger</h1><p>%s: %s %s</p>", r.Method, r.Form.Get("error"), r.Form.Get("state"))
	}))
	t.Cleanup(s.site.Close)
	s.host = strings.TrimPrefix(s.site.URL, "http://")
	s.IDP = apptest.Start(t, apptest.Options{
		Database: strings.Join(database, ""), Settings: []string{"TEGATA_IDP_REGISTRATION_MODE=open"},
		Clients: fmt.Sprintf("clients:\n  - client_id: shop\n    client_name: {en: The Shop}\n    redirect_uris: [%q]\n    client_secret_digests: [%s]\n", s.site.URL+"/login", partySecret),
	})
	said := fmt.Sprintf(`{"redirect_uris": [%q], "client_name": "Tegata", "client_name#ja": "手形"}`, s.site.URL+"/login")
	answer, err := http.Post(s.URL+"/oauth2/register", "application/json", strings.NewReader(said))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var registered struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&registered); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("registration: status %d, %v", answer.StatusCode, err)
	}
	s.id = registered.ID
	return s
}

// asks is an authorization request; changes come after what a good one has, "name=value".
func (s *stranger) asks(client string, changes ...string) string {
	q := url.Values{
		"client_id": {client}, "response_type": {"code"}, "scope": {"openid"}, "state": {"the-state"},
		"redirect_uri": {s.site.URL + "/login"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		if strings.HasPrefix(name, "+") {
			q.Add(name[1:], value)
		} else {
			q.Set(name, value)
		}
	}
	return s.URL + "/oauth2/authorize?" + q.Encode()
}

// sees asks without a cookie and gives what comes, going nowhere.
func (s *stranger) sees(t *testing.T, client string, changes ...string) (answer *http.Response, page string) {
	t.Helper()
	one := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := one.Get(s.asks(client, changes...))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// wrong are requests that are refused before anybody is asked anything, with what the client
// is told.
var wrong = map[string]string{
	"response_type=bogus":         "unsupported_response_type",
	"scope=nope":                  "invalid_scope",
	"prompt=x":                    "invalid_request",
	"prompt=none login":           "invalid_request",
	"max_age=-1":                  "invalid_request",
	"request=x":                   "request_not_supported",
	"request_uri=https://a.test/": "request_uri_not_supported",
	"response_mode=x":             "invalid_request",
	"id_token_hint=x":             "invalid_request",
	"+state=again":                "invalid_request",
}

// A link to us leads to nobody that we know nothing of, unless its reader goes there. R-02,
// RFC 9700 §4.11.2.
func TestARefusalTakesNobodyToAStrangerUnasked(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		s := startStranger(t, database)
		for change, code := range wrong {
			answer, page := s.sees(t, s.id, change)
			s.wantStopped(t, change, answer, page)
			if way := `href="` + s.site.URL + `/login?error=` + code + `&amp;`; !strings.Contains(page, way) {
				t.Errorf("%s: want %s in %s", change, way, page)
			}
			if noted := s.noted(t); noted[0].Outcome != code || noted[0].Reason == "" {
				t.Errorf("%s: noted %+v, want %s", change, noted[0], code)
			}
		}
		if noted := s.noted(t); len(noted) != len(wrong) {
			t.Errorf("%d lines in the diary for %d refusals", len(noted), len(wrong))
		}
	})
}

// The other response modes wait as well, and nothing else may be posted to.
func TestNoResponseModeLeavesByItself(t *testing.T) {
	s := startStranger(t)
	to := s.site.URL + "/login"
	for mode, way := range map[string]string{
		"fragment":      `href="` + to + `#error=invalid_scope&amp;`,
		"query.jwt":     `href="` + to + `?response=ey`,
		"form_post":     `<form method="post" action="` + to + "\">\n" + `<input type="hidden" name="error" value="invalid_scope">`,
		"form_post.jwt": `<form method="post" action="` + to + "\">\n" + `<input type="hidden" name="response" value="ey`,
	} {
		answer, page := s.sees(t, s.id, "scope=nope", "response_mode="+mode)
		s.wantStopped(t, mode, answer, page)
		if !strings.Contains(page, way) {
			t.Errorf("%s: want %s in %s", mode, way, page)
		}
		want := "; form-action 'self'"
		if strings.HasPrefix(mode, "form_post") {
			want += " " + s.site.URL
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, want) {
			t.Errorf("%s: policy %q, want %s at its end", mode, policy, want)
		}
	}
}

// A signed answer that waits for its reader is good for longer than one that a browser
// carries at once, and no longer than JARM §2.1 recommends.
func TestASignedAnswerThatWaitsIsGoodForTenMinutes(t *testing.T) {
	s := startStranger(t)
	_, page := s.sees(t, s.id, "scope=nope", "response_mode=query.jwt")
	found := regexp.MustCompile(`\?response=[^.]+\.([^.]+)\.`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal(page)
	}
	text, err := base64.RawURLEncoding.DecodeString(found[1])
	var claims struct {
		Error   string `json:"error"`
		Expires int64  `json:"exp"`
	}
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if lives := time.Unix(claims.Expires, 0).Sub(s.Clock.Now().Truncate(time.Second)); err != nil || claims.Error != "invalid_scope" || lives != 10*time.Minute {
		t.Errorf("%s, good for %v: %v", text, lives, err)
	}
}

// Who may show nothing is answered at once, since clients look in hidden frames whether
// somebody is signed in (OIDC Core §3.1.2.1); and so is a client that the operator knows.
func TestSilentRequestsAndKnownClientsAreAnsweredAtOnce(t *testing.T) {
	s := startStranger(t)
	for _, c := range []struct{ client, change, code string }{
		{s.id, "prompt=none", "login_required"}, {"shop", "prompt=none", "login_required"},
		{"shop", "scope=nope", "invalid_scope"}, {"shop", "response_type=bogus", "unsupported_response_type"},
	} {
		answer, _ := s.sees(t, c.client, c.change)
		if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, s.site.URL+"/login?error="+c.code+"&") {
			t.Errorf("%s %s: status %d, Location %q", c.client, c.change, answer.StatusCode, to)
		}
	}
}

// Who logged in and denies knows where that leads: the page would only ask twice.
func TestWhoDeniesGoesBackAtOnce(t *testing.T) {
	s := startStranger(t)
	one := browser.InProcess(t, browser.Options{Base: s.URL, Language: "en"})
	one.Visit(s.asks(s.id)).At("/login")
	inEnglish.enter(one, maya, mayaPassword).At("/consent").Press("Deny").At(s.site.URL + "/login?error=access_denied")
	one.Visit(s.asks(s.id, "scope=nope")).At("/oauth2/authorize").Sees("This request cannot be carried out") // to be signed in is no answer
}

// What people see, in both languages, and that the answer is whole when they go on.
func TestPeopleDecideWhetherTheyGoToAStranger(t *testing.T) {
	for _, o := range []browser.Options{
		{Width: 320, Language: "ja", Script: true}, {Width: 1280, Language: "en", Dark: true},
	} {
		t.Run(fmt.Sprintf("%s at %d px", o.Language, o.Width), func(t *testing.T) {
			s := startStranger(t)
			o.Base = s.URL
			title, marked, onward, home := "This request cannot be carried out", "has checked Tegata", "Go to "+s.host, "Go to the start page"
			if o.Language == "ja" {
				title, marked, onward, home = "依頼を処理できませんでした", "「手形」を確認していません", s.host+" に移動", "トップページへ"
			}
			one := browser.Chromium(t, o)
			one.Expect("status of 400")
			photo := one.Picture
			one.Visit(s.asks(s.id, "scope=nope")).Title(title).Sees(marked, s.host)
			photo("stop")
			one.Follow(onward).Title("Stranger").Sees("GET: invalid_scope the-state")
			one.Visit(s.asks(s.id, "scope=nope", "response_mode=fragment")).Follow(onward).Title("Stranger").At("/login#error=invalid_scope&")
			one.Visit(s.asks(s.id, "scope=nope", "response_mode=form_post")).Title(title)
			photo("stop-post")
			one.Press(onward).Title("Stranger").Sees("POST: invalid_scope the-state")
			one.Visit(s.asks(s.id, "scope=nope", "response_mode=form_post")).Title(title).Follow(home).At(s.URL + "/")
		})
	}
}

// wantStopped wants the page that names who asks and where it leads, and that stays.
func (s *stranger) wantStopped(t *testing.T, what string, answer *http.Response, page string) {
	t.Helper()
	if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || answer.Header.Get("Refresh") != "" {
		t.Fatalf("%s: status %d, Location %q", what, answer.StatusCode, answer.Header.Get("Location"))
	}
	if !strings.Contains(page, `id="unverified"`) || !strings.Contains(page, "<strong>Tegata</strong>") || !strings.Contains(page, "<strong>"+s.host+"</strong>") {
		t.Errorf("%s: nobody is named: %s", what, page)
	}
	if strings.Contains(page, "http-equiv") || strings.Count(page, "<script") != 1 { // that of every page
		t.Errorf("%s: the page may leave by itself: %s", what, page)
	}
}

// noted is the client's diary, the newest line first.
func (s *stranger) noted(t *testing.T) []clients.Request {
	t.Helper()
	if err := s.Diary.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := s.Diary.Last(t.Context(), s.id)
	if err != nil || len(all) == 0 {
		t.Fatalf("nothing is noted: %v", err)
	}
	return all
}
