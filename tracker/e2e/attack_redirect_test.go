package e2e_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// local wants a page of ours: 4xx, nobody redirected, no code.
func local(t *testing.T, what string, r reply) {
	t.Helper()
	if r.StatusCode < 400 || r.StatusCode >= 500 || r.to() != "" || !strings.Contains(r.body, "<h1>") {
		t.Errorf("%s: status %d to %q, want a page with 4xx", what, r.StatusCode, r.to())
	}
	if strings.Contains(ownAddress.ReplaceAllString(r.body, ""), "evil") {
		t.Errorf("%s: the page repeats the address", what)
	}
}

// ownAddress is where the language switch comes back to: the page's own address.
var ownAddress = regexp.MustCompile(`<input[^>]*name="switch_return"[^>]*>`)

// deceits are spellings that other providers took for a registered address.
var deceits = []string{
	"https://rp.test/cb/", "https://rp.test/cb?x=1", "https://rp.test/cb/../evil", "https://rp.test/cb%2f..%2fevil",
	"https://rp.test/cb%252f..%252f", "https://rp.test/cb/..;/x", "https://rp.test/cbx", "https://rp.test/CB",
	"https://rpXtest/cb", "https://rp.test.evil.test/cb", "https://evilrp.test/cb",
	"https://rp.test@evil.test/cb", `https://rp.test\@evil.test/cb`, `https://evil.test\.rp.test/cb`, "https://rp.test:443/cb",
	"https://rp.test:@evil.test/cb", "https://evil.test#@rp.test/cb", "https://evil.test?rp.test/cb", "//rp.test/cb",
	"https:/rp.test/cb", "https:rp.test/cb", "/cb", "///evil.test", `/\evil.test`, "https://rp.test/cb\t", "https://rp.test/cb\n", " https://rp.test/cb",
	"https://rp.test/cb\x00", "https://[::1]/cb", "https://2130706433/cb", "https://rp。test/cb", "https://ｒp.test/cb",
	"javascript:alert(1)//https://rp.test/cb", "data:text/html,evil", "http://rp.test/cb", "https://rp.test/cb#f",
	"HTTPS://rp.test/cb", "https://RP.test/cb", "https://library.test/cb", "https://evil.test/cb", "",
}

// TestNobodyIsSentToAnAddressThatIsNotRegistered: letter by letter, whether or not
// somebody is logged in. RFC 9700 §2.1, §4.1.3
func TestNobodyIsSentToAnAddressThatIsNotRegistered(t *testing.T) {
	s := besiege(t, "sqlite")
	nobody, somebody := s.intruder(t), s.intruder(t)
	somebody.logIn("", victim, victimPassword)
	for _, address := range deceits {
		for who, i := range map[string]*intruder{"a stranger": nobody, "somebody logged in": somebody} {
			local(t, who+" to "+address, i.authorize(with(wish(), "redirect_uri", address)))
			if r := i.get("/oauth2/authorize?" + with(wish(), "redirect_uri", address, "prompt", "none").Encode()); r.to() != "" {
				t.Errorf("prompt=none to %s: sent to %s", address, r.to())
			}
		}
	}
	somebody.code() // the untouched request still works
}

// TestOnlyThePortOfALoopbackMayDiffer: and only for programs on the person's machine.
func TestOnlyThePortOfALoopbackMayDiffer(t *testing.T) { // A-005, RFC 8252 §7.3
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	for address, may := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:51000/cb": true,
		"http://127.0.0.1:51000/other": false, "http://localhost:51000/cb": false, "http://127.0.0.1@evil.test/cb": false,
		"http://127.0.0.1.evil.test/cb": false, "https://127.0.0.1:51000/cb": false, "http://[::1]:51000/cb": false,
		"http://127.0.0.1:51000@evil.test/cb": false, "http://127.0.0.1:0x50/cb": false, "http://127.0.0.1:51000/cb?x": false, "http://127.1/cb": false,
	} {
		r := i.authorize(wish("client_id", "phone", "redirect_uri", address))
		if got := r.StatusCode == http.StatusSeeOther; got != may {
			t.Errorf("%s: status %d to %q, want accepted: %t", address, r.StatusCode, r.to(), may)
		}
	}
}

