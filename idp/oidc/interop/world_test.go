package interop_test

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/app/apptest"
	"tegata/shared/browser"
	"tegata/shared/clock"
	"tegata/shared/program/programtest"
	"tegata/shared/secret"
)

// The person who logs in, from testdata/people.yaml.
const (
	email    = "maya.lindqvist@example.com"
	password = "brisk Walnut, 4 kites"
)

// The client that every partner is, but for what it says in its own file. Blanks and
// signs in the secret show whether both sides encode it alike (RFC 6749 §2.3.1).
const (
	clientID     = "partner"
	clientSecret = "s3cret +/%&=:~é"
)

// saw is what a partner tells at its callback: what its own library took for true.
type saw struct {
	Sub       string         `json:"sub"`
	Issuer    string         `json:"iss"`
	Email     string         `json:"email"`
	Name      string         `json:"name"`
	IDToken   string         `json:"id_token"` // as it came; the library has checked it
	Alg       string         `json:"-"`        // of the ID token
	Userinfo  map[string]any `json:"userinfo"` // as it came
	Refresh   bool           `json:"refreshed"`
	Signed    bool           `json:"signed"`     // the answer came as a JWT (JARM)
	Nonces    bool           `json:"nonces"`     // the provider asked for its nonces in proofs
	TokenType string         `json:"token_type"` // of the access token, where the library tells
	Revoked   bool           `json:"revoked"`
	Refused   string         `json:"error"` // what the library complains about
}

// world is a provider that knows one partner.
type world struct {
	t      testing.TB
	idp    *apptest.IDP
	clock  *clock.Held
	person accounts.Account
	port   string
	site   string // of the partner, without a slash at its end
	secret string // "" for a public client
}

// start runs the provider. lines are what the partner's registration has besides
// addresses and a secret, in the words of configs/clients.yaml.
func start(t testing.TB, lines ...string) *world {
	t.Helper()
	return startAs(t, quirks{}, lines...)
}

// quirks is what some partners need otherwise; a zero means as everybody.
type quirks struct {
	secret    string   // clientSecret
	callback  string   // "/callback"
	port      string   // of the partner; "" is a free one
	settings  []string // of the provider, as in its environment
	resources string   // what the clients file has besides the partner
}

// startAs is start for a partner with quirks.
func startAs(t testing.TB, q quirks, lines ...string) *world {
	t.Helper()
	q.secret, q.callback = cmp.Or(q.secret, clientSecret), cmp.Or(q.callback, "/callback")
	if q.port == "" {
		q.port = freePort(t)
	}
	w := &world{t: t, clock: clock.Hold(time.Now()), port: q.port, secret: q.secret}
	w.site = "http://127.0.0.1:" + w.port // another site than the provider's localhost
	w.idp = apptest.Start(t, apptest.Options{Clock: w.clock, Clients: w.registration(q.callback, lines) + q.resources, Settings: q.settings})
	var err error
	if w.person, err = w.idp.Accounts.ByEmail(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) registration(callback string, lines []string) string {
	all := append([]string{
		"client_name: {en: The Partner, ja: パートナー}",
		"redirect_uris: [" + w.site + callback + "]",
		"post_logout_redirect_uris: [" + w.site + "/bye]",
	}, lines...)
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "token_endpoint_auth_method:") }) {
		w.secret = "" // public, or with a key
	}
	if w.secret != "" {
		all = append(all, "client_secret_digests: ["+hex.EncodeToString(secret.Digest(w.secret))+"]")
	}
	return "clients:\n  - client_id: " + clientID + "\n    " + strings.Join(all, "\n    ") + "\n"
}

// logIn goes through a first log-in at the partner, consent included, and ends where
// the partner wants to be.
func (w *world) logIn(p *browser.Person) {
	w.t.Helper()
	w.clock.Set(time.Now()) // software of others tells the time by itself
	p.Visit(w.site + "/login")
	w.prove(p)
}

// prove answers what the provider asks, from the address to the consent.
func (w *world) prove(p *browser.Person) {
	w.t.Helper()
	w.asked(p).Press("Approve")
}

