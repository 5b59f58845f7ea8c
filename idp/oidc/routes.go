// Package oidc is the protocol: what relying parties speak with. The pipeline that
// reads requests and walks through a grant is fosite's; what it does not have, or has
// wrongly, stands here.
//
//	routes.go      every protocol URL
//	provider.go    Provider and how fosite is put together
//	authorize.go   /oauth2/authorize: from a request to a code, or to a page that asks
//	request.go     what the request says; checks.go: a line per rule it has to keep
//	step.go        pure: what has to be asked before a code is given
//	respond.go     answers and errors that travel through the browser
//	token.go       /oauth2/token; redeem.go: what is written, in one transaction
//	clientauth.go  how clients prove who they are; assertion.go, remotekeys.go
//	codes.go       authorization codes and tokens; session.go: what they stand for
//	idtoken.go     ID tokens, signed with the key ring; hint.go reads them again
//	userinfo.go    /oauth2/userinfo; claims.go: scopes and claims from an account
//	logout.go      /oauth2/logout; revoke.go: /oauth2/revoke
//	discovery.go   metadata and keys
//	store.go       grants and tokens
//
// A person is never asked anything here: authorize sends the browser to the pages by
// URL, with the id of an interaction, and gets it back the same way.
package oidc

import (
	"net/http"
)

// The protocol's URLs, below the issuer. Relying parties read them from discovery.
const (
	pathAuthorize = "/oauth2/authorize"
	pathToken     = "/oauth2/token"
	pathUserinfo  = "/oauth2/userinfo"
	pathRevoke    = "/oauth2/revoke"
	pathLogout    = "/oauth2/logout"
	pathKeys      = "/oauth2/jwks"
	pathOpenID    = "/.well-known/openid-configuration"
	pathOAuth     = "/.well-known/oauth-authorization-server" // RFC 8414 §3
)

// The pages that authorize and logout send people to.
const (
	pageLogin    = "/login"
	pagePassword = "/login/password"
	pageConsent  = "/consent"
	pageLogout   = "/logout"
)

// Mount puts the protocol on mux. Posts from other sites belong here by design, so
// these URLs must not stand behind a refusal of such posts.
func (p *Provider) Mount(mux *http.ServeMux) {
	p.compose()
	for _, route := range []struct {
		pattern string
		do      http.HandlerFunc
	}{
		{"GET " + pathAuthorize, p.authorize},
		{"POST " + pathAuthorize, p.authorize},
		{"POST " + pathToken, open(p.token)},
		{"OPTIONS " + pathToken, open(preflight)},
		{"GET " + pathUserinfo, open(p.userinfo)},
		{"POST " + pathUserinfo, open(p.userinfo)},
		{"OPTIONS " + pathUserinfo, open(preflight)},
		{"POST " + pathRevoke, p.revoke},
		{"GET " + pathLogout, p.logout},
		{"POST " + pathLogout, p.logout},
		{"GET " + pathKeys, open(p.jwks)},
		{"GET " + pathOpenID, open(p.metadata)},
		{"GET " + pathOAuth, open(p.metadata)},
	} {
		mux.HandleFunc(route.pattern, route.do)
	}
}

// open lets scripts of any origin read the answer. They get no cookies along, and
// nothing here depends on one. Authorize and logout are for browsers, not scripts.
func open(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		next(w, r)
	}
}

// preflight answers a browser that asks what a script may send.
func preflight(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
