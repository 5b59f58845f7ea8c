package oidc_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// wantPage fails unless a person was told, here, and nobody was sent anywhere.
func wantPage(t *testing.T, what string, got answer) {
	t.Helper()
	if got.StatusCode < 400 || got.StatusCode >= 500 || got.Header.Get("Location") != "" {
		t.Errorf("%s: status %d, Location %q, want a page and no redirect", what, got.StatusCode, got.Header.Get("Location"))
	}
}

// refused fails unless the client got the error, with state and iss and no code.
func refused(t *testing.T, what string, got answer, code string) {
	t.Helper()
	sent := got.sent(t)
	if sent.Get("error") != code || sent.Has("code") || sent.Get("state") != "the-state" || sent.Get("iss") == "" {
		t.Errorf("%s: %v, want error %s with state and iss", what, sent, code)
	}
}

func TestRedirectURIsAreExact(t *testing.T) { // RFC 9700 §4.1.3, A-001 to A-003
	w := start(t).logIn()
	for _, uri := range []string{
		"", callback + "/", callback + "?x=1", callback + "#f", callback + "x", "https://rp.test/cb/../evil", "https://rp.test/cb%2f..%2fevil",
		"https://rp.test/cb%252f..%252f", "https://rp.test/cb/..;/x", "https://RP.test/cb", "HTTPS://rp.test/cb", "https://rp.test:443/cb",
		"https://rpXtest/cb", "https://rp.test.evil.test/cb", "https://evilrp.test/cb", "http://rp.test/cb", "//rp.test/cb", "/cb",
		"https://rp.test@evil.test/cb", "https://evil.test\\@rp.test/cb", "https://rp.test\t/cb", "https://rp.test/cb\x00", " " + callback, callback + " ",
		"javascript:alert(1)", "data:text/html,x", "https://[::ffff:127.0.0.1]/cb", "https://2130706433/cb", "https://rp.test/cb\r\nX: y",
	} {
		wantPage(t, uri, w.authorize("tracker", "redirect_uri="+uri))
		wantPage(t, uri+" with form_post", w.authorize("tracker", "redirect_uri="+uri, "response_mode=form_post"))
	}
}

func TestOnlyThePortOfANativeLoopbackMayDiffer(t *testing.T) { // RFC 8252 §7.3, A-005
	w := start(t).logIn()
	for uri, good := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:51000/cb": true, "com.example.app:/cb": true,
		"http://localhost:51000/cb": false, "http://127.0.0.1@evil.test/cb": false, "http://127.0.0.1:51000/other": false, "https://127.0.0.1:51000/cb": false,
		"http://127.0.0.2/cb": false, "http://127.0.0.1:51000/cb?x=1": false, "http://127.0.0.1:51000/cb#f": false, "http://[::1]:51000/cb": false,
		"http://127.0.0.1.evil.test/cb": false, "http://0x7f.0.0.1/cb": false, "http://127.0.0.1:51000/%63b": false, "com.example.app:/other": false,
		"http://127.0.0.1:1/cb": true, "http://127.0.0.1:65535/cb": true, "http://127.0.0.1:65536/cb": false, "http://127.0.0.1:99999/cb": false, // no browser goes there
		"http://127.0.0.1:0/cb": false, "http://127.0.0.1:080/cb": false, "http://127.0.0.1:/cb": false, // RFC 3986 §3.2.3
	} {
		got := w.authorize("native", "redirect_uri="+uri, "prompt=none")
		if !good {
			wantPage(t, uri, got)
		} else if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), uri+"?") {
			t.Errorf("%s: status %d, Location %q", uri, got.StatusCode, got.Header.Get("Location"))
		}
	}
	wantPage(t, "a web client with another port", w.authorize("tracker", "redirect_uri=https://rp.test:444/cb"))
}

func TestUnknownClientGetsAPage(t *testing.T) {
	w := start(t).logIn()
	for _, id := range []string{"", "nobody", "TRACKER", "tracker ", "tracker\x00", strings.Repeat("x", 5000)} {
		wantPage(t, id, w.authorize("tracker", "client_id="+id))
	}
}

