package oidc_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// module is one module of a plan.
type module struct {
	name  string
	needs string // a word of the response type, "" for none
	run   func(t *testing.T, p tester)
}

// modules are those of the basic plan, which hybrid, implicit and form_post share.
var modules = []module{
	{"server", "", func(t *testing.T, p tester) { p.flow() }},
	{"response-type-missing", "", responseTypeMissing},
	{"idtoken-signature", "", func(t *testing.T, p tester) {
		if alg := p.flow().header; alg != "RS256" {
			t.Errorf("signed with %s, want RS256", alg)
		}
	}},
	{"idtoken-unsigned", "", func(t *testing.T, p tester) {
		got := p.call("POST", "/oauth2/register", p.invitation, fields{"redirect_uris": []string{callback}, "id_token_signed_response_alg": "none"})
		wantError(t, got, 400, "invalid_client_metadata")
	}},
	{"userinfo-get", "token", func(t *testing.T, p tester) { p.flow() }},
	{"userinfo-post-header", "token", func(t *testing.T, p tester) {
		o := p.flow()
		if got := p.post("/oauth2/userinfo", nil, "Authorization: Bearer "+o.access); got.json(t)["sub"] != o.id["sub"] {
			t.Errorf("status %d %s", got.StatusCode, got.Body)
		}
	}},
	{"userinfo-post-body", "token", func(t *testing.T, p tester) {
		o := p.flow()
		if got := p.post("/oauth2/userinfo", url.Values{"access_token": {o.access}}); got.json(t)["sub"] != o.id["sub"] {
			t.Errorf("status %d %s", got.StatusCode, got.Body)
		}
	}},
	{"ensure-request-without-nonce", "", requestWithoutNonce},
	{"scope-profile", "", func(t *testing.T, p tester) { scopeTells(t, p, "profile") }},
	{"scope-email", "", scopeEmail},
	{"scope-address", "", func(t *testing.T, p tester) { scopeTells(t, p, "address") }},
	{"scope-phone", "", func(t *testing.T, p tester) { scopeTells(t, p, "phone") }},
	{"scope-all", "", func(t *testing.T, p tester) { scopeTells(t, p, "profile", "email", "address", "phone") }},
	{"alternate-happy-flow", "", func(t *testing.T, p tester) { p.flow("scope=email openid") }},
	{"display-page", "", func(t *testing.T, p tester) { p.flow("display=page") }},
	{"display-popup", "", func(t *testing.T, p tester) { p.flow("display=popup") }},
	{"prompt-login", "", func(t *testing.T, p tester) { logsInAgain(t, p, "prompt=login") }},
	{"prompt-none-not-logged-in", "", func(t *testing.T, p tester) {
		state := strings.Repeat("s", 128)
		p.fails(p.asks("prompt=none", "state="+state), state, "login_required", "interaction_required", "account_selection_required")
	}},
	{"prompt-none-logged-in", "", func(t *testing.T, p tester) { staysIn(t, p, "prompt=none") }},
	{"max-age-1", "", func(t *testing.T, p tester) { logsInAgain(t, p, "max_age=1") }},
	{"max-age-10000", "", func(t *testing.T, p tester) { staysIn(t, p, "max_age=10000") }},
	{"ensure-request-with-unknown-parameter-succeeds", "", func(t *testing.T, p tester) { p.flow("extra=foobar") }},
	{"id-token-hint", "", func(t *testing.T, p tester) {
		first := p.flow()
		hint, _ := first.tokens["id_token"].(string)
		if hint == "" {
			hint = first.front.Get("id_token")
		}
		if again := p.flow("prompt=none", "id_token_hint="+hint); again.id["sub"] != first.id["sub"] {
			t.Error("another person")
		}
	}},
	{"login-hint", "", func(t *testing.T, p tester) { p.flow("login_hint=buffy@example.org") }},
	{"ui-locales", "", func(t *testing.T, p tester) { p.flow("ui_locales=se") }},
	{"claims-locales", "", func(t *testing.T, p tester) { p.flow("claims_locales=se") }},
	{"ensure-request-with-acr-values-succeeds", "", func(t *testing.T, p tester) {
		if o := p.flow("acr_values=1 2"); o.id["acr"] != "1" {
			t.Errorf("acr %v", o.id["acr"])
		}
	}},
	{"codereuse", "code", func(t *testing.T, p tester) {
		o := p.flow()
		wantError(t, p.exchange(o.front.Get("code")), 400, "invalid_grant")
	}},
	{"codereuse-30seconds", "code", func(t *testing.T, p tester) {
		o := p.flow()
		p.clock.Move(30 * time.Second)
		wantError(t, p.exchange(o.front.Get("code")), 400, "invalid_grant")
		if got := p.userinfo(o.access); got.StatusCode != 401 {
			t.Errorf("the access token still works: status %d", got.StatusCode)
		}
	}},
	{"ensure-registered-redirect-uri", "", func(t *testing.T, p tester) {
		wantPage(t, "another address", p.get("/oauth2/authorize?"+p.request("redirect_uri="+callback+"/other").Encode()))
	}},
	{"ensure-post-request-succeeds", "", func(t *testing.T, p tester) {
		p.complete(p.follow(p.post("/oauth2/authorize", p.request(), "Origin: https://rp.test", "Sec-Fetch-Site: cross-site")), "the-nonce")
	}},
	{"server-client-secret-post", "code", func(t *testing.T, p tester) {
		other, _ := p.registers(p.kind, fields{"token_endpoint_auth_method": "client_secret_post"})
		other.mode = p.mode
		other.flow()
	}},
	{"request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", "", func(t *testing.T, p tester) {
		p.fails(p.asks("request_uri=https://rp.test/request.jwt"), "the-state", "request_uri_not_supported")
	}},
	{"unsigned-request-object-supported-correctly-or-rejected-as-unsupported", "", func(t *testing.T, p tester) {
		p.fails(p.asks("request="+unsigned(`{"state":"inside"}`)), "the-state", "request_not_supported", "invalid_request_object")
	}},
	{"claims-essential", "", func(t *testing.T, p tester) {
		o := p.flow(`claims={"userinfo":{"name":{"essential":true}}}`)
		if o.userinfo != nil && o.userinfo["name"] != "Maya Lindqvist" || o.id["name"] != nil {
			t.Errorf("userinfo %v, ID token %v", o.userinfo, o.id)
		}
	}},
	{"ensure-request-object-with-redirect-uri", "", func(t *testing.T, p tester) {
		if slices.Contains(p.list("request_object_signing_alg_values_supported"), "none") {
			t.Error("request objects without a signature are said to exist")
		}
	}},
	{"refresh-token", "code", refreshToken},
	{"ensure-request-with-valid-pkce-succeeds", "code", func(t *testing.T, p tester) {
		front := p.asks("code_challenge="+challenge(), "code_challenge_method=S256")
		got := p.brings(url.Values{"grant_type": {"authorization_code"}, "code": {front.Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier}})
		if got.StatusCode != 200 {
			t.Errorf("status %d %s", got.StatusCode, got.Body)
		}
	}},
}

