// Package oidc is the protocol: what relying parties speak with. The pipeline that
// reads requests and walks through a grant is fosite's; what it does not have, or has
// wrongly, stands here.
//
//	routes.go      every protocol URL
//	provider.go    Provider and how fosite is put together
//	authorize.go   /oauth2/authorize: from a request to a code, or to a page that asks
//	request.go     what the request says; checks.go: a line per rule it has to keep;
//	               repeated.go: one that says something twice
//	refuse.go      requests without a code: what the client is told, what the person first
//	frontchannel.go  hybrid and implicit answers; acr.go, byreference.go
//	respond.go     errors that a person is told; sessionstate.go
//	par.go         /oauth2/par: requests that clients push; requestobject.go: that they sign
//	jarm.go        where answers go, and those that we sign
//	token.go       /oauth2/token; redeem.go: what is written, in one transaction,
//	               consequences.go: also when the request is refused
//	clientauth.go  a request and the client that it proves
//	bound.go       tokens that need a key: of DPoP proofs, or of a certificate
//	refresh.go     the grant type refresh_token
//	answer.go      answers to clients that prove themselves, in JSON or JWT
//	granttypes.go  the grant types that fosite does not walk through, in one table:
//	               clientcredentials.go, device.go, exchange.go, subjecttoken.go, jwtbearer.go
//	accesstoken.go access tokens, opaque or JWT (RFC 9068), made and read
//	codes.go       authorization codes; session.go: a log-in as fosite carries it
//	records.go     the storage that fosite sees
//	idtoken.go     ID tokens, signed with the key ring; hint.go reads them again
//	userinfo.go    /oauth2/userinfo
//	subject.go     what a client knows a person by; store_subjects.go keeps it
//	logout.go      /oauth2/logout; revoke.go: /oauth2/revoke
//	bounds.go      how much strangers may make us do; watch.go: values that repeat
//	introspect.go  /oauth2/introspect, plain and signed
//	discovery.go   metadata and keys
//	diary.go       what the client's developer learns of each request: diagnosis.go says
//	               why it was refused, clientclock.go how far the client's clock is off
//
// Below it, each knowing nothing of the Provider:
//
//	grants/        what was granted, its refresh tokens, and what became of a token
//	metadata/      what relying parties learn about us
//	wire/          what all endpoints share: forms, answers, refusals and their codes
//	clientauth/    how clients prove who they are
//	registration/  /oauth2/register: clients that register themselves
//	requestobject/ requests that clients sign, read and judged
//	reply/         answers that travel through the browser, by their response mode
//	target/        what an access token is for (RFC 8707, RFC 9396)
//	claims/        scopes and claims from an account, and the claims parameter
//	tokens/        what tokens say, and what is said of them
//	dpop/          proofs of a key that come with requests (RFC 9449)
//	sealing/       codes and tokens that carry what they stand for
//	object/        writes and reads their JSON without reflection
//	jws/           signing with the key ring, and what a JWT from outside has to keep
//	jwe/           encrypting to a client's key
//	jwks/          the keys that clients publish, fetched and kept
//	checksession/  /oauth2/session: lets a client's page notice who is signed in
//	singlelogout/  tells clients that a session ended, by the outbox or by frames
//	trial/         what a log-in would make of a registration, for its operator
//	oryx/          what fosite needs of github.com/ory/x, as a module of that name
//
// A person is never asked anything here: authorize sends the browser to the pages by
// URL, with the id of an interaction, and gets it back the same way.
package oidc

import (
	"net/http"
	"strings"

	"tegata/idp/oidc/checksession"
	"tegata/idp/oidc/reply"
	"tegata/idp/oidc/wire"
	"tegata/shared/serve"
)

// The protocol's URLs, below the issuer. Relying parties read them from discovery.
const (
	pathAuthorize  = "/oauth2/authorize"
	pathToken      = "/oauth2/token"
	pathPushed     = "/oauth2/par"
	pathUserinfo   = "/oauth2/userinfo"
	pathRevoke     = "/oauth2/revoke"
	pathIntrospect = "/oauth2/introspect"
	pathDevice     = "/oauth2/device_authorization"
	pathRegister   = "/oauth2/register"
	pathLogout     = "/oauth2/logout"
	pathKeys       = "/oauth2/jwks"
	pathOpenID     = "/.well-known/openid-configuration"
	pathOAuth      = "/.well-known/oauth-authorization-server" // RFC 8414 §3
)