func TestNoParameterTwice(t *testing.T) { // RFC 6749 §3.1, A-007
	w := start(t).logIn()
	twice := func(name string) map[string]answer {
		form := request("tracker", "prompt=login")
		return map[string]answer{
			name:                        w.get("/oauth2/authorize?" + form.Encode() + "&" + name + "=" + url.QueryEscape(form.Get(name))),
			name + " and another value": w.authorize("tracker", "+"+name+"=other"),
			name + " in query and body": w.post("/oauth2/authorize?"+form.Encode(), url.Values{name: {form.Get(name)}}),
		}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		for what, got := range twice(name) {
			wantPage(t, what, got)
		}
	}
	for _, name := range []string{"scope", "response_type", "nonce", "code_challenge", "prompt"} {
		for what, got := range twice(name) {
			refused(t, what, got, "invalid_request") // RFC 6749 §4.1.2.1
		}
	}
	if got := w.get("/oauth2/authorize?" + request("tracker").Encode() + "&extra=foo&extra=bar").sent(t); got.Get("code") == "" {
		t.Errorf("an unknown parameter twice: %v, want a code", got)
	}
}

func TestOnlyTheCodeFlow(t *testing.T) { // RFC 9700 §2.1.2, A-009
	w := start(t).logIn()
	for _, kind := range []string{"none", "code code", "CODE"} {
		refused(t, kind, w.authorize("tracker", "response_type="+kind), "unsupported_response_type")
	}
	for _, kind := range []string{"token", "id_token", "code id_token", "code token", "token token"} { // RFC 6749 §4.2.2.1
		for _, mode := range []string{"response_mode", "response_mode=query"} {
			got := w.authorize("tracker", "response_type="+kind, mode)
			if where := got.Header.Get("Location"); !strings.HasPrefix(where, callback+"#error=unsupported_response_type&") || !strings.Contains(where, "&state=the-state&") {
				t.Errorf("%s, %s: %q, want the error in the fragment", kind, mode, where)
			}
		}
	}
	refused(t, "none at all", w.authorize("tracker", "response_type"), "invalid_request")
	for _, mode := range []string{"web_message", "web_message.jwt"} {
		refused(t, mode, w.authorize("tracker", "response_mode="+mode), "invalid_request")
	}
}

func TestRequestObjectsAreRefusedByName(t *testing.T) { // OIDC Core §3.1.2.6
	w := start(t).logIn()
	refused(t, "request of a client without keys", w.authorize("basic", "request=eyJhbGciOiJub25lIn0.e30."), "request_not_supported")
	refused(t, "request", w.authorize("tracker", "request=eyJhbGciOiJub25lIn0.e30."), "invalid_request_object")
	refused(t, "request without openid", w.authorize("tracker", "request=x", "scope=profile"), "invalid_request_object")
	refused(t, "request and request_uri", w.authorize("tracker", "request=x", "request_uri=https://rp.test/r"), "invalid_request")
	refused(t, "request_uri", w.authorize("tracker", "request_uri=https://rp.test/r"), "request_uri_not_supported")
	refused(t, "registration", w.authorize("tracker", "registration={}"), "registration_not_supported")
}

