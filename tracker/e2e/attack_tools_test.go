package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/app"
	idptest "tegata/idp/app/apptest"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/limit"
	trackerapp "tegata/tracker/app"
	trackertest "tegata/tracker/app/apptest"
)

// The people of these tests; both are of testdata/people.yaml.
const (
	victim, victimPassword     = "maya.lindqvist@example.com", "brisk Walnut, 4 kites"
	attacker, attackerPassword = "connor.oneil@example.org", "Copper-lantern-19"
	stranger                   = "nobody.knows@example.org"
)

// moreClients stand beside the tracker: two of the house with a secret, a native one
// without, and one that belongs to the attacker.
const moreClients = `
  - client_id: shop
    client_name: {en: The Shop}
    redirect_uris: ["https://rp.test/cb", "https://rp.test/other"]
    post_logout_redirect_uris: ["https://rp.test/bye"]
    initiate_login_uri: https://rp.test/start
    client_secret_digests: [%[1]s]
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, offline_access]
    first_party: true
  - client_id: library
    client_name: {en: The Library}
    redirect_uris: ["https://library.test/cb"]
    post_logout_redirect_uris: ["https://library.test/bye"]
    client_secret_digests: [%[1]s]
    require_pkce: true
    first_party: true
  - client_id: phone
    client_name: {en: The Phone}
    application_type: native
    redirect_uris: ["http://127.0.0.1/cb"]
    token_endpoint_auth_method: none
  - client_id: rival
    client_name: {en: The Shop}
    redirect_uris: ["https://evil.test/cb"]
    post_logout_redirect_uris: ["https://evil.test/bye"]
    client_secret_digests: [%[1]s]
`

const clientSecret = "a-secret-of-both-clients-that-is-long-enough"

// siege is both programs under attack, with everything they log.
type siege struct {
	*world
	t       testing.TB
	journal *journal
}

// besiege starts both programs; kind is "sqlite" or "postgres". The limits are wide,
// but for tests that ask for the real ones.
func besiege(t testing.TB, kind string, rules ...accounts.Rules) *siege {
	t.Helper()
	s := &siege{world: &world{Clock: clock.Hold(idptest.Began)}, t: t, journal: &journal{}}
	provider, tracker := idptest.Listen(t), idptest.Listen(t)
	digest := sha256.Sum256([]byte(clientSecret))
	cfg := idptest.Config(t, idptest.Options{
		Database: dbtest.URL(t, kind), Clock: s.Clock, Listener: provider,
		Clients: clients(t, "http://localhost:"+idptest.Port(tracker)) + fmt.Sprintf(moreClients, hex.EncodeToString(digest[:])),
	})
	limits := wide()
	if len(rules) > 0 {
		limits = rules[0]
	}
	a, err := app.New(t.Context(), cfg, app.Options{Clock: s.Clock.Now, Listener: provider, Log: s.journal.log(), Rules: &limits})
	if err != nil {
		t.Fatal(err)
	}
	run(t, a.Run)
	s.IDP = &idptest.IDP{App: a, URL: cfg.PublicURL, Clock: s.Clock}
	theirs := trackertest.Config(t, trackertest.Options{
		DatabaseURL: dbtest.URL(t, kind), Clock: s.Clock, Listener: tracker, Issuer: s.IDP.URL,
	})
	b, err := trackerapp.New(t.Context(), theirs, trackerapp.Options{Clock: s.Clock.Now, Listener: tracker, Log: s.journal.log()})
	if err != nil {
		t.Fatal(err)
	}
	run(t, b.Run)
	s.Tracker = &trackertest.Tracker{App: b, URL: theirs.PublicURL, Clock: s.Clock}
	return s
}

// run keeps a program going until the test ends.
func run(t testing.TB, serve func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program stopped with: %v", err)
		}
	})
}

// wide are limits that no test reaches by accident.
func wide() accounts.Rules {
	much := func(name string) limit.Rule { return limit.Rule{Name: name, Burst: 100_000, Every: time.Millisecond} }
	return accounts.Rules{
		SignUpPlace: much("a"), MailAddress: much("b"), SignUpAddress: much("c"), Resend: much("d"), ResendPlace: much("e"),
		CodeAddress: much("f"), CodePlace: much("g"), GuessPair: much("h"), GuessAddress: much("i"), GuessPlace: much("j"),
	}
}

// journal keeps what the programs log, at every level.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

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

// sends tells whether the browser is sent to another host than those.
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

// always are the headers of every answer, F-73 and F-79 of the threat list among them.
var always = map[string]string{
	"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
}

// judge holds an answer against what is always true: no 5xx, no frames, nothing inline,
// nothing kept, and no redirect that repeats a post.
func (i *intruder) judge(what string, r reply) {
	i.t.Helper()
	if r.StatusCode >= 500 && r.StatusCode != http.StatusServiceUnavailable {
		i.t.Errorf("%s: status %d\n%.600s", what, r.StatusCode, r.body)
	}
	for name, want := range always {
		if got := r.Header.Get(name); got != want {
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

// code gives a fresh code for somebody who is logged in.
func (i *intruder) code(pairs ...string) string {
	i.t.Helper()
	r := i.authorize(wish(pairs...))
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

// race lets n do the same at once and counts those that won.
func race(n int, do func() bool) int {
	var ready, all sync.WaitGroup
	var mu sync.Mutex
	won, gate := 0, make(chan struct{})
	for range n {
		ready.Add(1)
		all.Go(func() {
			ready.Done()
			<-gate
			if do() {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	ready.Wait()
	close(gate)
	all.Wait()
	return won
}

// kinds are the databases that every promise is kept on.
var kinds = []string{dbtest.KindSQLite, dbtest.KindPostgres}
