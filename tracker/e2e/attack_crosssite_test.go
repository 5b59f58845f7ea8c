package e2e_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tegata/idp/accounts"
)

// form is one form of ours with values that it takes.
type form struct {
	path   string
	fields url.Values
}

// forms lists every form of both programs. Those of the tracker need somebody signed in.
func (s *siege) forms(conversation string) []form {
	in := url.Values{"interaction": {conversation}}
	address := url.Values{
		"recipient": {"Ada Nakamura"}, "line1": {"1-2-3 Jingumae"}, "line2": {""}, "city": {"Shibuya-ku"}, "region": {"Tokyo"},
		"postcode": {"150-0001"}, "country": {"JP"}, "phone": {"03-1234-5678"},
	}
	settings := url.Values{"language": {"en"}, "zone": {"Asia/Tokyo"}, "communication": {"essential"}}
	return []form{
		{"/login", with(in, "email", victim)},
		{"/login/password", with(in, "password", victimPassword)},
		{"/login/account", with(in, "decision", "stay")},
		{"/consent", with(in, "decision", "allow")},
		{"/terms/accept", with(in, "accept", "2026-01")},
		{"/signup", aSignUp("forms@example.org", "interaction", conversation)},
		{"/signup/sent", with(in, "code", "12345678", "action", "")},
		{"/activate", url.Values{"token": {"x.y"}, "action": {"activate"}}},
		{"/language", url.Values{"switch_language": {"ja"}, "switch_return": {"/help"}}},
		{"/logout", url.Values{}},
		{s.Tracker.URL + "/welcome/address", address},
		{s.Tracker.URL + "/welcome/settings", settings},
		{s.Tracker.URL + "/personal", url.Values{"company": {"Example"}}},
		{s.Tracker.URL + "/personal/addresses", address},
		{s.Tracker.URL + "/personal/settings", settings},
		{s.Tracker.URL + "/language", url.Values{"switch_language": {"ja"}, "switch_return": {"/help"}}},
		{s.Tracker.URL + "/logout", url.Values{}},
	}
}

// atHome is somebody signed in at both programs who has been through the first log-in.
func (s *siege) atHome(t *testing.T) *intruder {
	t.Helper()
	i := s.intruder(t)
	i.get(i.toTracker(s, victim, victimPassword))
	for _, f := range s.forms("") {
		if strings.Contains(f.path, "/welcome/") {
			i.post(f.path, f.fields)
		}
	}
	if r := i.get(s.Tracker.URL + "/home"); r.StatusCode != http.StatusOK {
		t.Fatalf("the first log-in is not complete: %d to %s", r.StatusCode, r.to())
	}
	return i
}

// TestPostsOfOtherSitesChangeNothing: every form, in every way a browser may tell.
func TestPostsOfOtherSitesChangeNothing(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.atHome(t)
	id := i.authorize(wish("client_id", "rival", "redirect_uri", "https://evil.test/cb")).query("interaction")
	before := s.audited(t)
	for _, f := range s.forms(id) {
		home := s.IDP.URL
		if strings.HasPrefix(f.path, s.Tracker.URL) {
			home = s.Tracker.URL
		}
		for name, header := range map[string][]string{
			"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same site, other host": {"Sec-Fetch-Site", "same-site"},
			"another origin": {"Sec-Fetch-Site", "", "Origin", "https://evil.test"}, "no origin": {"Sec-Fetch-Site", "", "Origin", "null"},
			"another scheme":         {"Sec-Fetch-Site", "", "Origin", "https" + strings.TrimPrefix(home, "http") + ".evil.test"},
			"cross-site, our origin": {"Sec-Fetch-Site", "cross-site", "Origin", home},
		} {
			if r := i.post(f.path, f.fields, header...); r.StatusCode != http.StatusForbidden || !strings.Contains(r.body, "<h1>") {
				t.Errorf("%s from %s: status %d, want 403 with a page", f.path, name, r.StatusCode)
			}
		}
		r := i.post(f.path, f.fields, "Content-Type", "text/plain", "Sec-Fetch-Site", "cross-site")
		if r.StatusCode < 400 {
			t.Errorf("%s as text: status %d", f.path, r.StatusCode)
		}
		if r := i.get(f.path+"?"+f.fields.Encode(), "Sec-Fetch-Site", "cross-site"); r.query("code") != "" {
			t.Errorf("%s by GET gives a code", f.path)
		}
	}
	if after := s.audited(t); after != before {
		t.Errorf("something happened: %d events, before %d", after, before)
	}
	if r := i.get("/profile"); r.StatusCode != http.StatusOK {
		t.Error("the session is gone")
	}
	for _, f := range s.forms("") { // the untouched ones work
		if r := i.post(f.path, f.fields); strings.Contains(f.path, "/personal") && r.StatusCode != http.StatusSeeOther {
			t.Errorf("%s of our own: status %d", f.path, r.StatusCode)
		}
	}
}

func (s *siege) audited(t *testing.T) (n int) {
	t.Helper()
	for name, read := range map[string]func() (int, error){
		"idp":     func() (int, error) { all, err := s.IDP.Audit.Tail(t.Context(), 10_000, ""); return len(all), err },
		"tracker": func() (int, error) { all, err := s.Tracker.Audit.Tail(t.Context(), 10_000, ""); return len(all), err },
	} {
		events, err := read()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n += events
	}
	return n
}

