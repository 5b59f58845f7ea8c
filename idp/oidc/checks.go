package oidc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/reply"
	"tegata/idp/oidc/wire"
)

// checks is every rule of an authorization request, in the order they are looked at,
// before anybody is asked anything. What they refuse goes back to the client.
var checks = []func(*Provider, *authorization) error{
	checkSizes,
	checkRequestObject,
	checkPushed,
	checkSigned,
	checkResponseType,
	checkResponseMode,
	readScopes,
	checkFrontChannel,
	checkPKCE,
	checkThumbprint,
	readPrompt,
	readMaxAge,
	readClaimsParameter,
	readIDTokenHint,
	readWantedPerson,
	checkACR,
	readTarget,
}

// checkSizes bounds what we have to carry around and give back.
func checkSizes(_ *Provider, a *authorization) error {
	if len(a.back.State) > maxState {
		a.back.State = ""
		return wire.Refuse("invalid_request", "The state is too long.")
	}
	if strings.ContainsFunc(a.back.State, wire.Unprintable) {
		a.back.State = "" // RFC 6749 Appendix A.5: %x20-7E
		return wire.Refuse("invalid_request", "The state has characters that are not allowed.")
	}
	if len(a.params.Get("nonce")) > maxNonce {
		return wire.Refuse("invalid_request", "The nonce is too long.")
	}
	if strings.ContainsRune(a.params.Get("nonce"), 0) {
		return wire.Refuse("invalid_request", "The nonce has characters that are not allowed.")
	}
	return nil
}

// checkRequestObject refuses what is not there (OIDC Core §3.1.2.6).
func checkRequestObject(_ *Provider, a *authorization) error {
	switch {
	case a.params.Has("request"):
		return wire.Refuse("invalid_request", "There is a request object and a request_uri.")
	case a.params.Has("registration"):
		return wire.RefuseAs("registration_not_supported")
	}
	return nil
}

// checkResponseType lets the code flow through, and of the others what is switched on
// and the client is registered for (RFC 9700 §2.1.2).
func checkResponseType(p *Provider, a *authorization) error {
	a.kind = clients.ResponseType(a.params.Get("response_type"))
	switch {
	case a.params.Get("response_type") == "":
		return wire.Refuse("invalid_request", "The parameter response_type is missing.")
	case !a.client.Responds(a.kind) || !slices.Contains(p.kinds, a.kind):
		return wire.RefuseAs("unsupported_response_type")
	case a.wants("code") && !a.client.May(clients.AuthorizationCode), a.kind != "code" && !a.client.May(clients.Implicit):
		return wire.RefuseAs("unauthorized_client")
	}
	return nil
}

// checkResponseMode never lets a token into a query, where logs and histories keep it
// (OAuth 2.0 Multiple Response Types §3.0).
func checkResponseMode(_ *Provider, a *authorization) error {
	mode, front := a.params.Get("response_mode"), a.kind != "code"
	switch {
	case mode == "", mode == reply.Fragment, mode == reply.FormPost, mode == reply.JWT, mode == reply.FormPostJWT, mode == reply.FragmentJWT,
		!front && (mode == reply.Query || mode == reply.QueryJWT):
		return nil
	}
	return wire.Refuse("invalid_request", "This response_mode does not exist here for this response_type.")
}

// readScopes keeps the scopes that exist here and that the client may ask for; OIDC
// Core §3.1.2.1 wants others ignored. offline_access needs a client that can use it
// and prompt=consent (OIDC Core §11). A request for scopes that ends up with none is
// refused (RFC 6749 §3.3).
func readScopes(_ *Provider, a *authorization) error {
	for _, scope := range strings.Fields(a.params.Get("scope")) {
		offline := scope == "offline_access"
		may := !offline || a.client.May(clients.RefreshToken) && slices.Contains(strings.Fields(a.params.Get("prompt")), "consent")
		if slices.Contains(a.client.Scopes, scope) && !slices.Contains(a.scopes, scope) && may {
			a.scopes = append(a.scopes, scope)
		}
	}
	if a.params.Get("scope") != "" && len(a.scopes) == 0 {
		return wire.RefuseAs("invalid_scope")
	}
	return nil
}

