package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/shared/browser"
)

// aSignUp is a complete sign-up form; pairs change it.
func aSignUp(email string, pairs ...string) url.Values {
	return with(url.Values{
		"email": {email}, "password": {"Zebra-crossing 77"}, "given_name": {"Ada"}, "family_name": {"Nakamura"}, "country": {"JP"},
	}, pairs...)
}

// mailed is a sign-up whose mail has arrived.
type mailed struct {
	who         *intruder
	token, code string
}

// signUp signs somebody up and reads the mail.
func (s *siege) signUp(t *testing.T, email string) mailed {
	t.Helper()
	i := s.intruder(t)
	if r := i.post("/signup", aSignUp(email)); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-up of %s: status %d\n%.600s", email, r.StatusCode, r.body)
	}
	return s.newest(t, i, email)
}

// newest reads the newest mail to an address.
func (s *siege) newest(t *testing.T, who *intruder, email string) mailed {
	t.Helper()
	letter := s.IDP.Mail(t, email)
	_, token, _ := strings.Cut(letter.Links[0], "token=")
	return mailed{who, token, letter.Code}
}

func (s *siege) state(t *testing.T, email string) accounts.State {
	t.Helper()
	a, err := s.IDP.Accounts.ByEmail(context.Background(), email)
	if err != nil {
		return ""
	}
	return a.State
}

// TestAKnownAddressLooksLikeAFreshOne at sign-up, on the page after it and when the
// mail is asked for again. SAME(known, waiting, unknown): with the number of password
// hashes in the place of the clock, which machines of two cores cannot read well.
func TestAKnownAddressLooksLikeAFreshOne(t *testing.T) { // A-081, S-025
	s := besiege(t, "sqlite")
	s.signUp(t, "waiting@example.org")
	paths := func(email string) []string {
		i := s.intruder(t)
		before := s.IDP.Hasher.Computed()
		seen := []string{
			look(i.post("/signup", aSignUp(email)), email), look(i.get("/signup/sent"), email),
			look(i.post("/signup/sent", url.Values{"code": {"00000000"}}), email),
			look(i.post("/signup/sent", url.Values{"code": {"x"}}), email),
			look(i.post("/signup/sent", url.Values{"action": {"resend"}}), email), look(i.get("/signup/sent?again=1"), email),
		}
		return append(seen, fmt.Sprint("hashes: ", s.IDP.Hasher.Computed()-before))
	}
	want := paths(stranger)
	for _, email := range []string{victim, "waiting@example.org", "MAYA.Lindqvist@EXAMPLE.com"} {
		for n, got := range paths(email) {
			if got != want[n] {
				t.Errorf("step %d of %s differs from that of a stranger:\n%s\n---\n%s", n, email, got, want[n])
			}
		}
	}
	for _, email := range []string{victim, stranger} { // both get mail
		s.IDP.Mail(t, email)
	}
	if letter := s.IDP.Mail(t, victim); strings.Contains(letter.Text, "token=") || letter.Code != "" {
		t.Errorf("a stranger can make the victim activate something:\n%s", letter.Text)
	}
}