// TestParametersComeOnce: twice in the query, or once there and once in the body. Where it
// is sure whose address that is, its owner is told (RFC 6749 §4.1.2.1), and nothing else.
func TestParametersComeOnce(t *testing.T) { // A-007, RFC 6749 §3.1
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	for _, name := range []string{"redirect_uri", "client_id", "state", "scope", "response_type", "code_challenge"} {
		double := wish()
		double.Add(name, double.Get(name))
		told := local
		if name != "redirect_uri" && name != "client_id" {
			told = func(t *testing.T, what string, r reply) {
				t.Helper()
				if !strings.HasPrefix(r.to(), "https://rp.test/cb?error=invalid_request&") || r.query("code") != "" || strings.Contains(r.to(), "evil") {
					t.Errorf("%s: %d to %q, want invalid_request for the client", what, r.StatusCode, r.to())
				}
			}
		}
		told(t, name+" twice in the query", i.authorize(double))
		evil := wish()
		evil.Add(name, "https://evil.test/cb")
		told(t, name+" with another value", i.authorize(evil))
		told(t, name+" in query and body", i.post("/oauth2/authorize?"+url.Values{name: {wish().Get(name)}}.Encode(), wish()))
		if a := i.token("shop", url.Values{"grant_type": {"authorization_code", "authorization_code"}}); a.Error != "invalid_request" {
			t.Errorf("grant_type twice: %+v, want invalid_request", a)
		}
	}
}

// TestNoTokenTravelsThroughTheBrowser: whatever is asked for, only codes do.
func TestNoTokenTravelsThroughTheBrowser(t *testing.T) { // A-009, RFC 9700 §2.1.2
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	for _, c := range []struct{ name, value, want string }{
		{"response_type", "token", "unsupported_response_type"}, {"response_type", "id_token", "unsupported_response_type"},
		{"response_type", "code id_token", "unsupported_response_type"}, {"response_type", "code token", "unsupported_response_type"},
		{"response_type", "none", "unsupported_response_type"}, {"response_type", "", "invalid_request"}, // oidcc-response-type-missing
		{"response_mode", "web_message", "invalid_request"},
		{"request", "e30.e30.", "request_not_supported"}, {"request_uri", "https://evil.test/r", "request_uri_not_supported"},
		{"code_challenge_method", "plain", "invalid_request"}, {"code_challenge_method", "", "invalid_request"},
	} {
		r, where := i.authorize(wish(c.name, c.value)), "https://rp.test/cb?"
		if c.name == "response_type" && strings.Contains(c.value, "token") { // RFC 6749 §4.2.2.1
			rest, found := strings.CutPrefix(r.to(), "https://rp.test/cb#")
			if !found {
				t.Errorf("%s=%s: to %s, want the fragment", c.name, c.value, r.to())
			}
			r.Header.Set("Location", where+rest) // where it is read
		}
		if r.query("error") != c.want || r.query("state") != wish().Get("state") || r.query("iss") != s.IDP.URL {
			t.Errorf("%s=%s: %d to %s, want %s with state and iss", c.name, c.value, r.StatusCode, r.to(), c.want) // RFC 9207 §2
		}
		if strings.Contains(r.to()+r.body, "token=") || r.query("code") != "" || !strings.HasPrefix(r.to(), where) {
			t.Errorf("%s=%s: leaks to %s", c.name, c.value, r.to())
		}
	}
}

// TestNothingThatWasSentComesBackAsMarkup: neither on our pages nor to the client.
func TestNothingThatWasSentComesBackAsMarkup(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	const script = `"><script>alert(1)</script>{{.}}${7*7}<%= 1 %>`
	for _, name := range []string{"client_id", "redirect_uri", "state", "nonce", "ui_locales", "login_hint", "claims", "scope", "prompt", "display", "acr_values", "id_token_hint", "max_age", "error", "error_description", "error_hint"} {
		r := i.authorize(with(wish(), name, script))
		page := i.follow(r)
		for _, shown := range []string{r.body, page.body} {
			if strings.Contains(shown, "<script>alert") || strings.Contains(shown, "49<%") {
				t.Errorf("%s comes back as markup", name)
			}
		}
	}
	form := i.authorize(wish("response_mode", "form_post", "prompt", "none", "state", `"><script>alert(1)</script>`))
	if strings.Contains(form.body, "<script>alert") || !strings.Contains(form.body, "login_required") {
		t.Errorf("form_post: %s", form.body)
	}
	for _, path := range []string{"/login", "/signup", "/help", "/activate", "/signup/sent", "/no-such-page"} {
		for _, q := range []string{"interaction", "token", "again", "cookies", "ui_locales", "error"} {
			if r := i.get(path + "?" + url.Values{q: {script}}.Encode()); strings.Contains(r.body, "<script>alert") {
				t.Errorf("%s?%s= comes back as markup", path, q)
			}
		}
	}
}

