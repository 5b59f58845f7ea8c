package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// toTracker logs in at the tracker and stops before the callback: the address that the
// provider sends the browser to.
func (i *intruder) toTracker(s *siege, email, password string) string {
	i.t.Helper()
	r := i.get(s.Tracker.URL + "/login")
	if r = i.get(r.to()); strings.HasPrefix(r.to(), "/") { // not signed in yet
		r = i.get(i.logIn(r.query("interaction"), email, password).to())
	}
	if !strings.HasPrefix(r.to(), s.Tracker.URL+"/callback?") {
		i.t.Fatalf("sent to %s, want the callback", r.to())
	}
	return r.to()
}

// changed gives the callback with other parameters; "" takes one away.
func changed(t *testing.T, callback string, pairs ...string) string {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = with(u.Query(), pairs...).Encode()
	return u.String()
}

// nobody wants a refusal, and a browser that is not signed in at the tracker.
func (i *intruder) nobody(s *siege, what, callback string) {
	i.t.Helper()
	if r := i.get(callback); r.StatusCode < 400 || r.StatusCode >= 500 || r.to() != "" {
		i.t.Errorf("%s: status %d to %q, want a page with 4xx", what, r.StatusCode, r.to())
	}
	if r := i.get(s.Tracker.URL + "/home"); r.StatusCode == http.StatusOK || strings.HasPrefix(r.to(), "/welcome") {
		i.t.Errorf("%s: somebody is signed in", what)
	}
}

// TestTheTrackerTakesOnlyTheAnswerToItsOwnQuestion: of this provider, in this browser,
// once.
func TestTheTrackerTakesOnlyTheAnswerToItsOwnQuestion(t *testing.T) {
	s := besiege(t, "sqlite")
	for _, c := range []struct {
		name   string
		change []string
	}{
		{"no state", []string{"state", ""}}, {"another state", []string{"state", "x.y"}}, {"a long state", []string{"state", strings.Repeat("s", 10_000)}},
		{"no iss", []string{"iss", ""}}, {"another iss", []string{"iss", "https://evil.test"}}, {"iss with a slash", []string{"iss", s.IDP.URL + "/"}}, // A-021, RFC 9207 §2.4
		{"iss in capitals", []string{"iss", strings.ToUpper(s.IDP.URL)}},
		{"no code", []string{"code", ""}}, {"another code", []string{"code", "x.y"}}, {"a long code", []string{"code", strings.Repeat("c", 10_000)}},
		{"a code with NUL", []string{"code", "a\x00b"}}, {"a state with broken UTF-8", []string{"state", "\xff\xfe"}},
		{"an error beside the code", []string{"error", "access_denied"}}, {"an error with markup", []string{"error", "<script>"}},
	} {
		i := s.intruder(t)
		callback := i.toTracker(s, victim, victimPassword)
		i.nobody(s, c.name, changed(t, callback, c.change...))
	}
	i := s.intruder(t)
	callback := i.toTracker(s, victim, victimPassword)
	i.nobody(s, "state twice", callback+"&state=x")
	if r := i.get(callback); r.StatusCode != http.StatusSeeOther {
		t.Errorf("the untouched answer after a doubled one: status %d", r.StatusCode) // refusals of garbage burn nothing
	}
	if r := i.get(callback); r.StatusCode < 400 { // reused
		t.Errorf("the same answer again: status %d to %q", r.StatusCode, r.to())
	}
	if r := i.get(s.Tracker.URL + "/welcome/address"); r.StatusCode != http.StatusOK {
		t.Errorf("reloading the callback ended the session: %d", r.StatusCode)
	}
}

// TestNobodyIsLoggedInAsSomebodyElse: the attacker's callback in the victim's browser,
// and the attacker's code in the victim's callback.
func TestNobodyIsLoggedInAsSomebodyElse(t *testing.T) {
	s := besiege(t, "sqlite")
	x, v := s.intruder(t), s.intruder(t)
	theirs := x.toTracker(s, attacker, attackerPassword)
	v.nobody(s, "the attacker's callback in a fresh browser", theirs)
	mine := v.toTracker(s, victim, victimPassword)
	v.nobody(s, "the attacker's callback in the victim's browser", theirs)
	code := query(t, theirs, "code")
	v.nobody(s, "the attacker's code in the victim's callback", changed(t, mine, "code", code)) // PKCE and nonce
	x.nobody(s, "the victim's code in the attacker's callback", changed(t, theirs, "code", query(t, mine, "code")))

	again := v.toTracker(s, victim, victimPassword)
	if r := v.get(again); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("the victim cannot log in afterwards: %d", r.StatusCode)
	}
	if r := v.get(s.Tracker.URL + "/welcome/address"); !strings.Contains(r.body, "Lindqvist") || strings.Contains(r.body, "Neil") {
		t.Error("the victim's browser belongs to somebody else")
	}
}