// What checkPKCE refuses and the doctor explains.
var (
	errNoChallenge = wire.Refuse("invalid_request", "The client has to use PKCE: code_challenge is missing.").For(clients.ReasonPKCEMissing)
	errNotS256     = wire.Refuse("invalid_request", "The code_challenge_method has to be S256.").For(clients.ReasonPKCEMethod)
)

// checkPKCE demands S256 where PKCE is used, and its use where the client must.
// RFC 7636 §4.4.1, RFC 9700 §2.1.1. Here and not after the log-in, when it is late.
func checkPKCE(_ *Provider, a *authorization) error {
	challenge, method := a.params.Get("code_challenge"), a.params.Get("code_challenge_method")
	switch {
	case !a.wants("code"):
		return nil
	case challenge == "" && a.client.RequirePKCE:
		return errNoChallenge
	case challenge == "" && method == "":
		return nil
	case challenge == "":
		return wire.Refuse("invalid_request", "The parameter code_challenge is missing.")
	case method != "S256":
		return errNotS256
	case len(challenge) != 43 || strings.Trim(challenge, base64URL) != "":
		return wire.Refuse("invalid_request", "The code_challenge is not a SHA-256 in base64url.")
	}
	return nil
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func readPrompt(_ *Provider, a *authorization) error {
	a.prompt = strings.Fields(a.params.Get("prompt"))
	for _, one := range a.prompt {
		if !slices.Contains(prompts, one) {
			return wire.Refuse("invalid_request", "The prompt has a value that does not exist.")
		}
	}
	if len(a.prompt) > 1 && slices.Contains(a.prompt, "none") {
		return wire.Refuse("invalid_request", "The prompt none excludes the others.")
	}
	return nil
}

// prompts are the values of prompt. OIDC Core §3.1.2.1, OpenID Connect Prompt Create §4.
var prompts = []string{"none", "login", "consent", "select_account", "create"}

func readMaxAge(_ *Provider, a *authorization) error {
	if !a.params.Has("max_age") {
		if most := a.client.DefaultMaxAge; most != nil { // OIDC Registration §2
			age := time.Duration(*most) * time.Second
			a.maxAge = &age
		}
		return nil
	}
	seconds, err := strconv.ParseUint(a.params.Get("max_age"), 10, 31)
	if err != nil {
		return wire.Refuse("invalid_request", "The max_age is not a number of seconds.")
	}
	age := time.Duration(seconds) * time.Second
	a.maxAge = &age
	return nil
}

// readClaimsParameter keeps the single claims whose scope the client is registered for.
func readClaimsParameter(_ *Provider, a *authorization) error {
	asked, ok := claims.ReadParameter(a.params.Get("claims"))
	if !ok {
		return wire.Refuse("invalid_request", "The claims parameter is not the JSON it has to be.")
	}
	a.claims = asked.Limit(a.client.Scopes)
	if !slices.Contains(a.scopes, "openid") {
		a.claims = asked.Limit(nil) // neither an ID token nor userinfo will be there
	}
	return nil
}

// readIDTokenHint takes only ID tokens that we gave to this client.
func readIDTokenHint(p *Provider, a *authorization) error {
	if a.params.Get("id_token_hint") == "" {
		return nil
	}
	h, ok := p.readHint(a.params.Get("id_token_hint"), p.Clock())
	if !ok || !slices.Contains(h.Clients, a.client.ID) {
		return wire.Refuse("invalid_request", "The id_token_hint is not an ID token of this client.")
	}
	a.wanted = []string{h.Subject}
	return nil
}

// readTarget keeps the place that the person wanted, if it is the client's own: after
// a mail is opened in another browser we send the person there (OIDC Core §4).
func readTarget(_ *Provider, a *authorization) error {
	if target := a.params.Get("target_link_uri"); a.client.OwnsTarget(target) {
		a.target = target
	}
	return nil
}
