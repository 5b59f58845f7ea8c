package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// intruder is a browser that sends whatever it likes and follows nothing by itself.
// What comes back is held against the rules that every answer must keep.
type intruder struct {
	t      testing.TB
	home   string // where paths without a host go
	jar    http.CookieJar
	client http.Client
}

func (s *siege) intruder(t testing.TB) *intruder { return newIntruder(t, s.IDP.URL) }

func newIntruder(t testing.TB, home string) *intruder {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	t.Cleanup(transport.CloseIdleConnections)
	return &intruder{t: t, home: home, jar: jar, client: http.Client{
		Jar: jar, Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is what came back.
type reply struct {
	*http.Response
	body string
}

// to is where it leads.
func (r reply) to() string { return r.Header.Get("Location") }

// query gives a parameter of where it leads.
func (r reply) query(name string) string {
	u, err := url.Parse(r.to())
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// leaves tells whether the browser is sent to another host than those.
func (r reply) leaves(hosts ...string) bool {
	u, err := url.Parse(r.to())
	if err != nil {
		return true
	}
	for _, host := range hosts {
		if home, err := url.Parse(host); err == nil && u.Host == home.Host {
			return false
		}
	}
	return u.Host != "" || strings.HasPrefix(r.to(), "//") || strings.HasPrefix(r.to(), `/\`)
}

func (i *intruder) send(method, address string, body io.Reader, header ...string) reply {
	i.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = i.home + address
	}
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		i.t.Fatal(err)
	}
	for n := 0; n+1 < len(header); n += 2 {
		if header[n] == "Host" {
			req.Host = header[n+1]
		}
		req.Header.Set(header[n], header[n+1])
		if header[n+1] == "" {
			req.Header.Del(header[n])
		}
	}
	resp, err := i.client.Do(req)
	if err != nil {
		i.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	r := reply{resp, string(raw)}
	i.judge(method+" "+req.URL.Path, r)
	return r
}

// onPages are the headers of every answer that a browser may show or follow. What is
// data for programs has its policy and nosniff.
var onPages = map[string]string{
	"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
}

// judge holds an answer against what is always true: no 5xx, no frames, nothing inline,
// nothing kept, and no redirect that repeats a post.
func (i *intruder) judge(what string, r reply) {
	i.t.Helper()
	if r.StatusCode >= 500 && r.StatusCode != http.StatusServiceUnavailable {
		i.t.Errorf("%s: status %d\n%.600s", what, r.StatusCode, r.body)
	}
	if got := r.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		i.t.Errorf("%s: X-Content-Type-Options is %q, want nosniff", what, got)
	}
	data := r.Header.Get("Content-Type") == "application/json" && r.Header.Get("Location") == ""
	for name, want := range onPages {
		if got := r.Header.Get(name); got != want && !data {
			i.t.Errorf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		i.t.Errorf("%s: Content-Security-Policy is %q", what, policy)
	}
	html := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
	if got := r.Header.Get("Cache-Control"); html && got != "no-store" {
		i.t.Errorf("%s: Cache-Control of a page is %q, want no-store", what, got)
	}
	if html && (strings.Contains(r.body, "goroutine ") || strings.Contains(r.body, ".go:")) {
		i.t.Errorf("%s: the page tells of the program's inside", what)
	}
}

// get opens an address as somebody does who types it.
func (i *intruder) get(address string, header ...string) reply {
	i.t.Helper()
	return i.send(http.MethodGet, address, nil, append([]string{"Sec-Fetch-Site", "none"}, header...)...)
}

// post sends a form as a page of the same site does; header pairs may say otherwise,
// and "" takes one away.
func (i *intruder) post(address string, form url.Values, header ...string) reply {
	i.t.Helper()
	return i.send(http.MethodPost, address, strings.NewReader(form.Encode()), append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)...)
}

// cookie gives the value of a cookie that the jar holds for an address.
func (i *intruder) cookie(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		i.t.Fatal(err)
	}
	for _, c := range i.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// typePassword goes through both pages of a conversation ("" begins one) and gives the
// answer to the password.
func (i *intruder) typePassword(conversation, email, password string) reply {
	i.t.Helper()
	asked := i.post("/login", url.Values{"interaction": {conversation}, "email": {email}})
	if asked.StatusCode != http.StatusSeeOther {
		i.t.Fatalf("the address %q: status %d\n%.600s", email, asked.StatusCode, asked.body)
	}
	return i.post("/login/password", url.Values{"interaction": {asked.query("interaction")}, "password": {password}})
}

// logIn is typePassword for somebody who can.
func (i *intruder) logIn(conversation, email, password string) reply {
	i.t.Helper()
	r := i.typePassword(conversation, email, password)
	if r.StatusCode != http.StatusSeeOther {
		i.t.Fatalf("%s cannot log in: status %d\n%.600s", email, r.StatusCode, r.body)
	}
	return r
}

// follow goes on until the answer is a page or leads to a host that is not ours.
func (i *intruder) follow(r reply, hosts ...string) reply {
	i.t.Helper()
	for range 20 {
		if r.to() == "" || r.leaves(append(hosts, i.home)...) {
			return r
		}
		r = i.get(r.to())
	}
	i.t.Fatalf("redirected without end, last to %s", r.to())
	return r
}

// wish is an authorization request of the shop; pairs change it, and "" takes a
// parameter away.
func wish(pairs ...string) url.Values {
	q := url.Values{
		"client_id": {"shop"}, "redirect_uri": {"https://rp.test/cb"}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {"a-state-of-the-shop"}, "nonce": {"n"}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	return with(q, pairs...)
}

var verifier = strings.Repeat("v", 43)

// with changes a form by pairs; "" takes a field away.
func with(form url.Values, pairs ...string) url.Values {
	changed := url.Values{}
	for name, values := range form {
		changed[name] = append([]string(nil), values...)
	}
	for n := 0; n+1 < len(pairs); n += 2 {
		changed.Set(pairs[n], pairs[n+1])
		if pairs[n+1] == "" {
			changed.Del(pairs[n])
		}
	}
	return changed
}

func (i *intruder) authorize(q url.Values) reply {
	i.t.Helper()
	return i.get("/oauth2/authorize?" + q.Encode())
}

// decides answers the consent page as its form does, with the account that it shows.
func (i *intruder) decides(conversation, decision string) reply {
	i.t.Helper()
	_, after, _ := strings.Cut(string(i.get("/consent?interaction="+conversation).body), `name="shown" value="`)
	shown, _, _ := strings.Cut(after, `"`)
	return i.post("/consent", url.Values{"interaction": {conversation}, "shown": {shown}, "decision": {decision}})
}

// code gives a fresh code for somebody who is logged in, and allows what is asked.
func (i *intruder) code(pairs ...string) string {
	i.t.Helper()
	r := i.authorize(wish(pairs...))
	if strings.HasPrefix(r.to(), "/consent") {
		r = i.follow(i.decides(r.query("interaction"), "allow"))
	}
	code := r.query("code")
	if code == "" {
		i.t.Fatalf("no code: status %d to %s\n%.600s", r.StatusCode, r.to(), r.body)
	}
	return code
}

// answer is what the token endpoint says.
type answer struct {
	status  int
	Error   string `json:"error"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// redeem sends a token request of a client; pairs change it.
func (i *intruder) redeem(client, code string, pairs ...string) answer {
	i.t.Helper()
	form := with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://rp.test/cb"}, "code_verifier": {verifier},
	}, pairs...)
	return i.token(client, form)
}

func (i *intruder) token(client string, form url.Values) answer {
	i.t.Helper()
	header := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if client != "" {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(client, clientSecret)
		header = append(header, "Authorization", req.Header.Get("Authorization"))
	}
	r := i.send(http.MethodPost, "/oauth2/token", strings.NewReader(form.Encode()), header...)
	a := answer{status: r.StatusCode}
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		i.t.Errorf("the token endpoint answers %d %.200s", r.StatusCode, r.body)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		i.t.Errorf("Cache-Control of a token is %q, want no-store", got)
	}
	return a
}

// alive tells whether an access token still opens userinfo.
func (i *intruder) alive(access string) bool {
	i.t.Helper()
	return i.get("/oauth2/userinfo", "Authorization", "Bearer "+access).StatusCode == http.StatusOK
}
