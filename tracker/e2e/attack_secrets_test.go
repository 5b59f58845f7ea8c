package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tegata/idp/accounts"
	"tegata/idp/app"
	idptest "tegata/idp/app/apptest"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
)

// relay is a mail server that keeps what it gets.
type relay struct {
	mu   sync.Mutex
	mail map[string]string // by recipient, the newest
	to   string
}

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return r, nil }
func (r *relay) Reset()                                      {}
func (r *relay) Logout() error                               { return nil }
func (r *relay) Mail(string, *smtp.MailOptions) error        { return nil }

func (r *relay) Rcpt(to string, _ *smtp.RcptOptions) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
	return nil
}

func (r *relay) Data(from io.Reader) error {
	text, err := io.ReadAll(from)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mail[r.to] = strings.ReplaceAll(strings.ReplaceAll(string(text), "=\r\n", ""), "=3D", "=")
	return err
}

// wait gives the mail to an address.
func (r *relay) wait(t *testing.T, to string) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		text := r.mail[to]
		r.mu.Unlock()
		if text != "" {
			return text
		}
	}
	t.Fatalf("no mail to %s", to)
	return ""
}

// inProduction starts the provider as an operator does: no development, https before
// it, a key in a file, mail by a relay.
func inProduction(t *testing.T) (*siege, *relay) {
	t.Helper()
	post := &relay{mail: map[string]string{}}
	server := smtp.NewServer(post)
	l := programtest.Listen(t)
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })

	listener := programtest.Listen(t)
	inside, _ := url.Parse("http://" + listener.Addr().String())
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(inside)
		r.Out.Host = r.In.Host
		r.Out.Header["X-Forwarded-For"] = nil
		r.SetXForwarded()
	}})
	t.Cleanup(front.Close)

	s := &siege{world: &world{Clock: clock.Hold(programtest.Began)}, t: t, journal: &journal{}}
	cfg, err := app.Load(programtest.Root("configs/idp.yaml"), production(t, front.URL, l))
	if err != nil {
		t.Fatal(err)
	}
	s.IDP = idptest.Run(t, cfg, idptest.Options{Clock: s.Clock, Listener: listener, Log: s.journal.log()})
	for _, who := range []accounts.Person{
		{Email: victim, Password: victimPassword, GivenName: "Maya", FamilyName: "Lindqvist", Country: "SE", Language: "en"},
	} {
		if _, err := s.IDP.Accounts.Seed(t.Context(), []accounts.Person{who}); err != nil {
			t.Fatal(err)
		}
	}
	return s, post
}

func production(t *testing.T, address string, mail net.Listener) []string {
	t.Helper()
	dir := t.TempDir()
	key := make([]byte, 32)
	rand.Read(key)
	digest := sha256.Sum256([]byte(clientSecret))
	for name, text := range map[string]string{
		"kek": base64.StdEncoding.EncodeToString(key), "clients.yaml": "clients:" + fmt.Sprintf(moreClients, hex.EncodeToString(digest[:])),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"TEGATA_IDP_DEVELOPMENT=false", "TEGATA_IDP_PUBLIC_URL=" + address, "TEGATA_IDP_METRICS_LISTEN=", "TEGATA_IDP_PEOPLE_FILE=",
		"TEGATA_IDP_DATABASE_URL=" + dbtest.URL(t, "sqlite"), "TEGATA_IDP_KEY_ENCRYPTION_KEY_FILE=" + filepath.Join(dir, "kek"),
		"TEGATA_IDP_CLIENTS_FILE=" + filepath.Join(dir, "clients.yaml"), "TEGATA_IDP_HASHING_MEMORY_MIB=8", "TEGATA_IDP_PROXIES_TRUSTED=127.0.0.1",
		"TEGATA_IDP_MAIL_TRANSPORT=smtp", "TEGATA_IDP_MAIL_FROM=Tegata <no-reply@tegata.example>", "TEGATA_IDP_MAIL_SMTP_HOST=127.0.0.1",
		"TEGATA_IDP_MAIL_SMTP_PORT=" + programtest.Port(mail), "TEGATA_IDP_MAIL_SMTP_TLS=plain",
	}
}

func (s *siege) overTLS(t *testing.T) *intruder {
	t.Helper()
	i := newIntruder(t, s.IDP.URL)
	i.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return i
}

