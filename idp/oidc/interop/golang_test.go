package interop_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"testing"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadelhttp "github.com/zitadel/oidc/v3/pkg/http"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"tegata/shared/secret"
)

// serve is the partner's site inside the test.
func (w *world) serve(mux *http.ServeMux) {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+w.port)
	if err != nil {
		w.t.Fatal(err)
	}
	mux.HandleFunc("/bye", func(rw http.ResponseWriter, r *http.Request) { rw.Write([]byte("Bye.")) })
	s := &http.Server{Handler: mux}
	go s.Serve(l)
	w.t.Cleanup(func() { s.Close() })
}

// tell answers with what the partner saw.
func tell(rw http.ResponseWriter, seen saw, err error) {
	if err != nil {
		seen.Refused = err.Error()
	}
	json.NewEncoder(rw).Encode(seen)
}

// TestGoOIDC is coreos/go-oidc with golang.org/x/oauth2, as its README has it, with
// PKCE, a nonce, at_hash, a refresh and userinfo.
func TestGoOIDC(t *testing.T) {
	w := start(t, "grant_types: [authorization_code, refresh_token]", "scopes: [openid, profile, email, offline_access]",
		"id_token_signed_response_alg: ES256", "require_pkce: true")
	provider, err := goidc.NewProvider(t.Context(), w.idp.URL)
	if err != nil {
		t.Fatal(err)
	}
	party := &goParty{
		provider: provider, state: secret.Text(), nonce: secret.Text(), verifier: oauth2.GenerateVerifier(),
		config: oauth2.Config{
			ClientID: clientID, ClientSecret: w.secret, RedirectURL: w.site + "/callback", Endpoint: provider.Endpoint(),
			Scopes: []string{goidc.ScopeOpenID, "profile", "email", goidc.ScopeOfflineAccess},
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, party.config.AuthCodeURL(party.state, goidc.Nonce(party.nonce), oauth2.S256ChallengeOption(party.verifier),
			oauth2.SetAuthURLParam("prompt", "consent")), http.StatusFound)
	})
	mux.HandleFunc("/callback", func(rw http.ResponseWriter, r *http.Request) {
		seen, err := party.callback(r)
		tell(rw, seen, err)
	})
	mux.HandleFunc("/logout", func(rw http.ResponseWriter, r *http.Request) {
		var more struct {
			EndSession string `json:"end_session_endpoint"`
		}
		if err := provider.Claims(&more); err != nil {
			t.Error(err)
		}
		http.Redirect(rw, r, more.EndSession+"?id_token_hint="+party.idToken+"&post_logout_redirect_uri="+w.site+"/bye", http.StatusFound)
	})
	w.serve(mux)
	w.meet(saw{Alg: "ES256", Refresh: true})
}

// goParty is one log-in with go-oidc.
type goParty struct {
	provider               *goidc.Provider
	config                 oauth2.Config
	state, nonce, verifier string
	idToken                string
}

func (g *goParty) callback(r *http.Request) (seen saw, err error) {
	if r.FormValue("state") != g.state {
		return seen, errors.New("another state")
	}
	if code := r.FormValue("error"); code != "" {
		return seen, errors.New(code)
	}
	token, err := g.config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(g.verifier))
	if err != nil {
		return seen, err
	}
	g.idToken, _ = token.Extra("id_token").(string)
	proved, err := g.provider.Verifier(&goidc.Config{ClientID: clientID}).Verify(r.Context(), g.idToken)
	if err != nil {
		return seen, err
	}
	if proved.Nonce != g.nonce {
		return seen, errors.New("another nonce")
	}
	if err := proved.VerifyAccessToken(token.AccessToken); err != nil {
		return seen, err
	}
	again, err := g.config.TokenSource(r.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		return seen, err
	}
	info, err := g.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(again))
	if err != nil {
		return seen, err
	}
	seen = saw{Sub: proved.Subject, Issuer: proved.Issuer, IDToken: g.idToken, Email: info.Email, Refresh: again.RefreshToken != token.RefreshToken}
	if err := info.Claims(&seen.Userinfo); err != nil {
		return seen, err
	}
	seen.Name, _ = seen.Userinfo["name"].(string)
	return seen, nil
}

// TestZitadel is zitadel/oidc with its own handlers and cookies, PKCE as discovery says.
// Its WithJWTProfile makes assertions without a jti, which OIDC Core §9 wants; with a
// key of its own, a partner hands them to WithClientAssertionJWT.
func TestZitadel(t *testing.T) {
	w := start(t, "id_token_signed_response_alg: ES256", "require_pkce: true")
	cookies := zitadelhttp.NewCookieHandler(secret.Bytes(32), secret.Bytes(32), zitadelhttp.WithUnsecure())
	party, err := rp.NewRelyingPartyOIDC(t.Context(), w.idp.URL, clientID, w.secret, w.site+"/callback", []string{"openid", "profile", "email"},
		rp.WithPKCEFromDiscovery(cookies), rp.WithCookieHandler(cookies), rp.WithSigningAlgsFromDiscovery(),
		rp.WithAuthStyle(oauth2.AuthStyleInHeader)) // else it revokes by client_secret_post
	if err != nil {
		t.Fatal(err)
	}
	var idToken string
	mux := http.NewServeMux()
	mux.Handle("/login", rp.AuthURLHandler(secret.Text, party))
	mux.Handle("/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(
		func(rw http.ResponseWriter, r *http.Request, tokens *zitadel.Tokens[*zitadel.IDTokenClaims], _ string, _ rp.RelyingParty, info *zitadel.UserInfo) {
			idToken = tokens.IDToken
			seen := saw{Sub: tokens.IDTokenClaims.Subject, Issuer: tokens.IDTokenClaims.Issuer, IDToken: idToken, Email: info.Email, Name: info.Name}
			text, err := json.Marshal(info)
			if err == nil {
				err = json.Unmarshal(text, &seen.Userinfo)
			}
			if err == nil {
				err = rp.RevokeToken(r.Context(), party, tokens.AccessToken, "access_token")
				seen.Revoked = err == nil
			}
			tell(rw, seen, err)
		}), party))
	mux.HandleFunc("/logout", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, party.GetEndSessionEndpoint()+"?id_token_hint="+idToken+"&client_id="+clientID+"&post_logout_redirect_uri="+w.site+"/bye", http.StatusFound)
	})
	w.serve(mux)
	w.meet(saw{Alg: "ES256", Revoked: true})
}