// The pages that authorize and logout send people to.
const (
	pageLogin    = "/login"
	pageSignUp   = "/signup"
	pagePassword = "/login/password"
	pageAccount  = "/login/account"
	pageTerms    = "/terms/accept"
	pageConsent  = "/consent"
	pageLogout   = "/logout"
)

// Mount puts the protocol on mux. Posts from other sites belong here by design, so
// these URLs must not stand behind a refusal of such posts.
func (p *Provider) Mount(mux *http.ServeMux) {
	p.compose()
	registrations := p.registrations()
	for _, route := range []struct {
		path      string
		get, post http.HandlerFunc
	}{
		{pathToken, nil, p.token},
		{pathPushed, nil, p.forClient("request_pushed", p.push)},
		{pathUserinfo, p.userinfo, p.userinfo},
		{pathRevoke, nil, p.forClient("token_revoked", p.revoke)},
		{pathIntrospect, nil, p.forClient("introspected", p.introspect)},
		{pathDevice, nil, p.forClient("device_began", p.deviceAuthorization)},
		{pathKeys, p.jwks, nil},
		{checksession.Path, p.checkSession().Frame, nil},
		{pathOpenID, p.metadata, nil},
		{pathOAuth, p.metadata, nil},
		{reply.ScriptPath, reply.Script, nil},
		{pathRegister, nil, registrations.Register},
	} {
		mux.HandleFunc(route.path, wire.ByMethod(route.get, route.post, open(route.path)))
	}
	mux.HandleFunc(pathAuthorize, wire.Acting(p.authorize, p.authorize))
	mux.HandleFunc(pathLogout, wire.Acting(p.logout, p.logout))
	mux.HandleFunc(pathRegister+"/{client}", registrations.Manage)
}

// forPrograms tells whether programs call the path, and no person sees what it answers.
func forPrograms(path string) bool {
	switch path {
	case pathToken, pathPushed, pathUserinfo, pathRevoke, pathIntrospect, pathDevice, pathRegister, pathKeys, pathOpenID, pathOAuth:
		return true
	}
	return strings.HasPrefix(path, pathRegister+"/")
}

// open tells whether scripts of any origin may read what the path answers: where programs
// call, but for those that keep a secret or have no browser.
func open(path string) bool {
	return forPrograms(path) && path != pathIntrospect && path != pathDevice
}

// FindsSession tells whether path has no use for a session that was found before its
// handler runs: programs call there, and what is answered depends on tokens and clients
// alone, or the handler looks for the session itself, along with what else it needs.
func FindsSession(path string) bool {
	return path == pathAuthorize || path == pathLogout || path == reply.ScriptPath || forPrograms(path)
}

// Problems answers what no handler of ours will: a body that is too long for anybody, or
// a handler that broke down. Programs get an error of the protocol (RFC 6749 §5.2, RFC 7591
// §3.2.2), and people the page that pages shows. It is for serve.Front.
func Problems(pages serve.Problem) serve.Problem {
	return func(w http.ResponseWriter, r *http.Request, status int) {
		path := r.URL.Path
		if !forPrograms(path) {
			pages(w, r, status)
			return
		}
		if open(path) {
			wire.AllowScripts(w.Header(), true)
		}
		problem(path, status).AnswerAs(w, status)
	}
}

// problem is the error of the protocol for a bare status.
func problem(path string, status int) *wire.Refusal {
	code := "invalid_request"
	if path == pathRegister || strings.HasPrefix(path, pathRegister+"/") {
		code = "invalid_client_metadata"
	}
	switch {
	case status >= http.StatusInternalServerError:
		return wire.RefuseAs("server_error")
	case status == http.StatusRequestEntityTooLarge:
		return wire.Unread(code, &http.MaxBytesError{Limit: serve.DefaultMaxBody})
	}
	return wire.RefuseAs(code)
}
