package oidc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/idp/clients"
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
	checkPKCE,
	checkThumbprint,
	readPrompt,
	readMaxAge,
	readClaimsParameter,
	readIDTokenHint,
	readTarget,
}

// checkSizes bounds what we have to carry around and give back.
func checkSizes(_ *Provider, a *authorization) error {
	if len(a.back.state) > maxState {
		a.back.state = ""
		return refuse("invalid_request", "The state is too long.")
	}
	if strings.ContainsFunc(a.back.state, unprintable) {
		a.back.state = "" // RFC 6749 Appendix A.5: %x20-7E
		return refuse("invalid_request", "The state has characters that are not allowed.")
	}
	if len(a.params.Get("nonce")) > maxNonce {
		return refuse("invalid_request", "The nonce is too long.")
	}
	if strings.ContainsRune(a.params.Get("nonce"), 0) {
		return refuse("invalid_request", "The nonce has characters that are not allowed.")
	}
	return nil
}

func unprintable(r rune) bool { return r < 0x20 || r > 0x7e }

// checkRequestObject refuses what is not there (OIDC Core §3.1.2.6).
func checkRequestObject(_ *Provider, a *authorization) error {
	switch {
	case a.params.Has("request"):
		return refuse("invalid_request", "There is a request object and a request_uri.")
	case a.params.Has("request_uri"):
		return refuse("request_uri_not_supported", sentences["request_uri_not_supported"])
	case a.params.Has("registration"):
		return refuse("registration_not_supported", sentences["registration_not_supported"])
	}
	return nil
}

// checkResponseType lets only the code flow through: no token ever travels through
// the browser (RFC 9700 §2.1.2).
func checkResponseType(_ *Provider, a *authorization) error {
	switch asked := a.params.Get("response_type"); {
	case asked == "":
		return refuse("invalid_request", "The parameter response_type is missing.")
	case !slices.Contains(a.client.ResponseTypes, asked) || asked != "code":
		return refuse("unsupported_response_type", sentences["unsupported_response_type"])
	case !a.client.May(clients.AuthorizationCode):
		return refuse("unauthorized_client", sentences["unauthorized_client"])
	}
	return nil
}

func checkResponseMode(_ *Provider, a *authorization) error {
	switch a.params.Get("response_mode") {
	case "", modeQuery, modeFormPost, modeJWT, modeQueryJWT, modeFragmentJWT, modeFormPostJWT:
		return nil
	}
	return refuse("invalid_request", "This response_mode does not exist here for response_type code.")
}

// readScopes keeps the scopes that exist here and that the client may ask for; OIDC
// Core §3.1.2.1 wants others ignored. offline_access needs a client that can use it
// and prompt=consent (OIDC Core §11).
func readScopes(_ *Provider, a *authorization) error {
	for _, scope := range strings.Fields(a.params.Get("scope")) {
		offline := scope == "offline_access"
		may := !offline || a.client.May(clients.RefreshToken) && slices.Contains(strings.Fields(a.params.Get("prompt")), "consent")
		if slices.Contains(a.client.Scopes, scope) && !slices.Contains(a.scopes, scope) && may {
			a.scopes = append(a.scopes, scope)
		}
	}
	return nil
}

// checkPKCE demands S256 where PKCE is used, and its use where the client must.
// RFC 7636 §4.4.1, RFC 9700 §2.1.1. Here and not after the log-in, when it is late.
func checkPKCE(_ *Provider, a *authorization) error {
	challenge, method := a.params.Get("code_challenge"), a.params.Get("code_challenge_method")
	switch {
	case challenge == "" && a.client.RequirePKCE:
		return refuse("invalid_request", "The client has to use PKCE: code_challenge is missing.")
	case challenge == "" && method == "":
		return nil
	case method != "S256":
		return refuse("invalid_request", "The code_challenge_method has to be S256.")
	case len(challenge) != 43 || strings.Trim(challenge, base64URL) != "":
		return refuse("invalid_request", "The code_challenge is not a SHA-256 in base64url.")
	}
	return nil
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func readPrompt(_ *Provider, a *authorization) error {
	a.prompt = strings.Fields(a.params.Get("prompt"))
	for _, one := range a.prompt {
		if !slices.Contains(prompts, one) {
			return refuse("invalid_request", "The prompt has a value that does not exist.")
		}
	}
	if len(a.prompt) > 1 && slices.Contains(a.prompt, "none") {
		return refuse("invalid_request", "The prompt none excludes the others.")
	}
	return nil
}

// prompts are the values of prompt. OIDC Core §3.1.2.1.
var prompts = []string{"none", "login", "consent", "select_account"}

func readMaxAge(_ *Provider, a *authorization) error {
	if !a.params.Has("max_age") {
		return nil
	}
	seconds, err := strconv.ParseUint(a.params.Get("max_age"), 10, 31)
	if err != nil {
		return refuse("invalid_request", "The max_age is not a number of seconds.")
	}
	age := time.Duration(seconds) * time.Second
	a.maxAge = &age
	return nil
}

func readClaimsParameter(_ *Provider, a *authorization) error {
	claims, ok := readClaims(a.params.Get("claims"))
	if !ok {
		return refuse("invalid_request", "The claims parameter is not the JSON it has to be.")
	}
	a.claims = claims
	return nil
}

// readIDTokenHint takes only ID tokens that we gave to this client.
func readIDTokenHint(p *Provider, a *authorization) error {
	if a.params.Get("id_token_hint") == "" {
		return nil
	}
	h, ok := p.readHint(a.params.Get("id_token_hint"), p.Clock())
	if !ok || !slices.Contains(h.Clients, a.client.ID) {
		return refuse("invalid_request", "The id_token_hint is not an ID token of this client.")
	}
	a.hint = h
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