func query(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

// TestTheCallbackGivesOneSession: reloaded twenty times at once, on both databases.
func TestTheCallbackGivesOneSession(t *testing.T) { // A-023, ONE(20)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			i := s.intruder(t)
			callback := i.toTracker(s, victim, victimPassword)
			won := race(20, func() bool { return i.get(callback).StatusCode == http.StatusSeeOther })
			if won != 1 {
				t.Errorf("%d sessions of one answer, want 1", won)
			}
		})
	}
}

// TestTheTrackerGivesNothingAway: no token in cookies, pages or addresses, and a new
// session each time.
func TestTheTrackerGivesNothingAway(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	planted := &http.Cookie{Name: "tegata_tracker_session", Value: "01a1fcbe-b8eb-74bd-8946-995705785f94.AAAAAAAAAAAAAAAAAAAAAAAAAA", Path: "/"}
	home, _ := url.Parse(s.Tracker.URL)
	i.jar.SetCookies(home, []*http.Cookie{planted})
	if r := i.get(i.toTracker(s, victim, victimPassword)); strings.Contains(r.to()+r.body, "eyJ") || strings.Contains(strings.Join(r.Header.Values("Set-Cookie"), ""), "eyJ") {
		t.Error("a token travels through the browser")
	}
	first := i.cookie(s.Tracker.URL, "tegata_tracker_session")
	if first == planted.Value || first == "" {
		t.Error("the planted cookie became a session")
	}
	i.get(i.toTracker(s, victim, victimPassword))
	if second := i.cookie(s.Tracker.URL, "tegata_tracker_session"); second == first {
		t.Error("a new log-in kept the old session")
	}
	old := newIntruder(t, s.Tracker.URL)
	old.client.Jar = nil
	if r := old.get("/welcome/address", "Cookie", "tegata_tracker_session="+first); r.StatusCode == http.StatusOK {
		t.Error("the session before the log-in is still alive")
	}
	if r := i.get(s.Tracker.URL + "/welcome/address"); strings.Contains(r.body, "eyJ") {
		t.Error("a page holds a token")
	}
}

// TestLogOutInOneEndsBoth: from the tracker, with everything that was given out.
func TestLogOutInOneEndsBoth(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.get(i.toTracker(s, victim, victimPassword))
	a := i.redeem("shop", i.code())
	for _, attempt := range []reply{i.get(s.Tracker.URL + "/logout"), i.post(s.Tracker.URL+"/logout", nil, "Sec-Fetch-Site", "cross-site")} {
		if attempt.StatusCode != http.StatusMethodNotAllowed && attempt.StatusCode != http.StatusForbidden {
			t.Errorf("any page can log people out: status %d", attempt.StatusCode)
		}
	}
	r := i.follow(i.post(s.Tracker.URL+"/logout", nil), s.Tracker.URL)
	if !strings.HasPrefix(r.Request.URL.String(), s.Tracker.URL+"/") || r.StatusCode != http.StatusOK {
		t.Errorf("logging out ends at %s with %d", r.Request.URL, r.StatusCode)
	}
	if r := i.get(s.Tracker.URL + "/home"); r.StatusCode == http.StatusOK {
		t.Error("still signed in at the tracker")
	}
	if r := i.get("/profile"); r.StatusCode == http.StatusOK {
		t.Error("still signed in at the provider")
	}
	if i.alive(a.Access) {
		t.Error("a token of the session is still alive")
	}
	if r := i.authorize(wish("prompt", "none")); r.query("error") != "login_required" { // oidcc-rp-initiated-logout
		t.Errorf("prompt=none after logging out: %s", r.to())
	}
}

// TestALateAnswerStartsAgain: a tab that was left open for a day is no mistake.
func TestALateAnswerStartsAgain(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	callback := i.toTracker(s, victim, victimPassword)
	s.Clock.Move(24 * time.Hour)
	if r := i.get(callback); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.to(), "/login") {
		t.Errorf("status %d to %q, want the log-in again", r.StatusCode, r.to())
	}
}
