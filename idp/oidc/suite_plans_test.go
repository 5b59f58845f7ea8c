package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestBasicPlan(t *testing.T) {
	p, _ := startOP(t).registers("code", nil)
	p.walk(t)
}

func TestFormPostBasicPlan(t *testing.T) {
	p, _ := startOP(t).registers("code", nil)
	p.mode = "form_post"
	p.walk(t)
}

func TestHybridPlan(t *testing.T) {
	o := startOP(t)
	for _, kind := range []string{"code id_token", "code token", "code id_token token"} {
		t.Run(kind, func(t *testing.T) {
			p, _ := o.in(t).registers(kind, nil)
			p.walk(t)
		})
		t.Run(kind+" by form_post", func(t *testing.T) {
			p, _ := o.in(t).registers(kind, nil)
			p.mode = "form_post"
			p.in(t).flow()
			p.fails(p.in(t).asks("prompt=none"), "the-state", "login_required")
		})
	}
}

func TestImplicitPlan(t *testing.T) {
	o := startOP(t)
	for _, kind := range []string{"id_token", "id_token token"} {
		t.Run(kind, func(t *testing.T) {
			p, _ := o.in(t).registers(kind, nil)
			p.walk(t)
		})
		t.Run(kind+" by form_post", func(t *testing.T) {
			p, _ := o.in(t).registers(kind, nil)
			p.mode = "form_post"
			p.in(t).flow()
		})
	}
}

func TestConfigPlan(t *testing.T) {
	o := startOP(t)
	t.Run("oidcc-discovery-endpoint-verification", func(t *testing.T) { verifyDiscovery(t, o.in(t)) })
}

// knownMetadata are the members that the suite knows; others are a warning there.
var knownMetadata = strings.Fields(`issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri registration_endpoint scopes_supported
	response_types_supported response_modes_supported grant_types_supported acr_values_supported subject_types_supported
	id_token_signing_alg_values_supported userinfo_signing_alg_values_supported request_object_signing_alg_values_supported
	token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported display_values_supported claim_types_supported
	claims_supported service_documentation claims_locales_supported ui_locales_supported claims_parameter_supported request_parameter_supported
	request_uri_parameter_supported require_request_uri_registration op_policy_uri op_tos_uri revocation_endpoint
	revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported introspection_endpoint
	introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
	introspection_signing_alg_values_supported code_challenge_methods_supported end_session_endpoint check_session_iframe
	frontchannel_logout_supported frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported
	pushed_authorization_request_endpoint require_pushed_authorization_requests dpop_signing_alg_values_supported
	tls_client_certificate_bound_access_tokens mtls_endpoint_aliases authorization_response_iss_parameter_supported
	authorization_signing_alg_values_supported require_signed_request_object device_authorization_endpoint prompt_values_supported
	id_token_encryption_alg_values_supported id_token_encryption_enc_values_supported userinfo_encryption_alg_values_supported
	userinfo_encryption_enc_values_supported introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported
	authorization_details_types_supported authorization_encryption_alg_values_supported authorization_encryption_enc_values_supported`)