// walk runs the modules that exist for the party's response type.
func (p tester) walk(t *testing.T) {
	for _, m := range modules {
		tokens := strings.Contains(p.kind, "code") || slices.Contains(strings.Fields(p.kind), "token")
		if m.needs == "code" && !strings.Contains(p.kind, "code") || m.needs == "token" && !tokens {
			continue
		}
		t.Run("oidcc-"+m.name, func(t *testing.T) { m.run(t, p.in(t)) })
	}
}

// list gives a list of the discovery document.
func (o op) list(name string) []string {
	o.t.Helper()
	var texts []string
	all, _ := o.get("/.well-known/openid-configuration").json(o.t)[name].([]any)
	for _, one := range all {
		texts = append(texts, one.(string))
	}
	return texts
}

func responseTypeMissing(t *testing.T, p tester) {
	got := p.get("/oauth2/authorize?" + p.request("response_type").Encode())
	if p.mode == "form_post" {
		p.fails(p.posted(got), "the-state", "invalid_request")
		return
	}
	p.kind = "code" // nobody knows another place for the answer
	p.fails(p.follow(got), "the-state", "invalid_request", "unsupported_response_type")
}

func requestWithoutNonce(t *testing.T, p tester) {
	if !strings.Contains(p.kind, "id_token") {
		p.flow("nonce")
		return
	}
	p.fails(p.asks("nonce"), "the-state", "invalid_request")
}

