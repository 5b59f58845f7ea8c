package oidc_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
)

// party is a relying party's site and a browser that is signed in at the provider.
type party struct {
	*world
	site    *httptest.Server
	handle  http.HandlerFunc
	browser *http.Client
}

// partyAt is for libraries of others, which tell the time by themselves.
func partyAt(t *testing.T) *party {
	t.Helper()
	w := startAt(t, dbtest.SQLite(t, schema.FS), clock.Hold(time.Now()), clock.System).logIn()
	p := &party{world: w}
	p.site = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { p.handle(rw, r) }))
	t.Cleanup(p.site.Close)
	c := clients.Client{
		ID: "party", Name: map[string]string{"en": "x"}, RedirectURIs: []string{p.site.URL + "/cb"}, FirstParty: true, Source: "config",
		SecretDigests: digest(basicSecret), IDTokenAlg: "ES256", RequirePKCE: true,
	}
	c.Default()
	signer := c
	signer.ID, signer.AuthMethod, signer.SecretDigests = "tracker", clients.PrivateKeyJWT, nil
	signer.JWKS, signer.AuthAudience = mustClient(t, w, "tracker").JWKS, "issuer"
	must(t, w.provider.Clients.Sync(t.Context(), []clients.Client{c, signer}))
	jar, err := cookiejar.New(nil)
	must(t, err)
	home, err := url.Parse(w.server.URL)
	must(t, err)
	jar.SetCookies(home, []*http.Cookie{{Name: sessions.CookieName, Value: w.cookies[sessions.CookieName]}})
	p.browser = &http.Client{Jar: jar}
	return p
}

func mustClient(t *testing.T, w *world, id string) clients.Client {
	t.Helper()
	c, err := w.provider.Clients.ByID(t.Context(), id)
	must(t, err)
	return *c
}

func TestZitadelRelyingParty(t *testing.T) {
	for _, client := range []string{"party", "tracker"} {
		p := partyAt(t)
		secret := basicSecret
		if client == "tracker" {
			secret = ""
		}
		party, err := rp.NewRelyingPartyOIDC(t.Context(), p.provider.Issuer, client, secret, p.site.URL+"/cb",
			[]string{"openid", "profile", "email"}, rp.WithVerifierOpts(rp.WithSupportedSigningAlgorithms("ES256"), rp.WithNonce(func(context.Context) string { return "n0" })))
		must(t, err)
		var info *zitadel.UserInfo
		p.handle = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/cb" {
				http.Redirect(w, r, rp.AuthURL("s1", party, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier)),
					func() []oauth2.AuthCodeOption { return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", "n0")} }), http.StatusFound)
				return
			}
			opts := []rp.CodeExchangeOpt{rp.WithCodeVerifier(verifier)}
			if client == "tracker" {
				opts = append(opts, rp.WithClientAssertionJWT(p.assertion(client, nil)))
			}
			tokens, err := rp.CodeExchange[*zitadel.IDTokenClaims](r.Context(), r.URL.Query().Get("code"), party, opts...)
			if err == nil {
				info, err = rp.Userinfo[*zitadel.UserInfo](r.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, party)
			}
			if err != nil {
				t.Error(err)
			}
		}
		got, err := p.browser.Get(p.site.URL + "/login")
		must(t, err)
		got.Body.Close()
		if info == nil || info.Subject != p.person.Subject || info.Email != p.person.Email || info.Name != p.person.Name() {
			t.Errorf("%s: the relying party knows %+v", client, info)
		}
	}
}

func TestOAuth2Library(t *testing.T) {
	p := partyAt(t)
	config := &oauth2.Config{
		ClientID: "party", ClientSecret: basicSecret, RedirectURL: p.site.URL + "/cb", Scopes: []string{"openid", "email"},
		Endpoint: oauth2.Endpoint{AuthURL: p.provider.Issuer + "/oauth2/authorize", TokenURL: p.provider.Issuer + "/oauth2/token"},
	}
	var token *oauth2.Token
	p.handle = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cb" {
			http.Redirect(w, r, config.AuthCodeURL("s1", oauth2.S256ChallengeOption(verifier)), http.StatusFound)
			return
		}
		var err error
		token, err = config.Exchange(r.Context(), r.URL.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Error(err)
		}
	}
	got, err := p.browser.Get(p.site.URL + "/login")
	must(t, err)
	got.Body.Close()
	if token == nil || !token.Valid() || token.Extra("id_token") == nil {
		t.Fatalf("token %+v", token)
	}
	answer, err := config.Client(t.Context(), token).Get(p.provider.Issuer + "/oauth2/userinfo")
	must(t, err)
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("userinfo: status %d", answer.StatusCode)
	}
}