func verifyDiscovery(t *testing.T, o op) {
	got := o.get("/.well-known/openid-configuration")
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q", got.StatusCode, got.Header.Get("Content-Type"))
	}
	about := got.json(t)
	for name, value := range about {
		if !slices.Contains(knownMetadata, name) {
			t.Errorf("unknown member %s", name)
		}
		if text, ok := value.(string); ok && (strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri")) && !strings.HasPrefix(text, o.provider.Issuer+"/") {
			t.Errorf("%s lies at %s", name, text)
		}
		if list, ok := value.([]any); ok && len(list) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	for name, want := range map[string][]string{
		"subject_types_supported": {"public"}, "id_token_signing_alg_values_supported": {"RS256"}, "scopes_supported": {"openid"},
		"response_types_supported": {"code", "id_token", "id_token token"}, "grant_types_supported": {"authorization_code", "implicit"},
		"request_object_signing_alg_values_supported": {"RS256"}, "claims_supported": {"sub", "name", "birthdate", "phone_number", "address"},
		"response_modes_supported": {"query", "fragment", "form_post"}, "prompt_values_supported": {"create"}, "acr_values_supported": {"1"},
	} {
		for _, one := range want {
			if !slices.Contains(o.list(name), one) {
				t.Errorf("%s lacks %s: %v", name, one, o.list(name))
			}
		}
	}
	if about["issuer"] != o.provider.Issuer || about["claims_parameter_supported"] != true || about["registration_endpoint"] == nil || about["request_uri_parameter_supported"] != true {
		t.Errorf("document %v", about)
	}
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal([]byte(o.get("/oauth2/jwks").Body), &set))
	seen := map[string]bool{}
	for _, key := range set.Keys {
		if seen[key.KeyID] || key.KeyID == "" || !key.Valid() || !key.IsPublic() {
			t.Errorf("key %q", key.KeyID)
		}
		seen[key.KeyID] = true
	}
}

func TestRPInitiatedLogoutPlan(t *testing.T) {
	p, _ := startOP(t).registers("code", nil)
	const home = "post_logout_redirect_uri=https://rp.test/bye"
	state := strings.Repeat("s", 128)
	other := start(t).logIn()
	foreign := other.tokens("tracker")["id_token"].(string)
	changed := func(hint string) string {
		return unsigned(`{"iss":"x"}`)[:20] + "." + strings.Split(hint, ".")[1] + "."
	}
	for name, c := range map[string]struct {
		values   func(hint string) []string
		location string // where the browser goes, "" for a page of ours
		out      bool   // whether prompt=none fails at once
	}{
		"":          {func(hint string) []string { return []string{"id_token_hint=" + hint, home, "state=" + state} }, "https://rp.test/bye?state=" + state, true},
		"-no-state": {func(hint string) []string { return []string{"id_token_hint=" + hint, home} }, "https://rp.test/bye", true},
		"-bad-post-logout-redirect-uri": {func(hint string) []string {
			return []string{"id_token_hint=" + hint, "post_logout_redirect_uri=https://rp.test/other"}
		}, "", false},
		"-query-added-to-post-logout-redirect-uri": {func(hint string) []string { return []string{"id_token_hint=" + hint, home + "?foo=bar"} }, "", false},
		"-modified-id-token-hint":                  {func(hint string) []string { return []string{"id_token_hint=" + changed(hint), home} }, "", false},
		"-bad-id-token-hint":                       {func(string) []string { return []string{"id_token_hint=" + foreign, home} }, "", false},
		"-no-id-token-hint":                        {func(string) []string { return []string{home, "client_id=" + p.id} }, "", false},
		"-no-params":                               {func(string) []string { return nil }, "", false},
		"-no-post-logout-redirect-uri":             {func(hint string) []string { return []string{"id_token_hint=" + hint, "state=" + state} }, "", true},
		"-only-state":                              {func(string) []string { return []string{"state=" + state} }, "", false},
	} {
		t.Run("oidcc-tester-initiated-logout"+name, func(t *testing.T) {
			p := p.in(t)
			hint := p.flow().tokens["id_token"].(string)
			got := p.get("/oauth2/logout?" + with(url.Values{}, c.values(hint)...).Encode())
			where := got.Header.Get("Location")
			if c.location != "" && where != c.location || c.location == "" && where != "" && where != "/logout" {
				t.Errorf("sent to %q", where)
			}
			silent := p.asks("prompt=none")
			if silent.Has("code") == c.out {
				t.Errorf("afterwards %v, want signed out %t", silent, c.out)
			}
		})
	}
	t.Run("oidcc-tester-initiated-logout-discovery-endpoint-verification", func(t *testing.T) {
		if p.in(t).get("/.well-known/openid-configuration").json(t)["end_session_endpoint"] != p.provider.Issuer+"/oauth2/logout" {
			t.Error("no end_session_endpoint")
		}
	})
}
