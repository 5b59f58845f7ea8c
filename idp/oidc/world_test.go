package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/interaction"
	"tegata/idp/notify"
	"tegata/idp/oidc"
	"tegata/idp/passwords"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/limit"
	"tegata/shared/locale"
	"tegata/shared/once"
	"tegata/shared/secret"
	"tegata/shared/serve"
)

const (
	password = "correct-Horse-battery-staple-1"
	verifier = "a-code-verifier-of-more-than-forty-three-characters"
	callback = "https://rp.test/cb"
)

// world is a provider with its database, a person and some clients. Its pages are
// missing: tests do what they would do.
type world struct {
	t        testing.TB
	clock    *clock.Held
	db       *db.DB
	provider *oidc.Provider
	server   *httptest.Server
	http     *http.Client
	person   accounts.Account
	session  sessions.Session
	cookies  map[string]string
	key      *ecdsa.PrivateKey // of client tracker
	counted  map[string]int
}

// start gives a world on SQLite at a fixed moment.
func start(t testing.TB) *world { return startOn(t, dbtest.SQLite(t, schema.FS)) }

func startOn(t testing.TB, d *db.DB) *world {
	t.Helper()
	held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	return startAt(t, d, held, held.Now)
}

func startAt(t testing.TB, d *db.DB, held *clock.Held, now clock.Clock) *world {
	t.Helper()
	seal, err := secret.NewSealer(make([]byte, 32))
	must(t, err)
	log := audit.Log{DB: d, Clock: now}
	spend := once.Store{DB: d, Seal: seal}
	ring := ringOf(t, d, seal, now)
	words, err := locale.Load(notify.Locales())
	must(t, err)
	people := &accounts.Service{
		Notify: &notify.Service{Catalog: words},
		Store:  accounts.Store{DB: d}, Passwords: passwords.Store{DB: d},
		Hasher: &passwords.Hasher{Seal: seal, Params: passwords.Params{Memory: 64, Time: 1, Threads: 1}},
		Once:   spend, Limit: limit.Limiter{DB: d}, Audit: log, Clock: now, Rules: accounts.DefaultRules(), Terms: "1",
	}
	signedIn := &sessions.Service{Store: sessions.Store{DB: d}, Audit: log, Clock: now}
	w := &world{t: t, clock: held, db: d, cookies: map[string]string{}, counted: map[string]int{}}
	w.provider = &oidc.Provider{
		Development: true, DB: d, Once: spend, Keys: ring, Accounts: people, Sessions: signedIn,
		Clients:     &clients.Registry{Store: clients.Store{DB: d}, Clock: now},
		Interaction: &interaction.Service{Store: interaction.Store{DB: d}, Accounts: people, Sessions: signedIn, Audit: log, Clock: now},
		Audit:       log, Clock: now, Cookies: serve.Cookies{},
		Problem: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "problem: "+err.Error(), http.StatusBadRequest)
		},
	}
	w.serve(signedIn)
	w.register()
	w.person, err = people.Create(t.Context(), accounts.Person{
		Email: "hanako@example.org", Password: password, GivenName: "Hanako", FamilyName: "Yamada", Nickname: "hana", Country: "JP", Language: "en",
	})
	must(t, err)
	return w
}

func (w *world) serve(signedIn *sessions.Service) {
	mux := http.NewServeMux()
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(sessions.CookieName); err == nil {
			if s, err := signedIn.ByToken(r.Context(), cookie.Value); err == nil {
				r = r.WithContext(sessions.With(r.Context(), &s))
			}
		}
		mux.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(w.server.Close)
	w.http = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.t.Cleanup(w.http.CloseIdleConnections)
	w.provider.Issuer = w.server.URL
	w.provider.Mount(mux)
}

const (
	basicSecret = "b4sic-secret-of-256-random-bits"
	postSecret  = "p0st-secret-of-256-random-bits"
)

func digest(s string) []string {
	sum := sha256.Sum256([]byte(s))
	return []string{hex.EncodeToString(sum[:])}
}

func (w *world) register() {
	var err error
	w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w.t, err)
	name := map[string]string{"en": "A relying party"}
	all := []clients.Client{
		{
			ID: "tracker", RedirectURIs: []string{callback, "https://rp.test/other"}, PostLogoutRedirectURIs: []string{"https://rp.test/", "https://rp.test/bye?from=idp"},
			InitiateLoginURI: "https://rp.test/login", AuthMethod: clients.PrivateKeyJWT, AuthAlg: "ES256", IDTokenAlg: "ES256",
			JWKS:        &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}},
			RequirePKCE: true, FirstParty: true,
		},
		{
			ID: "basic", RedirectURIs: []string{callback, "https://rp.test/with?query=kept"}, PostLogoutRedirectURIs: []string{"https://rp.test/"},
			AuthMethod: clients.ClientSecretBasic, SecretDigests: digest(basicSecret), FirstParty: true,
			GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "profile", "email", "offline_access"},
		},
		{ID: "post", RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretPost, SecretDigests: digest(postSecret), FirstParty: true},
		{ID: "native", ApplicationType: "native", RedirectURIs: []string{"http://127.0.0.1/cb", "com.example.app:/cb"}, AuthMethod: clients.None},
		{ID: "foreign", RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretBasic, SecretDigests: digest(basicSecret)},
		{
			ID: "old", RedirectURIs: []string{callback}, AuthMethod: clients.PrivateKeyJWT, AuthAudience: "endpoint", FirstParty: true,
			JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.key.Public(), KeyID: "k1"}}},
		},
	}
	for i := range all {
		all[i].Name, all[i].Source = name, "config"
		all[i].Default()
		if p := all[i].Check(all[i].ID, true); len(p) > 0 {
			w.t.Fatal(p)
		}
	}
	must(w.t, w.provider.Clients.Sync(context.Background(), all))
}