// TestCookiesOverHTTPS: each of them Secure, HttpOnly, SameSite, of this host alone; and
// the names without __Host- are nothing.
func TestCookiesOverHTTPS(t *testing.T) { // A-069, N-15
	s, post := inProduction(t)
	i := s.overTLS(t)
	seen := map[string]bool{}
	note := func(r reply) reply {
		for _, c := range r.Cookies() {
			if c.Name == "__Secure-tegata_state" { // the frame of OIDC Session Management §3.2 reads it; it opens nothing
				if !c.Secure || c.Path != "/oauth2/session" || c.Domain != "" {
					t.Errorf("the cookie %s", c)
				}
				continue
			}
			seen[c.Name] = true
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite < http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("the cookie %s", c)
			}
		}
		if got := r.Header.Get("Strict-Transport-Security"); !strings.Contains(got, "max-age=") {
			t.Errorf("%s: Strict-Transport-Security is %q", r.Request.URL.Path, got)
		}
		return r
	}
	note(i.post("/language", url.Values{"switch_language": {"en"}, "switch_return": {"/"}}))
	note(i.post("/signup", aSignUp("secure@example.org")))
	first := note(i.authorize(wish()))
	asked := note(i.post("/login", url.Values{"interaction": {first.query("interaction")}, "email": {victim}}))
	done := note(i.post("/login/password", url.Values{"interaction": {asked.query("interaction")}, "password": {victimPassword}}))
	if r := i.follow(done); r.query("code") == "" {
		t.Fatalf("no code: %d to %s", r.StatusCode, r.to())
	}
	for _, name := range []string{"session", "browser", "pending", "language"} {
		if !seen["__Host-tegata_"+name] {
			t.Errorf("no cookie %s was seen", name)
		}
	}
	session := i.cookie(s.IDP.URL, "__Host-tegata_session")
	bare := s.overTLS(t)
	bare.client.Jar = nil
	for _, planted := range []string{"tegata_session=" + session, "__host-tegata_session=" + session, " __Host-tegata_session=x; tegata_session=" + session} {
		if r := bare.get("/profile", "Cookie", planted); r.StatusCode == http.StatusOK { // a sibling host can plant these
			t.Errorf("the cookie %.30s… counts", planted)
		}
	}
	text := post.wait(t, "secure@example.org")
	if !strings.Contains(text, s.IDP.URL+"/activate?token=") || strings.Contains(text, "http://") {
		t.Errorf("the mail leads elsewhere:\n%s", text)
	}
	for _, path := range []string{"/dev/postbox", "/dev/postbox.json", "/metrics", "/debug/pprof/"} {
		if r := i.get(path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, r.StatusCode)
		}
	}
}

// TestErrorsTellTheirNumberAndNothingElse: a panic and a broken table, in production.
func TestErrorsTellTheirNumberAndNothingElse(t *testing.T) { // A-171, F-37
	s, _ := inProduction(t)
	i := s.overTLS(t)
	i.logIn("", victim, victimPassword)
	quiet := &silent{TB: t}
	i.t = quiet
	check := func(what string, r reply) {
		t.Helper()
		id := r.Header.Get("X-Request-Id")
		if r.StatusCode != http.StatusInternalServerError || id == "" || !strings.Contains(r.body, id) || !strings.Contains(r.body, "<h1>") {
			t.Errorf("%s: status %d, want the 500 page with its request id %q", what, r.StatusCode, id)
		}
		for _, word := range []string{"panic", "runtime", "nil pointer", "goroutine", ".go", "sqlite", "SQL", "no such table", "select", "/home", "/work", "tegata/"} {
			if strings.Contains(r.body, word) {
				t.Errorf("%s: the page says %q", what, word)
			}
		}
		if !strings.Contains(s.journal.String(), id) {
			t.Errorf("%s: the log does not know request %s", what, id)
		}
	}
	notify := s.IDP.Accounts.Notify
	s.IDP.Accounts.Notify = nil
	check("a panic", i.post("/signup", aSignUp("panic@example.org")))
	s.IDP.Accounts.Notify = notify
	if r := i.post("/signup", aSignUp("after@example.org")); r.StatusCode != http.StatusSeeOther {
		t.Errorf("the next request: status %d", r.StatusCode)
	}
	s.rename(t, "accounts", "lost")
	check("no accounts, at sign-up", s.quietly(t, quiet).post("/signup", aSignUp("lost@example.org")))
	check("no accounts, on the profile", i.get("/profile"))
	s.rename(t, "lost", "accounts")
	s.rename(t, "sessions", "lost")
	check("no sessions: nobody is made a stranger", i.get("/profile"))
	s.rename(t, "lost", "sessions")
	if r := i.get("/profile"); r.StatusCode != http.StatusOK {
		t.Errorf("after the repair: status %d", r.StatusCode)
	}
	if strings.Contains(s.journal.String(), "Zebra-crossing") {
		t.Error("the password stands in the log of the panic")
	}
}

func (s *siege) rename(t *testing.T, from, to string) {
	t.Helper()
	if _, err := s.IDP.DB.Exec(context.Background(), `alter table `+from+` rename to `+to); err != nil {
		t.Fatal(err)
	}
}

// silent is a test that expects answers that are wrong elsewhere.
type silent struct{ testing.TB }