func TestStateComesBackAsItWasSent(t *testing.T) { // RFC 6749 §4.1.2; fosite insists on one of eight characters
	w := start(t).logIn()
	for _, state := range []string{"a", strings.Repeat("s", 128), strings.Repeat("0aZ", 200), `&=#%+ "'<>/?\`, "%41"} {
		for _, prompt := range []string{"prompt", "prompt=foo"} {
			if sent := w.authorize("tracker", "state="+state, prompt).sent(t); sent.Get("state") != state {
				t.Errorf("%s: state %q came back as %q", prompt, state, sent.Get("state"))
			}
		}
	}
	for _, none := range []string{"state", "state="} {
		for _, prompt := range []string{"prompt", "prompt=foo"} {
			if sent := w.authorize("tracker", none, prompt).sent(t); sent.Has("state") {
				t.Errorf("%s, %s: there is a state: %v", none, prompt, sent)
			}
		}
	}
	for _, bad := range []string{strings.Repeat("x", 2049), "line\r\nfeed", "ü"} {
		if sent := w.authorize("tracker", "state="+bad).sent(t); sent.Get("error") != "invalid_request" || sent.Has("state") {
			t.Errorf("state %.10q: %v, want invalid_request without it", bad, sent)
		}
	}
}

func TestQueryOfTheRedirectURIIsKept(t *testing.T) { // RFC 6749 §3.1.2
	w := start(t).logIn()
	uri := "https://rp.test/with?query=kept"
	got := w.authorize("basic", "redirect_uri="+uri)
	if location := got.Header.Get("Location"); !strings.HasPrefix(location, uri+"&code=") {
		t.Errorf("Location %q", location)
	}
	if got := w.redeem("basic", got.sent(t).Get("code"), "redirect_uri="+uri); got.StatusCode != 200 {
		t.Errorf("token: %s", got.Body)
	}
}

func TestFormPost(t *testing.T) { // OAuth 2.0 Form Post Response Mode
	w := start(t).logIn()
	got := w.authorize("tracker", "response_mode=form_post", `state="><script>alert(1)</script>`)
	policy := got.Header.Get("Content-Security-Policy")
	if got.StatusCode != 200 || !strings.Contains(policy, "form-action https://rp.test;") || strings.Contains(policy, "unsafe") {
		t.Fatalf("status %d, policy %q", got.StatusCode, policy)
	}
	for _, want := range []string{`<form method="post" action="https://rp.test/cb">`, `name="code"`, `name="iss"`, `&lt;script&gt;`} {
		if !strings.Contains(got.Body, want) {
			t.Errorf("the page lacks %s:\n%s", want, got.Body)
		}
	}
	if strings.Count(got.Body, "<script") != 1 || !strings.Contains(got.Body, `<script src="/oauth2/submit.js"></script>`) {
		t.Errorf("there is more than one script:\n%s", got.Body)
	}
	if got := w.authorize("tracker", "response_mode=form_post", "prompt=foo"); !strings.Contains(got.Body, `name="error" value="invalid_request"`) {
		t.Errorf("an error by form_post:\n%s", got.Body)
	}
	native := w.authorize("native", "response_mode=form_post", "redirect_uri=com.example.app:/cb", "prompt=none")
	if !strings.Contains(native.Body, `action="com.example.app:/cb"`) {
		t.Errorf("a native client's address:\n%s", native.Body)
	}
	if !strings.Contains(native.Body, "on your way back to the application.") || !strings.Contains(native.Body, "アプリケーションに戻ります") {
		t.Errorf("an address without a host is not told in both languages:\n%s", native.Body)
	}
}

func TestRequestsByPost(t *testing.T) { // OIDC Core §3.1.2.1: from another site, too
	w := start(t).logIn()
	got := w.post("/oauth2/authorize", request("tracker"), "Origin: https://rp.test", "Sec-Fetch-Site: cross-site")
	if sent := got.sent(t); sent.Get("code") == "" {
		t.Errorf("answer %v, want a code", sent)
	}
}

func TestParametersThatChangeNothing(t *testing.T) { // OIDC Core §3.1.2.1
	w := start(t).logIn()
	for _, change := range []string{
		"extra=foobar", "display=page", "display=popup", "display=touch", "ui_locales=se", "ui_locales=ja en", "claims_locales=se", "login_hint=hanako@example.org",
		"acr_values=1 2", "scope=profile openid", "scope=openid unknown:scope", "max_age=10000", "response_mode=query",
		"target_link_uri=https://rp.test/exams", "target_link_uri=https://evil.test/",
	} {
		if sent := w.authorize("tracker", change).sent(t); sent.Get("code") == "" {
			t.Errorf("%s: %v, want a code", change, sent)
		}
	}
}

func TestMalformedParameters(t *testing.T) {
	w := start(t).logIn()
	for _, change := range []string{
		"prompt=foo", "prompt=none login", "prompt=LOGIN", "max_age=-1", "max_age=x", "max_age=1.5", "max_age=99999999999999999999",
		"claims=x", "claims=[]", "claims={\"userinfo\":1}", "id_token_hint=x", "nonce=" + strings.Repeat("n", 1025), "nonce=\x00",
	} {
		refused(t, change, w.authorize("tracker", change), "invalid_request")
	}
	wantPage(t, "9 kB in a parameter", w.authorize("tracker", "login_hint="+strings.Repeat("x", 9000)))
}

func TestPromptNone(t *testing.T) { // OIDC Core §3.1.2.6
	w := start(t)
	long := strings.Repeat("s", 128)
	if sent := w.authorize("tracker", "prompt=none", "state="+long).sent(t); sent.Get("error") != "login_required" || sent.Get("state") != long {
		t.Errorf("nobody signed in: %v, want login_required", sent)
	}
	w.logIn()
	_, before := w.claims(w.tokens("tracker")["id_token"])
	w.clock.Move(time.Minute)
	_, after := w.claims(w.tokens("tracker", "prompt=none")["id_token"])
	if before["sub"] != after["sub"] || before["auth_time"] != after["auth_time"] {
		t.Errorf("sub and auth_time %v, %v; want %v, %v", after["sub"], after["auth_time"], before["sub"], before["auth_time"])
	}
	refused(t, "consent missing", w.authorize("foreign", "prompt=none"), "consent_required")
}

func TestMaxAge(t *testing.T) { // OIDC Core §3.1.2.1; fosite ignores 0
	w := start(t).logIn()
	w.clock.Move(2 * time.Second)
	for age, good := range map[string]bool{"0": false, "1": false, "2": true, "10000": true} {
		sent := w.authorize("tracker", "prompt=none", "max_age="+age).sent(t)
		if good != sent.Has("code") || !good && sent.Get("error") != "login_required" {
			t.Errorf("max_age=%s after two seconds: %v", age, sent)
		}
	}
	if got := w.authorize("tracker", "max_age=1"); !strings.HasPrefix(got.Header.Get("Location"), "/login?interaction=") {
		t.Errorf("max_age=1 leads to %q, want the log-in", got.Header.Get("Location"))
	}
}

func TestIDTokenHint(t *testing.T) { // OIDC Core §3.1.2.1, A-067
	w := start(t).logIn()
	hint := w.tokens("tracker")["id_token"].(string)
	if sent := w.authorize("tracker", "prompt=none", "id_token_hint="+hint).sent(t); !sent.Has("code") {
		t.Errorf("own hint: %v, want a code", sent)
	}
	w.clock.Move(2 * time.Hour) // expired, and still genuine
	if sent := w.authorize("tracker", "prompt=none", "id_token_hint="+hint).sent(t); !sent.Has("code") {
		t.Errorf("expired hint: %v, want a code", sent)
	}
	refused(t, "another client's hint", w.authorize("basic", "prompt=none", "id_token_hint="+hint), "invalid_request")
	refused(t, "changed hint", w.authorize("tracker", "id_token_hint="+hint[:len(hint)-4]+"AAAA"), "invalid_request")
	other := w.second()
	w.cookies = map[string]string{}
	w.person = other
	w.logIn()
	refused(t, "somebody else's hint", w.authorize("tracker", "prompt=none", "id_token_hint="+hint), "login_required")
	if got := w.authorize("tracker", "id_token_hint="+hint); !strings.HasPrefix(got.Header.Get("Location"), "/login?interaction=") {
		t.Errorf("somebody else is signed in: Location %q, want the log-in", got.Header.Get("Location"))
	}
}

func TestAnswersAreNotStoredAndNotRepeated(t *testing.T) { // RFC 9700 §4.12
	w := start(t).logIn()
	got := w.authorize("tracker")
	if got.StatusCode != 303 || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("status %d, headers %v", got.StatusCode, got.Header)
	}
}