// logIn signs the person's browser in.
func (w *world) logIn() *world {
	w.t.Helper()
	s, token, err := w.provider.Sessions.Start(context.Background(), w.person.ID, []string{sessions.AMRPassword})
	must(w.t, err)
	w.session, w.cookies[sessions.CookieName] = s, token
	return w
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	Body string
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	for name, value := range w.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := w.http.Do(r)
	must(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(w.t, err)
	for _, c := range response.Cookies() {
		w.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(w.cookies, c.Name)
		}
	}
	if response.StatusCode >= 500 {
		w.t.Errorf("%s %s: status %d: %s", r.Method, r.URL.Path, response.StatusCode, body)
	}
	return answer{response, string(body)}
}

// json reads the body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		t.Fatalf("status %d: body %q: %v", a.StatusCode, a.Body, err)
	}
	return m
}

// sent is what travelled to the client in the query of a redirect.
func (a answer) sent(t testing.TB) url.Values {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want 303: %s", a.StatusCode, a.Body)
	}
	u, err := url.Parse(a.Header.Get("Location"))
	must(t, err)
	return u.Query()
}

// with changes parameters: "name=value" sets, "name" alone removes, "+name=value" adds one more.
func with(values url.Values, changes ...string) url.Values {
	for _, change := range changes {
		name, value, set := strings.Cut(change, "=")
		switch {
		case !set:
			values.Del(name)
		case strings.HasPrefix(name, "+"):
			values.Add(name[1:], value)
		default:
			values.Set(name, value)
		}
	}
	return values
}

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// request is a good authorization request of a client, changed.
func request(client string, changes ...string) url.Values {
	v := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"the-state"}, "nonce": {"the-nonce"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	if client == "native" {
		v.Set("redirect_uri", "http://127.0.0.1:51000/cb")
	}
	return with(v, changes...)
}

// authorize sends a good authorization request, changed.
func (w *world) authorize(client string, changes ...string) answer {
	w.t.Helper()
	return w.get("/oauth2/authorize?" + request(client, changes...).Encode())
}

func (w *world) get(path string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.server.URL+path, nil)
	must(w.t, err)
	return w.do(headed(r, headers))
}

func (w *world) post(path string, form url.Values, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.server.URL+path, strings.NewReader(form.Encode()))
	must(w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(headed(r, headers))
}

func headed(r *http.Request, headers []string) *http.Request {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// code gives a fresh code of the client for the person who is signed in.
func (w *world) code(client string, changes ...string) string {
	w.t.Helper()
	got := w.authorize(client, changes...).sent(w.t)
	if got.Get("code") == "" {
		w.t.Fatalf("no code: %v", got)
	}
	return got.Get("code")
}

// assertion signs a client assertion of the tracker, with claims changed.
func (w *world) assertion(client string, change func(claims map[string]any)) string {
	w.t.Helper()
	now := w.provider.Clock()
	claims := map[string]any{
		"iss": client, "sub": client, "aud": w.provider.Issuer, "jti": secret.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.key, KeyID: "k1"}}, nil)
	must(w.t, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(w.t, err)
	return text
}

// proof is what the client proves itself with: form values and a header.
func (w *world) proof(client string) (form url.Values, header string) {
	form = url.Values{}
	switch client {
	case "tracker", "old":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", w.assertion(client, nil))
	case "basic", "foreign":
		header = basicAuth(client, basicSecret)
	case "post":
		form.Set("client_id", client)
		form.Set("client_secret", postSecret)
	case "native":
		form.Set("client_id", client)
	}
	return form, header
}

func basicAuth(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// redeem brings a code to the token endpoint, changed.
func (w *world) redeem(client, code string, changes ...string) answer {
	w.t.Helper()
	form, header := w.proof(client)
	form.Set("grant_type", "authorization_code")
	form.Set("code", code)
	form.Set("redirect_uri", callback)
	form.Set("code_verifier", verifier)
	return w.token(with(form, changes...), header)
}

func (w *world) token(form url.Values, header string) answer {
	w.t.Helper()
	if header == "" {
		return w.post("/oauth2/token", form)
	}
	return w.post("/oauth2/token", form, header)
}

// tokens runs a whole flow.
func (w *world) tokens(client string, changes ...string) map[string]any {
	w.t.Helper()
	got := w.redeem(client, w.code(client, changes...))
	if got.StatusCode != http.StatusOK {
		w.t.Fatalf("token endpoint: status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(w.t)
}

func (w *world) userinfo(token any) answer {
	w.t.Helper()
	return w.get("/oauth2/userinfo", "Authorization: Bearer "+token.(string))
}

// wantError fails unless the token endpoint refused with the code.
func wantError(t testing.TB, got answer, status int, code string) {
	t.Helper()
	if got.StatusCode != status || got.json(t)["error"] != code {
		t.Errorf("status %d %s, want %d %s", got.StatusCode, got.Body, status, code)
	}
	if cc := got.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", cc)
	}
}

// claims reads the payload of an ID token after checking it with the published keys.
func (w *world) claims(text any) (header jose.Header, claims map[string]any) {
	w.t.Helper()
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal([]byte(w.get("/oauth2/jwks").Body), &set))
	token, err := jwt.ParseSigned(text.(string), []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	must(w.t, err)
	must(w.t, token.Claims(&set, &claims))
	return token.Headers[0], claims
}

// events gives the audit events with that action.
func (w *world) events(action string) []audit.Event {
	w.t.Helper()
	all, err := w.provider.Audit.Tail(context.Background(), 500, "")
	must(w.t, err)
	var some []audit.Event
	for _, e := range all {
		if e.Action == action {
			some = append(some, e)
		}
	}
	return some
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