func (silent) Errorf(string, ...any) {}

func (s *siege) quietly(t *testing.T, quiet testing.TB) *intruder {
	i := s.overTLS(t)
	i.t = quiet
	return i
}

// TestTheLogHoldsNoSecret: everything both programs log of a sign-up, a log-in, a code
// flow and its refusals, at the finest level.
func TestTheLogHoldsNoSecret(t *testing.T) { // A-166 and the harness' global oracle
	s := besiege(t, "sqlite")
	secrets := map[string]string{"a password": aSignUp("").Get("password"), "the victim's password": victimPassword, "the client's secret": clientSecret, "the verifier": verifier}
	m := s.signUp(t, "logged@example.org")
	secrets["the activation token"], secrets["the typed code"] = m.token, m.code
	m.who.get("/activate?token=" + m.token)
	m.who.get("/activate?token=" + m.token + "x")
	m.who.post("/activate", url.Values{"token": {m.token}})
	m.who.post("/activate", url.Values{"token": {m.token}})
	m.who.typePassword("", "logged@example.org", "a wrong Password 1")
	secrets["a wrong password"] = "a wrong Password 1"
	m.who.logIn("", "logged@example.org", secrets["a password"])
	m.who.post("/login", url.Values{"email": {"typed-Password-77 in the wrong field"}})
	secrets["a password in the wrong field"] = "typed-Password-77"

	callback := m.who.toTracker(s, "logged@example.org", secrets["a password"])
	secrets["the tracker's code"], secrets["the tracker's state"] = query(t, callback, "code"), query(t, callback, "state")
	m.who.get(changed(t, callback, "code", "x.y", "iss", "https://evil.test"))
	m.who.get(callback)
	m.who.get(callback)
	m.who.get(s.Tracker.URL + "/welcome/address")

	code := m.who.code("scope", "openid offline_access", "prompt", "consent")
	a := m.who.redeem("shop", code)
	m.who.alive(a.Access)
	m.who.alive(a.Access + "x")
	b := m.who.token("shop", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh}})
	m.who.token("shop", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh}})
	m.who.redeem("shop", code)
	m.who.redeem("library", m.who.code())
	m.who.get("/oauth2/logout?" + url.Values{"id_token_hint": {a.ID + "x"}}.Encode())
	m.who.get("/oauth2/userinfo?access_token=" + a.Access)
	secrets["a code"], secrets["an access token"], secrets["a refresh token"], secrets["an ID token"], secrets["the next refresh token"] = code, a.Access, a.Refresh, a.ID, b.Refresh
	for _, home := range []string{s.IDP.URL, s.Tracker.URL} {
		for _, name := range []string{"tegata_session", "tegata_browser", "tegata_pending", "tegata_tracker_session", "tegata_tracker_browser"} {
			secrets["the cookie "+name+" of "+home] = m.who.cookie(home, name)
		}
	}
	m.who.post("/logout", nil)
	log := s.journal.String()
	if strings.Count(log, "\n") < 30 {
		t.Fatalf("the journal is nearly empty:\n%s", log)
	}
	for name, text := range secrets {
		parts := strings.Split(text, ".")
		if half := parts[len(parts)-1]; len(half) >= 16 { // id.secret: the id may be told
			text = half
		}
		if text != "" && (strings.Contains(log, text) || strings.Contains(log, url.QueryEscape(text))) {
			at := strings.Index(log, text)
			t.Errorf("the log holds %s:\n%s", name, log[max(0, at-200):min(len(log), max(0, at)+100)])
		}
	}
	for _, word := range []string{"eyJ", "argon2", "token=", "password=", "client_assertion=", "PRIVATE KEY"} {
		if at := strings.Index(log, word); at >= 0 {
			t.Errorf("the log holds %q: %s", word, log[max(0, at-200):min(len(log), at+100)])
		}
	}
	s.keptInTheOpen(t, secrets)
}

// keptInTheOpen looks into the provider's database file for what must only be there as
// a digest or sealed.
func (s *siege) keptInTheOpen(t *testing.T, secrets map[string]string) {
	t.Helper()
	path := strings.TrimPrefix(s.IDP.Config.Database.URL.Reveal(), "sqlite:")
	for _, file := range []string{path, path + "-wal"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range secrets {
			if strings.HasPrefix(name, "the activation") || strings.HasPrefix(name, "the typed") || text == "" {
				continue // the development postbox shows mails as they were sent
			}
			if strings.HasPrefix(name, "the tracker's state") || strings.Contains(name, s.Tracker.URL) {
				continue // states travel through the interaction's request; the other cookies are not ours
			}
			parts := strings.Split(text, ".")
			if strings.Contains(string(raw), parts[len(parts)-1]) {
				t.Errorf("%s keeps %s in the open", filepath.Base(file), name)
			}
		}
	}
}
