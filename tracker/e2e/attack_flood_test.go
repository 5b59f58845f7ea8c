package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/shared/limit"
)

// TestOnePasswordForManyAddresses: a place that tries them all is slowed down, and no
// account is locked by it.
func TestOnePasswordForManyAddresses(t *testing.T) {
	rules := accounts.DefaultRules()
	rules.GuessPlace = limit.Rule{Name: "few", Burst: 20, Every: time.Minute}
	s := besiege(t, "sqlite", rules)
	i, slowed := s.intruder(t), 0
	for n := range 30 {
		first := i.post("/login", url.Values{"email": {fmt.Sprintf("person%d@example.org", n)}})
		r := i.post("/login/password", url.Values{"interaction": {first.query("interaction")}, "password": {"Summer-2026!"}}, "X-Forwarded-For", fmt.Sprintf("10.1.1.%d", n))
		if r.StatusCode == http.StatusTooManyRequests {
			slowed++
		}
	}
	if slowed != 10 {
		t.Errorf("%d of 30 guesses were refused, want 10", slowed)
	}
	s.Clock.Move(time.Hour)
	i.logIn("", victim, victimPassword)
}

// TestAFloodOfLogInsLeavesTheRestAlone: those who wait too long are told when to come
// back, and the pages without passwords go on.
func TestAFloodOfLogInsLeavesTheRestAlone(t *testing.T) { // A-154, F-34, house rule 12
	s := besiege(t, "sqlite")
	s.IDP.Hasher.Wait = time.Millisecond
	flood := make(chan *intruder, 80)
	ids := map[*intruder]string{}
	for n := range 80 {
		i := s.intruder(t)
		ids[i] = i.post("/login", url.Values{"email": {fmt.Sprintf("person%d@example.org", n)}}).query("interaction")
		flood <- i
	}
	calm := s.intruder(t)
	done := make(chan int)
	go func() {
		done <- race(80, func() bool {
			i := <-flood
			r := i.post("/login/password", url.Values{"interaction": {ids[i]}, "password": {"Summer-2026!"}})
			if r.StatusCode != http.StatusForbidden && (r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "") {
				t.Errorf("status %d, want 403, or 503 with a time", r.StatusCode)
			}
			return r.StatusCode == http.StatusServiceUnavailable
		})
	}()
	for range 20 {
		for _, path := range []string{"/healthz", "/oauth2/jwks", "/login"} {
			if r := calm.get(path); r.StatusCode != http.StatusOK {
				t.Errorf("%s during the flood: status %d", path, r.StatusCode)
			}
		}
	}
	if busy := <-done; busy == 0 {
		t.Error("nobody had to wait: the flood was none")
	}
}

// TestSlowCallersAreHungUpOn: headers that never end are cut off after five seconds.
func TestSlowCallersAreHungUpOn(t *testing.T) {
	s := besiege(t, "sqlite")
	home, _ := url.Parse(s.IDP.URL)
	conn, err := net.Dial("tcp", home.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	began := time.Now()
	conn.SetReadDeadline(began.Add(30 * time.Second))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("after %s the connection is still open: %v", time.Since(began).Round(time.Second), err)
	}
}

// TestOneParcelOfRequestsIsOneRequest: two lengths, a space before the colon, a length
// beside chunks: what proxies and servers read in two ways is refused.
func TestOneParcelOfRequestsIsOneRequest(t *testing.T) { // request smuggling, RFC 9112 §6.3, §11.2
	s := besiege(t, "sqlite")
	home, _ := url.Parse(s.IDP.URL)
	for name, head := range map[string]string{
		"two lengths":          "Content-Length: 5\r\nContent-Length: 6\r\n",
		"a space in the name":  "Content-Length : 5\r\n",
		"unknown coding":       "Transfer-Encoding: xchunked\r\n",
		"two codings":          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"a sign in the length": "Content-Length: +5\r\n",
		"two hosts":            "Host: evil.test\r\n",
	} {
		conn, err := net.Dial("tcp", home.Host)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(conn, "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+head+"\r\na=b&c")
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(answer), "HTTP/1.1 400") && !strings.HasPrefix(string(answer), "HTTP/1.1 501") {
			t.Errorf("%s: %.60q, want 400", name, answer)
		}
	}
}

// TestHintsTellNothingOfOthers: who is logged in is not swapped for who is named.
func TestHintsTellNothingOfOthers(t *testing.T) {
	s := besiege(t, "sqlite")
	v, x := s.intruder(t), s.intruder(t)
	v.logIn("", victim, victimPassword)
	hint := v.redeem("shop", v.code()).ID
	x.logIn("", attacker, attackerPassword)
	if r := x.authorize(wish("prompt", "none", "id_token_hint", hint)); r.query("error") != "login_required" {
		t.Errorf("prompt=none with the victim's hint: sent to %s", r.to())
	}
	id := x.authorize(wish("id_token_hint", hint)).query("interaction")
	if r := x.follow(x.logIn(id, attacker, attackerPassword)); r.query("code") != "" {
		t.Error("the attacker gets a code in the place of the victim")
	}
	if r := x.follow(x.authorize(wish("login_hint", victim))); r.query("code") != "" && strings.Contains(r.body, victim) {
		t.Error("a login_hint changes who is logged in")
	}
	for name, hint := range map[string]string{"another client's": strings.Repeat("e", 20), "unsigned": unsigned(hint), "cut": hint[:len(hint)-10]} {
		if r := x.authorize(wish("id_token_hint", hint)); r.query("error") != "invalid_request" {
			t.Errorf("%s hint: sent to %s", name, r.to())
		}
	}
}

// TestNobodyWritesIntoSomebodyElsesRecord: the tracker takes the person from the session
// and nothing of whom a form speaks of.
func TestNobodyWritesIntoSomebodyElsesRecord(t *testing.T) {
	s := besiege(t, "sqlite")
	v := s.atHome(t)
	before := v.get(s.Tracker.URL + "/personal").body
	x := s.intruder(t)
	x.get(x.toTracker(s, attacker, attackerPassword))
	for _, f := range s.forms("") {
		if !strings.HasPrefix(f.path, s.Tracker.URL+"/welcome/") && !strings.HasPrefix(f.path, s.Tracker.URL+"/personal") {
			continue
		}
		form := with(f.fields, "id", "1", "candidate_id", "1", "candidate", "1", "email", victim, "sub", "x", "csco", "CSCO00000001", "csco_id", "CSCO00000001",
			"credly", "me", "vue", "1", "state", "active", "recipient", "Eve Evil", "company", "Evil Corp")
		x.post(f.path, form)
	}
	after := v.get(s.Tracker.URL + "/personal").body
	if look := random.ReplaceAllString(after, ""); look != random.ReplaceAllString(before, "") {
		t.Error("the victim's page changed")
	}
	mine := x.get(s.Tracker.URL + "/personal").body
	if strings.Contains(mine, "CSCO00000001<") && strings.Contains(before, "CSCO00000001<") || strings.Contains(mine, victim) {
		t.Error("the attacker took over what is the victim's")
	}
}
