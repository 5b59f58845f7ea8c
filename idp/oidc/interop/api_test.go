package interop_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"tegata/shared/browser"
)

// Resource servers of others, which read our access tokens (RFC 9068) by themselves:
// they know the issuer, find its keys by discovery, and look at typ, iss, aud, exp and
// scope.
const (
	api       = "https://orders.example/"
	resources = `
resources:
  - identifier: https://orders.example/
    scopes: [orders.read, orders.write]
    token_format: jwt
  - identifier: https://invoices.example/
    scopes: [orders.read]
    token_format: jwt
`
)

// TestExpressJWTBearer is Auth0's express-oauth2-jwt-bearer (on jose) in Express.
func TestExpressJWTBearer(t *testing.T) {
	at := npm(t, "express-jwt", "api.mjs")
	w := withAPI(t)
	w.run(at, []string{"AUDIENCE=" + api}, "node", "api.mjs")
	w.guard()
}

// TestSpringResourceServer is Spring Security's, with its validator for RFC 9068.
func TestSpringResourceServer(t *testing.T) {
	at := maven(t, "spring", "Api.java", "api.yaml")
	w := withAPI(t)
	w.runSpring(at, "Api", "api", []string{"AUDIENCE=" + api})
	w.guard()
}

func withAPI(t *testing.T) *world {
	t.Helper()
	return startAs(t, quirks{resources: resources}, "grant_types: [authorization_code, client_credentials]",
		"scopes: [openid, orders.read, orders.write]", "resources: ["+api+", https://invoices.example/]", "id_token_signed_response_alg: ES256")
}

// guard is what every resource server has to do.
func (w *world) guard() {
	w.t.Helper()
	w.clock.Set(time.Now())
	reads := w.token(api, "orders.read")
	person, idToken := w.personal(api, "orders.read")
	for _, c := range []struct {
		name, token, path string
		status            int
	}{
		{"no token", "", "/orders", 401},
		{"a token that may read, reading", reads, "/orders", 200},
		{"a token that may read, writing", reads, "/orders/new", 403},
		{"a token that may write, writing", w.token(api, "orders.write"), "/orders/new", 200},
		{"a token for another resource", w.token("https://invoices.example/", "orders.read"), "/orders", 401},
		{"a token that was tampered with", reads[:strings.LastIndex(reads, ".")+1] + strings.Repeat("A", 86), "/orders", 401},
		{"a token of a person, reading", person, "/orders", 200},
		{"a token of a person, writing", person, "/orders/new", 403},
		{"an ID token", idToken, "/orders", 401},
	} {
		status, claims := w.call(c.token, c.path)
		if status != c.status {
			w.t.Errorf("%s: status %d, want %d", c.name, status, c.status)
		}
		if status == 200 && (claims["iss"] != w.idp.URL || claims["client_id"] != clientID || claims["sub"] == nil) {
			w.t.Errorf("%s: the API read %v", c.name, claims)
		}
	}
}

// token gives an access token for one resource.
func (w *world) token(resource, scope string) string {
	w.t.Helper()
	asks := clientcredentials.Config{
		ClientID: clientID, ClientSecret: w.secret, TokenURL: w.idp.URL + "/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader,
		Scopes: []string{scope}, EndpointParams: url.Values{"resource": {resource}},
	}
	got, err := asks.Token(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return got.AccessToken
}

// personal has somebody log in, and gives the access token for one resource and the ID
// token. The code ends at the API, which has no page for it.
func (w *world) personal(resource, scope string) (access, idToken string) {
	w.t.Helper()
	config := oauth2.Config{
		ClientID: clientID, ClientSecret: w.secret, RedirectURL: w.site + "/callback", Scopes: []string{"openid", scope},
		Endpoint: oauth2.Endpoint{AuthURL: w.idp.URL + "/oauth2/authorize", TokenURL: w.idp.URL + "/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	verifier, named := oauth2.GenerateVerifier(), oauth2.SetAuthURLParam("resource", resource)
	p := browser.InProcess(w.t, browser.Options{Language: "en"})
	p.Visit(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), named))
	w.prove(p)
	at, err := url.Parse(p.At(w.site + "/callback").URL())
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := config.Exchange(w.t.Context(), at.Query().Get("code"), oauth2.VerifierOption(verifier), named)
	if err != nil {
		w.t.Fatal(err)
	}
	idToken, _ = got.Extra("id_token").(string)
	return got.AccessToken, idToken
}

// call asks the API, and gives what it read in the token.
func (w *world) call(token, path string) (status int, claims map[string]any) {
	w.t.Helper()
	ask, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.site+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		ask.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == 200 {
		if err := json.NewDecoder(answer.Body).Decode(&claims); err != nil {
			w.t.Fatal(err)
		}
	}
	return answer.StatusCode, claims
}