func TestDisabledClientGetsNothing(t *testing.T) {
	w := start(t).logIn()
	code, token := w.code("basic"), w.tokens("post")["access_token"]
	must(t, w.provider.Clients.Sync(t.Context(), nil))
	wantPage(t, "authorize", w.authorize("basic"))
	wantError(t, w.redeem("basic", code), 401, "invalid_client")
	if got := w.userinfo(token); got.StatusCode != 401 {
		t.Errorf("its access token: status %d, want 401", got.StatusCode)
	}
}

func TestAnswersNeverRepeatWhatWasSent(t *testing.T) {
	w := start(t).logIn()
	const evil = "<script>alert(1)</script>"
	for _, name := range []string{"prompt", "scope", "response_type", "response_mode", "max_age", "claims", "code_challenge_method", "id_token_hint", "ui_locales", "acr_values"} {
		sent := w.authorize("tracker", name+"="+evil).sent(t)
		if strings.Contains(sent.Get("error_description"), "script") {
			t.Errorf("%s: error_description %q", name, sent.Get("error_description"))
		}
	}
}

// A page that has no server, as keycloak-js, wants its code where no log sees it. OAuth 2.0
// Multiple Response Types §2.1.
func TestACodeMayComeInTheFragment(t *testing.T) {
	w := start(t).logIn()
	for _, client := range []string{"basic", "tracker"} {
		where := w.authorize(client, "response_mode=fragment").Header.Get("Location")
		u, err := url.Parse(where)
		must(t, err)
		sent, err := url.ParseQuery(u.Fragment)
		must(t, err)
		if !strings.HasPrefix(where, callback+"#code=") || sent.Get("state") != "the-state" || sent.Get("iss") != w.provider.Issuer {
			t.Fatalf("%s: %q, want code, state and iss in the fragment", client, where)
		}
		if got := w.redeem(client, sent.Get("code")); got.StatusCode != http.StatusOK {
			t.Errorf("%s: the code: %d %s", client, got.StatusCode, got.Body)
		}
	}
	for _, wrong := range []string{"prompt=foo", "prompt=none login", "response_type=none"} {
		if where := w.authorize("basic", "response_mode=fragment", wrong).Header.Get("Location"); !strings.HasPrefix(where, callback+"#error=") {
			t.Errorf("%s: %q, want the error in the fragment", wrong, where)
		}
	}
	if modes := w.get("/.well-known/openid-configuration").json(t)["response_modes_supported"]; !slices.Contains(modes.([]any), any("fragment")) {
		t.Errorf("discovery names %v", modes)
	}
}
