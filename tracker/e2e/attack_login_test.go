package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/accounts"
)

// TestALogInTellsNothingAboutAnAddress: unknown, wrong password, not proved, stopped.
// SAME, with the number of password hashes in the place of the clock.
func TestALogInTellsNothingAboutAnAddress(t *testing.T) {
	s := besiege(t, "sqlite")
	s.signUp(t, "unproved@example.org")
	s.signUp(t, "held@example.org")
	s.signUp(t, "gone@example.org")
	s.put(t, "held@example.org", accounts.OnHold)
	s.put(t, "gone@example.org", accounts.Disabled)
	right := aSignUp("").Get("password")
	path := func(email, password string) string {
		i := s.intruder(t)
		before := s.IDP.Hasher.Computed()
		first := i.post("/login", url.Values{"email": {email}})
		form := i.get(first.to())
		last := i.post("/login/password", url.Values{"interaction": {first.query("interaction")}, "password": {password}})
		if i.cookie(s.IDP.URL, "tegata_session") != "" {
			t.Errorf("%s has a session", email)
		}
		return look(first, email) + look(form, email) + look(last, email) + fmt.Sprint("hashes: ", s.IDP.Hasher.Computed()-before)
	}
	want := path(stranger, right)
	if !strings.HasSuffix(want, "hashes: 1") {
		t.Errorf("a stranger costs %s", want[len(want)-10:])
	}
	for name, c := range map[string][2]string{
		"wrong password": {victim, right}, "other spelling": {"MAYA.lindqvist@Example.COM", right},
		"not proved": {"unproved@example.org", right}, "on hold": {"held@example.org", right}, "disabled": {"gone@example.org", right},
		"endless password": {victim, strings.Repeat("x", 5000)}, "password of another script": {victim, "パスワード"}, "broken UTF-8": {victim, "\xff\xfe\x00"},
	} {
		if got := path(c[0], c[1]); got != want {
			t.Errorf("%s differs from a stranger:\n%s\n---\n%s", name, got, want)
		}
	}
}

// put changes how an account stands, as a command of the operator will.
func (s *siege) put(t *testing.T, email string, state accounts.State) {
	t.Helper()
	if n, err := s.IDP.DB.Exec(context.Background(), `update accounts set state = $2 where email = $1`, email, string(state)); err != nil || n != 1 {
		t.Fatalf("%s: %d rows (%v)", email, n, err)
	}
}

// TestAStoppedAccountIsOutAtOnce: with its session, its tokens and its password.
func TestAStoppedAccountIsOutAtOnce(t *testing.T) {
	for _, state := range []accounts.State{accounts.OnHold, accounts.Disabled, accounts.Pending} {
		t.Run(string(state), func(t *testing.T) {
			s := besiege(t, "sqlite")
			i := s.intruder(t)
			i.logIn("", victim, victimPassword)
			a, code := i.redeem("shop", i.code()), i.code()
			s.put(t, victim, state)
			if r := i.get("/profile"); r.StatusCode == http.StatusOK {
				t.Error("the session still opens the profile")
			}
			if r := i.follow(i.authorize(wish())); r.query("code") != "" || !strings.HasPrefix(r.Request.URL.Path, "/login") {
				t.Errorf("a stopped account ends at %s with %d to %s, want the log-in", r.Request.URL, r.StatusCode, r.to())
			}
			if r := i.authorize(wish("prompt", "none")); r.query("error") != "login_required" {
				t.Errorf("prompt=none: %s", r.to())
			}
			if b := i.redeem("shop", code); b.Access != "" {
				t.Error("a code of before still gives tokens")
			}
			if i.alive(a.Access) {
				t.Error("its access token is still alive")
			}
			if r := i.typePassword("", victim, victimPassword); r.StatusCode == http.StatusSeeOther {
				t.Errorf("it can log in again: sent to %s", r.to())
			}
		})
	}
}

// TestGuessesAreCounted: one counter for every spelling, also beside each other, and
// whatever the browser says of where it is.
func TestGuessesAreCounted(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind, accounts.DefaultRules())
			s.IDP.Hasher.Wait = time.Minute
			spellings := []string{victim, strings.ToUpper(victim), " " + victim + " "}
			before := s.IDP.Hasher.Computed()
			var n atomic.Int64
			conversations := make(chan *intruder, 60)
			ids := map[*intruder]string{}
			for k := range 60 {
				i := s.intruder(t)
				ids[i] = i.post("/login", url.Values{"email": {spellings[k%3]}}).query("interaction")
				conversations <- i
			}
			race(60, func() bool {
				i := <-conversations
				r := i.post("/login/password", url.Values{"interaction": {ids[i]}, "password": {"wrong"}},
					"X-Forwarded-For", fmt.Sprintf("10.0.0.%d", n.Add(1)), "X-Real-Ip", "127.0.0.1", "Forwarded", "for=127.0.0.1", "True-Client-Ip", "10.9.9.9")
				if r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusTooManyRequests {
					t.Errorf("status %d, want 403 or 429", r.StatusCode)
				}
				return true
			})
			if got, most := s.IDP.Hasher.Computed()-before, int64(accounts.DefaultRules().GuessPair.Burst); got != most {
				t.Errorf("%d of 60 guesses were evaluated, want %d", got, most)
			}
			i := s.intruder(t)
			if r := i.typePassword("", victim, victimPassword); r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
				t.Errorf("the right password now: status %d, want 429 with a time", r.StatusCode)
			}
			s.Clock.Move(time.Hour)
			i.logIn("", victim, victimPassword) // nobody is locked out for good
		})
	}
}