// TestScriptsOfOtherSitesReadNothing: CORS is open where no cookie counts, and nowhere else.
func TestScriptsOfOtherSitesReadNothing(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.atHome(t)
	for path, open := range map[string]bool{
		"/.well-known/openid-configuration": true, "/oauth2/jwks": true, "/oauth2/userinfo": true,
		"/profile": false, "/login": false, "/oauth2/authorize": false, "/oauth2/logout": false, "/dev/postbox.json": false, "/signup/sent": false,
		s.Tracker.URL + "/personal": false, s.Tracker.URL + "/home": false,
	} {
		r := i.get(path, "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site")
		if got := r.Header.Get("Access-Control-Allow-Origin"); open && got != "*" || !open && got != "" {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", path, got)
		}
		if r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: scripts may send cookies", path)
		}
	}
}

// inline is what a strict policy would have to forbid: script, style and handlers in the page.
var inline = regexp.MustCompile(`(?i)<script>|<script[^>]*[^c]>[^<]|<style|\son[a-z]+="|\sstyle="|javascript:|<iframe|<object|<base`)

// TestEveryPageIsStrict: the headers are held by every answer of these tests (judge);
// this one reads the pages themselves.
func TestEveryPageIsStrict(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.atHome(t)
	m := s.signUp(t, "strict@example.org")
	paths := []string{
		"/", "/login", "/signup", "/signup/sent", "/activate?token=" + m.token, "/activate", "/activate/done", "/logout", "/profile", "/help", "/guide",
		"/contact", "/privacy", "/terms", "/cookies", "/trademarks", "/forgot-password", "/forgot-email", "/no-such-page", "/oauth2/authorize", "/dev/postbox",
	}
	for _, path := range []string{"/", "/help", "/contact", "/home", "/personal", "/personal/addresses", "/personal/settings", "/certifications", "/transcripts", "/schedule", "/testing-history", "/callback", "/no-such-page"} {
		paths = append(paths, s.Tracker.URL+path)
	}
	for _, who := range []*intruder{i, s.intruder(t)} {
		for _, path := range paths {
			r := who.get(path)
			if found := inline.FindString(r.body); found != "" {
				t.Errorf("%s: the page holds %s", path, found)
			}
			for _, address := range regexp.MustCompile(`(?:src|href|action)="(https?://[^"]+)"`).FindAllStringSubmatch(r.body, -1) {
				if reply := (reply{Response: &http.Response{Header: http.Header{"Location": {address[1]}}}}); reply.leaves(s.IDP.URL, s.Tracker.URL) && !strings.HasPrefix(address[1], "https://rp.test/") {
					t.Errorf("%s: the page leads to %s", path, address[1])
				}
			}
		}
	}
}

// TestTheFormPolicyNamesOnlyTheClient: a page lets its form end at the client that
// asked, and nowhere else.
func TestTheFormPolicyNamesOnlyTheClient(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	first := i.authorize(wish("client_id", "rival", "redirect_uri", "https://evil.test/cb"))
	asked := i.post("/login", url.Values{"interaction": {first.query("interaction")}, "email": {victim}})
	policy := i.get(asked.to()).Header.Get("Content-Security-Policy")
	if _, after, _ := strings.Cut(policy, "form-action "); after != "'self' https://evil.test" {
		t.Errorf("form-action is %q", after)
	}
	policy = i.get("/signup").Header.Get("Content-Security-Policy")
	if _, after, _ := strings.Cut(policy, "form-action "); after != "'self'" {
		t.Errorf("form-action of the sign-up is %q", after)
	}
}

// TestLinksAndIssuerAreNotTheCallersChoice: whatever Host and the proxies' headers say.
func TestLinksAndIssuerAreNotTheCallersChoice(t *testing.T) { // A-132, house rule 6
	s := besiege(t, "sqlite", accounts.DefaultRules())
	i := s.intruder(t)
	lies := []string{"Host", "evil.test", "X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "https", "Forwarded", "host=evil.test;proto=https",
		"X-Forwarded-For", "203.0.113.7", "X-Original-Url", "/profile", "X-Rewrite-Url", "/profile", "X-Request-Id", "evil-request-id"}
	for _, path := range []string{"/", "/login", "/signup", "/help", "/.well-known/openid-configuration", "/oauth2/authorize?" + wish().Encode(), "/no-such", "//evil.test/x"} {
		r := i.get(path, lies...)
		if strings.Contains(r.body, "//evil.test") || strings.Contains(strings.Join(r.Header["Location"], ""), "//evil.test") || r.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s believes the caller: %v %.300s", path, r.Header, r.body)
		}
		if r.Header.Get("X-Request-Id") == "evil-request-id" {
			t.Errorf("%s takes a stranger's request id", path)
		}
	}
	i.post("/signup", aSignUp("hosted@example.org"), lies...)
	letter := s.IDP.Mail(t, "hosted@example.org")
	if !strings.HasPrefix(letter.Links[0], s.IDP.URL+"/activate?token=") || strings.Contains(letter.Text+letter.HTML, "evil") {
		t.Errorf("the mail leads to %s", letter.Links[0])
	}
	if r := i.get(s.Tracker.URL+"/login", "Host", "evil.test", "X-Forwarded-Host", "evil.test"); strings.Contains(r.to(), "evil") {
		t.Errorf("the tracker's log-in leads to %s", r.to())
	}
	events, err := s.IDP.Audit.Tail(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Place != "" && e.Place != "127.0.0.1" {
			t.Errorf("%s is said to come from %s", e.Action, e.Place)
		}
	}
}