// claimsOf is what the scopes have to tell about a person who tells everything.
var claimsOf = map[string][]string{
	"profile": {"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
		"birthdate", "zoneinfo", "locale", "updated_at"},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

func scopeTells(t *testing.T, p tester, scopes ...string) {
	o := p.flow("scope=openid " + strings.Join(scopes, " "))
	for _, scope := range scopes {
		for _, name := range claimsOf[scope] {
			if o.says(name) == nil {
				t.Errorf("%s: no %s", scope, name)
			}
			if o.userinfo != nil && o.id[name] != nil {
				t.Errorf("%s is in the ID token, too", name)
			}
		}
		if !slices.Contains(p.list("scopes_supported"), scope) {
			t.Errorf("%s is not among the scopes", scope)
		}
	}
	if address, ok := o.says("address").(map[string]any); slices.Contains(scopes, "address") && (!ok || address["street_address"] != "Storgatan 1") {
		t.Errorf("address %v", o.says("address"))
	}
}

func scopeEmail(t *testing.T, p tester) {
	scopeTells(t, p, "email")
	if o := p.flow("scope=openid email"); o.says("name") != nil || o.says("email") != "maya@example.org" || o.says("email_verified") != true {
		t.Errorf("userinfo %v, ID token %v", o.userinfo, o.id)
	}
}

// logsInAgain fails unless the second of two flows asked for the password.
func logsInAgain(t *testing.T, p tester, change string) {
	first := p.flow()
	p.clock.Move(2 * time.Second)
	second := p.flow(change)
	before, after := first.id["auth_time"].(float64), second.id["auth_time"].(float64)
	if after <= before || after < float64(p.provider.Clock().Unix()-5) || first.id["sub"] != second.id["sub"] {
		t.Errorf("auth_time %.0f, then %.0f", before, after)
	}
}

// staysIn fails unless the second flow went without asking.
func staysIn(t *testing.T, p tester, change string) {
	first := p.flow()
	p.clock.Move(2 * time.Second)
	second := p.flow(change)
	if first.id["auth_time"] != second.id["auth_time"] || first.id["sub"] != second.id["sub"] {
		t.Errorf("%v, then %v", first.id, second.id)
	}
}

func refreshToken(t *testing.T, p tester) {
	first := p.flow("scope=openid offline_access", "prompt=consent")
	token, _ := first.tokens["refresh_token"].(string)
	if token == "" {
		t.Fatal("no refresh token")
	}
	p.clock.Move(time.Second)
	refresh := func(p tester, token string) answer {
		return p.brings(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	}
	got := refresh(p, token)
	if got.StatusCode != 200 {
		t.Fatalf("status %d %s", got.StatusCode, got.Body)
	}
	tokens := got.json(t)
	if tokens["access_token"] == first.tokens["access_token"] {
		t.Error("the same access token")
	}
	if id, ok := tokens["id_token"]; ok {
		_, claims := p.claims(id)
		if claims["iss"] != first.id["iss"] || claims["sub"] != first.id["sub"] || claims["aud"] != first.id["aud"] || claims["auth_time"] != first.id["auth_time"] {
			t.Errorf("%v, then %v", first.id, claims)
		}
	}
	if next, ok := tokens["refresh_token"].(string); ok {
		token = next
	}
	second, _ := p.registers(p.kind, nil)
	wantError(t, refresh(second, token), 400, "invalid_grant")
}

// unsigned is a JWT that proves nothing.
func unsigned(claims string) string {
	return "eyJhbGciOiJub25lIn0." + encoded(claims) + "."
}