// TestUnknownAddressesAreCountedTheSame: 429 must not tell who has an account.
func TestUnknownAddressesAreCountedTheSame(t *testing.T) {
	s := besiege(t, "sqlite", accounts.DefaultRules())
	statuses := func(email string) (all []int) {
		i := s.intruder(t)
		for range 12 {
			all = append(all, i.typePassword("", email, "wrong").StatusCode)
		}
		return all
	}
	if known, unknown := fmt.Sprint(statuses(victim)), fmt.Sprint(statuses(stranger)); known != unknown {
		t.Errorf("known %s, unknown %s", known, unknown)
	}
}

// TestALogInIsANewSession: what was planted before, or belonged to somebody else on the
// same computer, is worth nothing after it.
func TestALogInIsANewSession(t *testing.T) {
	s := besiege(t, "sqlite")
	x := s.intruder(t)
	x.logIn("", attacker, attackerPassword)
	theirs := x.cookie(s.IDP.URL, "tegata_session")
	v := s.intruder(t)
	home, _ := url.Parse(s.IDP.URL)
	v.jar.SetCookies(home, []*http.Cookie{{Name: "tegata_session", Value: theirs, Path: "/"}}) // planted
	v.logIn(v.authorize(wish("prompt", "login")).query("interaction"), victim, victimPassword)
	mine := v.cookie(s.IDP.URL, "tegata_session")
	if mine == theirs || strings.Split(mine, ".")[0] == strings.Split(theirs, ".")[0] {
		t.Error("the victim goes on in the attacker's session")
	}
	if r := x.get("/profile"); r.StatusCode == http.StatusOK && strings.Contains(r.body, victim) {
		t.Error("the attacker sees the victim's profile")
	}
	v.logIn(v.authorize(wish("prompt", "login")).query("interaction"), victim, victimPassword)
	if again := v.cookie(s.IDP.URL, "tegata_session"); again == mine {
		t.Error("a second log-in keeps the token")
	}
	bare := newIntruder(t, s.IDP.URL)
	bare.client.Jar = nil
	for name, token := range map[string]string{"the token before the log-in": mine, "its id with another secret": strings.Split(mine, ".")[0] + ".AAAAAAAAAAAAAAAAAAAAAAAAAA", "nothing": "", "NUL": "%00"} {
		if r := bare.get("/profile", "Cookie", "tegata_session="+token); r.StatusCode == http.StatusOK {
			t.Errorf("%s opens the profile", name)
		}
	}
}

// TestAskingForAFreshLogInCannotBeCancelled: prompt=login and max_age=0 hold through
// every way back.
func TestAskingForAFreshLogInCannotBeCancelled(t *testing.T) { // A-065, CVE-2023-6787, oidcc-prompt-login, oidcc-max-age-1
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	for _, demand := range [][]string{{"prompt", "login"}, {"max_age", "0"}, {"prompt", "select_account"}} {
		id := i.authorize(wish(demand...)).query("interaction")
		for _, path := range []string{"/oauth2/authorize", "/login", "/login/password", "/consent", "/terms/accept", "/profile"} {
			if r := i.follow(i.get(path + "?interaction=" + id)); r.query("code") != "" {
				t.Errorf("%v: %s gives a code without a log-in", demand, path)
			}
		}
		i.decides(id, "allow")
		if r := i.typePassword(id, victim, "wrong"); r.StatusCode != http.StatusForbidden {
			t.Errorf("%v: a wrong password gives %d", demand, r.StatusCode)
		}
		if r := i.get("/oauth2/authorize?interaction=" + id); r.query("code") != "" {
			t.Errorf("%v: a wrong password is enough", demand)
		}
		if r := i.follow(i.logIn(id, victim, victimPassword)); r.query("code") == "" {
			t.Errorf("%v: the right one is not: %s", demand, r.to())
		}
	}
}

// TestAClientOfAnotherIsAskedAbout: consent for one client is none for the next, and
// public ones are asked about each time.
func TestAClientOfAnotherIsAskedAbout(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.logIn("", victim, victimPassword)
	rival := func(pairs ...string) url.Values {
		return wish(append([]string{"client_id", "rival", "redirect_uri", "https://evil.test/cb"}, pairs...)...)
	}
	asked := func(q url.Values) string {
		r := i.authorize(q)
		if !strings.HasPrefix(r.to(), "/consent") {
			t.Errorf("%s is sent to %s, want consent", q.Get("client_id"), r.to())
		}
		return r.query("interaction")
	}
	id := asked(rival())
	for _, decision := range []string{"", "yes", "ALLOW", "allow "} {
		if r := i.decides(id, decision); r.StatusCode != http.StatusBadRequest {
			t.Errorf("decision %q: status %d, want 400", decision, r.StatusCode)
		}
	}
	i.follow(i.decides(id, "allow"))
	asked(rival("scope", "openid email profile"))
	asked(wish("client_id", "phone", "redirect_uri", "http://127.0.0.1:5000/cb"))
	i.follow(i.decides(asked(wish("client_id", "phone", "redirect_uri", "http://127.0.0.1:5000/cb")), "allow"))
	asked(wish("client_id", "phone", "redirect_uri", "http://127.0.0.1:5000/cb"))
	if r := i.authorize(rival("prompt", "none", "scope", "openid profile email")); r.query("error") == "" {
		t.Errorf("prompt=none beyond what was allowed: %s", r.to())
	}
}