// asked goes as far as the question for consent.
func (w *world) asked(p *browser.Person) *browser.Person {
	w.t.Helper()
	p.Sees("The Partner").Fill("Email address", email).Press("Next")
	p.Fill("Password", password).Press("Log in")
	return p.Sees("The Partner", "asks for")
}

// refuse has somebody deny the consent: the partner hears of it, with what it takes for
// a genuine answer.
func (w *world) refuse() {
	w.t.Helper()
	p := browser.InProcess(w.t, browser.Options{Language: "en"})
	w.clock.Set(time.Now())
	w.asked(p.Visit(w.site + "/login")).Press("Deny").At(w.site)
	if !strings.Contains(p.HTML(), "access_denied") {
		w.t.Errorf("when the consent is denied, the partner says %q", p.Text())
	}
}

// meet is what every partner has to do: understand a refusal, log somebody in, read the
// ID token and userinfo, log out, and not know the person afterwards.
func (w *world) meet(want saw) {
	w.t.Helper()
	w.refuse()
	w.welcome(want)
}

// welcome is meet without the refusal.
func (w *world) welcome(want saw) {
	w.t.Helper()
	p := browser.InProcess(w.t, browser.Options{Language: "en"})
	w.logIn(p)
	w.check(p, want)
	p.Visit(w.site + "/logout").At(w.site + "/bye")
	p.Visit(w.site + "/login").At(w.idp.URL + "/login") // the provider asks again
}

// check compares what the page at hand tells with what is true; fields that want
// leaves out are those of the person, in an ID token by RS256.
func (w *world) check(p *browser.Person, want saw) {
	w.t.Helper()
	p.At(w.site)
	var got saw
	err := json.Unmarshal(said(p), &got)
	for end := time.Now().Add(scriptsTake); err != nil && p.Status() == 200 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		err = json.Unmarshal(said(p), &got)
	}
	if err != nil {
		w.t.Fatalf("at %s the partner says: %s", p.URL(), p.Text())
	}
	if got.Refused != "" {
		w.t.Fatalf("the partner complains: %s", got.Refused)
	}
	if want.Alg == "" {
		want.Alg = "RS256"
	}
	want.Sub, want.Issuer, want.Email, want.Name = w.person.Subject, w.idp.URL, w.person.Email, w.person.Name()
	got.Alg = algOf(got.IDToken)
	userinfo := got.Userinfo
	got.Userinfo, got.IDToken = nil, ""
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		w.t.Errorf("the partner saw\n%+v, want\n%+v", got, want)
	}
	if userinfo["sub"] != want.Sub || userinfo["email"] != want.Email || userinfo["email_verified"] != true || userinfo["given_name"] != w.person.GivenName {
		w.t.Errorf("the partner read this userinfo: %v", userinfo)
	}
}

// scriptsTake is how long a partner in a browser may take to show what it saw.
const scriptsTake = 10 * time.Second

// said is the JSON at hand: the answer itself, or what a page shows.
func said(p *browser.Person) []byte {
	if raw := p.HTML(); strings.HasPrefix(raw, "{") {
		return []byte(raw)
	}
	text := p.Text()
	return []byte(text[max(strings.Index(text, "{"), 0):])
}

// algOf reads the header of a token that a library has checked.
func algOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	var header struct {
		Alg string `json:"alg"`
	}
	if text, err := base64.RawURLEncoding.DecodeString(head); err == nil {
		json.Unmarshal(text, &header)
	}
	return header.Alg
}

// heavy keeps partners that come from registries out of the quick tests.
func heavy(t testing.TB) {
	t.Helper()
	if os.Getenv("TEGATA_INTEROP") != "required" {
		t.Skip("NOT RUN: needs a registry (make interop)")
	}
}

// freePort is for programs that open their port themselves.
func freePort(t testing.TB) string {
	t.Helper()
	l := programtest.Listen(t)
	defer l.Close()
	return programtest.Port(l)
}