// TestLoggingOutNeverLeadsAstray: only a registered address of the client that the
// hint was made for.
func TestLoggingOutNeverLeadsAstray(t *testing.T) { // A-075, OpenID Connect RP-Initiated Logout §3
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	hint := i.redeem("shop", i.code()).ID
	broken := hint[:len(hint)-6] + "AAAAAA"
	for _, address := range append(deceits[:len(deceits)-1:len(deceits)-1], "https://rp.test/bye/", "https://rp.test/bye?x", "https://evil.test/bye", "https://library.test/bye") {
		r := i.get("/oauth2/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {address}}.Encode())
		local(t, "to "+address, r)
	}
	for name, q := range map[string]url.Values{
		"no hint":              {"post_logout_redirect_uri": {"https://rp.test/bye"}, "client_id": {"shop"}},
		"changed hint":         {"post_logout_redirect_uri": {"https://rp.test/bye"}, "id_token_hint": {broken}},
		"unsigned hint":        {"post_logout_redirect_uri": {"https://rp.test/bye"}, "id_token_hint": {unsigned(hint)}},
		"hint of another":      {"post_logout_redirect_uri": {"https://evil.test/bye"}, "id_token_hint": {hint}, "client_id": {"rival"}},
		"access token as hint": {"post_logout_redirect_uri": {"https://rp.test/bye"}, "id_token_hint": {"a.b.c"}},
	} {
		if r := i.get("/oauth2/logout?" + q.Encode()); r.leaves(s.IDP.URL) {
			t.Errorf("%s: sent to %s", name, r.to())
		}
	}
	if r := i.get("/profile"); r.StatusCode != http.StatusOK {
		t.Errorf("the session ended meanwhile: %d", r.StatusCode) // forced log-out by any page in the web
	}
	r := i.get("/oauth2/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rp.test/bye"}, "state": {"s"}}.Encode())
	if r.to() != "https://rp.test/bye?state=s" {
		t.Errorf("the genuine one leads to %s", r.to())
	}
}

// unsigned is a token with alg none and no signature.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return "eyJhbGciOiJub25lIn0." + parts[1] + "."
}

// TestNoPageIsAnOpenRedirect: every place that takes an address to go on to.
func TestNoPageIsAnOpenRedirect(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	for _, to := range append(deceits, "//evil.test", "https://evil.test", "/\t/evil.test", "/%0d%0aLocation:%20https://evil.test", "/%2f/evil.test", "/\r\nX: y") {
		if r := i.post("/language", url.Values{"switch_language": {"ja"}, "switch_return": {to}}); r.leaves(s.IDP.URL) || r.Header.Get("X") != "" {
			t.Errorf("language switch to %q: sent to %q", to, r.to())
		}
		if r := i.post(s.Tracker.URL+"/language", url.Values{"switch_language": {"ja"}, "switch_return": {to}}); r.leaves(s.Tracker.URL) {
			t.Errorf("the tracker's language switch to %q: sent to %q", to, r.to())
		}
		r := i.get(s.Tracker.URL + "/login?" + url.Values{"target_link_uri": {to}}.Encode())
		if r.leaves(s.Tracker.URL, s.IDP.URL) || r.to() != "" && !strings.HasPrefix(r.query("target_link_uri"), s.Tracker.URL+"/") {
			t.Errorf("target_link_uri %q: sent to %q", to, r.to())
		}
		q := wish("target_link_uri", to, "prompt", "login")
		done := i.logIn(i.authorize(q).query("interaction"), victim, victimPassword)
		if done = i.follow(done); !strings.HasPrefix(done.to(), "https://rp.test/cb?") {
			t.Errorf("authorize with target %q: sent to %q", to, done.to())
		}
	}
}

// TestAPasswordIsNeverPostedOn: every redirect of a conversation is 303.
func TestAPasswordIsNeverPostedOn(t *testing.T) { // A-011, RFC 9700 §4.12
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	first := i.authorize(wish())
	for r := i.logIn(first.query("interaction"), victim, victimPassword); ; r = i.get(r.to()) {
		if r.StatusCode != http.StatusSeeOther {
			t.Errorf("redirected to %s by %d, want 303", r.to(), r.StatusCode)
		}
		if r.leaves(s.IDP.URL) {
			break
		}
	}
	if r := i.post("/oauth2/authorize", wish()); r.StatusCode != http.StatusSeeOther || r.query("code") == "" {
		t.Errorf("request by post: %d to %s, want 303 with a code", r.StatusCode, r.to()) // oidcc-ensure-post-request-succeeds
	}
}
