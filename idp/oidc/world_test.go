package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/devices"
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
	jar      *sync.Mutex       // guards cookies while requests race
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

// startWith gives a world whose provider is set up differently.
func startWith(t testing.TB, configure func(*oidc.Provider)) *world {
	held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	return startAt(t, dbtest.SQLite(t, schema.FS), held, held.Now, configure)
}

func startAt(t testing.TB, d *db.DB, held *clock.Held, now clock.Clock, configure ...func(*oidc.Provider)) *world {
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
		Once:   spend, Limit: limit.Limiter{DB: d}, Audit: log, Clock: now, Rules: accounts.DefaultRules(),
	}
	signedIn := &sessions.Service{Store: sessions.Store{DB: d}, Audit: log, Clock: now}
	w := &world{t: t, clock: held, db: d, cookies: map[string]string{}, jar: &sync.Mutex{}, counted: map[string]int{}}
	w.provider = &oidc.Provider{
		Development: true, DB: d, Once: spend, Keys: ring, Accounts: people, Sessions: signedIn,
		Clients:     &clients.Registry{Store: clients.Store{DB: d}, Clock: now},
		Interaction: &interaction.Service{Store: interaction.Store{DB: d}, Accounts: people, Sessions: signedIn, Audit: log, Clock: now},
		Audit:       log, Clock: now, Cookies: serve.Cookies{},
		Problem: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "problem: "+err.Error(), http.StatusBadRequest)
		},
	}
	w.provider.Devices = &devices.Service{
		Store: devices.Store{DB: d}, Once: spend, Limit: limit.Limiter{DB: d}, Interaction: w.provider.Interaction, Audit: log, Clock: now,
		Log: slog.New(slog.DiscardHandler),
	}
	for _, change := range configure {
		change(w.provider)
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
		if place := r.Header.Get("X-Test-Place"); place != "" {
			r = r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{Place: place}))
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