// random is what differs between any two answers.
var random = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[A-Za-z0-9_-]+)?|<code[^>]*>[a-z0-9]+</code>|[A-Za-z0-9_-]{26,}|\b[a-z0-9]{16}\b`)

// look is everything a client sees of an answer, but for dates, random ids and the
// address it sent itself.
func look(r reply, email string) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.StatusCode)
	for _, name := range []string{"Location", "Set-Cookie", "Content-Type", "Cache-Control", "Retry-After", "Vary", "Content-Security-Policy", "Content-Language", "Www-Authenticate"} {
		fmt.Fprintln(&b, name, strings.Join(r.Header.Values(name), " | "))
	}
	fmt.Fprintln(&b, len(r.Header), r.body)
	text := random.ReplaceAllString(b.String(), "·")
	for _, spelling := range []string{email, strings.ToLower(email)} {
		text = strings.ReplaceAll(text, spelling, "ADDRESS")
	}
	return text
}

// TestMailScannersActivateNothing: HEAD and GET as often as they like, also with script,
// from any site; then the person finds the link as it was.
func TestMailScannersActivateNothing(t *testing.T) {
	s := besiege(t, "sqlite")
	m := s.signUp(t, "scanned@example.org")
	link := "/activate?token=" + m.token
	scanner := s.intruder(t)
	for range 3 {
		for _, method := range []string{"HEAD", "GET", "OPTIONS"} {
			scanner.send(method, link, nil, "User-Agent", "Mozilla/5.0 (safe links)")
		}
	}
	robot := browser.Chromium(t, browser.Options{Script: true, Language: "en"})
	robot.Visit(s.IDP.URL + link).Title("Activate your account")
	for name, header := range map[string][]string{
		"another site": {"Sec-Fetch-Site", "cross-site"}, "no site": {"Sec-Fetch-Site", "", "Origin", "null"}, "another origin": {"Sec-Fetch-Site", "", "Origin", "https://evil.test"},
	} {
		if r := scanner.post("/activate", url.Values{"token": {m.token}}, header...); r.StatusCode != http.StatusForbidden {
			t.Errorf("post of %s: status %d, want 403", name, r.StatusCode)
		}
	}
	if got := s.state(t, "scanned@example.org"); got != accounts.Pending {
		t.Fatalf("the account is %s before anybody pressed the button", got)
	}
	done := scanner.post("/activate", url.Values{"token": {m.token}})
	if done.StatusCode != http.StatusSeeOther || scanner.cookie(s.IDP.URL, "tegata_session") != "" {
		t.Errorf("the button: status %d; the link must never log anybody in", done.StatusCode)
	}
	for range 2 { // friendly when repeated
		if r := scanner.post("/activate", url.Values{"token": {m.token}}); r.StatusCode != http.StatusOK || r.to() != "" {
			t.Errorf("pressed again: status %d to %q, want the page that says so", r.StatusCode, r.to())
		}
	}
}

// TestOfManyActivationsOneProves: the link, the code, and both at once.
func TestOfManyActivationsOneProves(t *testing.T) { // A-087, ONE(20)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			for round := range 3 {
				email := fmt.Sprintf("racer%d@example.org", round)
				m := s.signUp(t, email)
				m.who.get("/signup/sent")
				pending := []string{"Cookie", "tegata_pending=" + m.who.cookie(s.IDP.URL, "tegata_pending")}
				bare := newIntruder(t, s.IDP.URL)
				bare.client.Jar = nil
				var n atomic.Int64
				won := race(20, func() bool {
					var r reply
					if nth := n.Add(1); round == 1 || round == 2 && nth%2 == 0 {
						r = bare.post("/signup/sent", url.Values{"code": {m.code}}, pending...)
					} else {
						r = bare.post("/activate", url.Values{"token": {m.token}})
					}
					return r.StatusCode == http.StatusSeeOther
				})
				proofs := s.count(t, "account.proved")
				if got := s.state(t, email); got != accounts.Proved || proofs != round+1 || won < 1 {
					t.Errorf("round %d: account %s after %d wins, proved %d times in all, want once each", round, got, won, proofs)
				}
			}
		})
	}
}

func (s *siege) count(t *testing.T, action string) int {
	t.Helper()
	events, err := s.IDP.Audit.Tail(context.Background(), 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Action == action {
			n++
		}
	}
	return n
}

// TestOnlyTheNewestLinkWorksForSevenDays: to the second, and nobody else's.
func TestOnlyTheNewestLinkWorksForSevenDays(t *testing.T) { // A-087, S-034, K-08
	s := besiege(t, "sqlite")
	first := s.signUp(t, "late@example.org")
	first.who.post("/signup/sent", url.Values{"action": {"resend"}})
	for len(s.IDP.Mails(t, "late@example.org")) < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	second := s.newest(t, first.who, "late@example.org")
	press := func(token string) bool {
		return first.who.post("/activate", url.Values{"token": {token}}).StatusCode == http.StatusSeeOther
	}
	other := s.signUp(t, "other@example.org")
	halves := strings.Split(second.token, ".")
	for name, token := range map[string]string{
		"the older of two": first.token, "another secret": halves[0] + "." + strings.Split(other.token, ".")[1],
		"a letter less": second.token[:len(second.token)-1], "only the id": halves[0], "upper case": strings.ToUpper(second.token),
		"nothing": "", "a NUL": second.token + "\x00", "a space": second.token + " ",
	} {
		if press(token) {
			t.Errorf("%s works", name)
		}
	}
	s.Clock.Move(7*24*time.Hour - time.Second)
	if r := first.who.get("/activate?token=" + second.token); !strings.Contains(r.body, `id="activate"`) {
		t.Error("a second before its end the link has no button")
	}
	s.Clock.Move(time.Second)
	if press(second.token) || s.state(t, "late@example.org") != accounts.Pending {
		t.Error("after seven days the link still works")
	}
}

// TestNobodySetsWhatIsNotInTheForm: extra fields, as form, nested and in the query.
func TestNobodySetsWhatIsNotInTheForm(t *testing.T) {
	s := besiege(t, "sqlite")
	form := aSignUp("mass@example.org")
	for _, name := range []string{
		"state", "email_verified", "proved_at", "activated_at", "role", "admin", "id", "sub", "subject", "username", "legacy_id", "mfa",
		"account[state]", "account.state", "State", "language", "zone", "nickname", "terms",
	} {
		form.Set(name, "active")
	}
	i := s.intruder(t)
	if r := i.post("/signup?state=active&email=evil@example.org&country=US", form); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", r.StatusCode)
	}
	a, err := s.IDP.Accounts.ByEmail(context.Background(), "mass@example.org")
	if err != nil || a.State != accounts.Pending || a.ProvedAt != nil || a.ActivatedAt != nil || a.Username != "" || a.LegacyID != "" ||
		a.Nickname != "" || a.Country != "JP" || a.Language != "en" || a.Zone != "Asia/Tokyo" || a.Subject == "active" || a.ID == "active" {
		t.Errorf("the account is %+v (%v)", a, err)
	}
	if s.state(t, "evil@example.org") != "" {
		t.Error("the query made an account")
	}
	if r := i.typePassword("", "mass@example.org", "Zebra-crossing 77"); r.StatusCode == http.StatusSeeOther {
		t.Error("somebody who proved nothing is logged in")
	}
}

// TestManySignUpsOfOneAddressAreOne: in any spelling, at once, on both databases.
func TestManySignUpsOfOneAddressAreOne(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind, accounts.DefaultRules())
			s.IDP.Hasher.Wait = time.Minute // all 20 shall get through
			i := s.intruder(t)
			won := race(20, func() bool {
				r := i.post("/signup", aSignUp("Twice@Example.org"))
				if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.to(), "/signup/sent") {
					t.Errorf("one of them sees status %d to %q", r.StatusCode, r.to())
				}
				return r.StatusCode == http.StatusSeeOther
			})
			s.IDP.Mail(t, "twice@example.org")
			if mails := len(s.IDP.Mails(t, "twice@example.org")); won != 20 || mails != 1 {
				t.Errorf("%d sign-ups went well and %d mails came, want 20 and 1", won, mails)
			}
		})
	}
}

// TestNobodyBombsAMailbox: a thousand wishes, five mails.
func TestNobodyBombsAMailbox(t *testing.T) {
	rules := accounts.DefaultRules()
	rules.SignUpPlace, rules.ResendPlace = wide().SignUpPlace, wide().ResendPlace // as from a thousand places
	s := besiege(t, "sqlite", rules)
	i := s.intruder(t)
	first := look(i.post("/signup", aSignUp("bombed@example.org")), "bombed@example.org")
	for range 60 {
		s.Clock.Move(time.Minute)
		if got := look(i.post("/signup", aSignUp("bombed@example.org")), "bombed@example.org"); got != first {
			t.Fatalf("the answer changes:\n%s\n---\n%s", got, first)
		}
		i.post("/signup/sent", url.Values{"action": {"resend"}})
	}
	s.IDP.Mail(t, "bombed@example.org")
	if n := len(s.IDP.Mails(t, "bombed@example.org")); n > 6 { // 5 in any hour; this was one hour and a minute
		t.Errorf("%d mails in an hour, want at most 5", n)
	}
}

// TestTypedCodesRunOut: five tries for a mail, and a new mail gives no new ones beyond
// the day's twenty.
func TestTypedCodesRunOut(t *testing.T) {
	s := besiege(t, "sqlite", accounts.DefaultRules())
	m := s.signUp(t, "typed@example.org")
	tried := 0
	for range 40 {
		r := m.who.post("/signup/sent", url.Values{"code": {"00000000"}})
		if r.StatusCode == http.StatusForbidden {
			tried++
		}
		if r.StatusCode == http.StatusTooManyRequests {
			s.Clock.Move(61 * time.Second)
			m.who.post("/signup/sent", url.Values{"action": {"resend"}})
		}
	}
	if tried > 20 {
		t.Errorf("%d codes were compared in a day, want at most 20", tried)
	}
	if r := m.who.post("/signup/sent", url.Values{"code": {m.code}}); r.StatusCode == http.StatusSeeOther {
		t.Error("the code of the first mail still works")
	}
}

// TestAMailNamesOnlyItsReader: nothing of the form reaches another inbox or a header.
func TestAMailNamesOnlyItsReader(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	for _, email := range []string{
		"a＠evil@ok.example", `"a@evil.example"@ok.example`, "a@ok.example(@evil.example)", "a@ok.example\x00", "a@ok.example\r\nBcc: b@evil.example",
		"<a@ok.example>", "a@ok.example,b@evil.example", "a@ok.example;b@evil.example", "a@ok.example b@evil.example", "a@ok.example%0aBcc:b@evil.example",
		"a@[127.0.0.1]", "a@localhost", "a@ok", "@ok.example", "a@", "a@ok..example", "a@-ok.example", ".a@ok.example", "a@ok.example.", "a b@ok.example",
		"mıke@example.com", "mi\u212ae@example.com", "mike@example\u212a.com", "maya.lindqvist＠example.com", "maya\u200b.lindqvist@example.com", "maya.lindqvist@example。com",
	} {
		if r := i.post("/signup", aSignUp(email)); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: status %d, want 400", email, r.StatusCode)
		}
		if r := i.post("/login", url.Values{"email": {email}}); r.StatusCode != http.StatusBadRequest {
			t.Errorf("log-in of %q: status %d, want 400", email, r.StatusCode)
		}
	}
	two := aSignUp("one@example.org")
	two.Add("email", "two@example.org")
	two.Set("email[]", "three@example.org")
	i.post("/signup", two)
	i.post("/signup", aSignUp("named@example.org", "given_name", "Bcc Evil-example", "family_name", "Http' Www.evil.example"))
	letter := s.IDP.Mail(t, "named@example.org")
	if all := letter.Subject + letter.Text + letter.HTML; strings.Contains(strings.ToLower(all), "evil") {
		t.Errorf("what a stranger typed stands in the mail:\n%s", letter.Text)
	}
	if rows, err := s.IDP.Outbox.List(context.Background(), "", 100); err != nil || len(rows) != 2 {
		t.Errorf("%d mails (%v), want one for each of two sign-ups", len(rows), err)
	}
}
