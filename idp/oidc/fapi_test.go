package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/db/dbtest"
)

// TestFAPI2SecurityProfile walks through the modules of the OpenID Foundation's plan
// fapi2-security-profile-final (private_key_jwt, dpop, openid_connect), by the names
// they have there. Time, TLS and the person's clicks are other tests' business.
func TestFAPI2SecurityProfile(t *testing.T) {
	one, two := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	for _, module := range []struct {
		name string
		run  func(t *testing.T, one, two bank)
	}{
		{"discovery-end-point-verification", fapiDiscovery},
		{"happy-flow", fapiHappyFlow},
		{"user-rejects-authentication", fapiRejected},
		{"test-claims-parameter-identity-claims", fapiClaimsParameter},
		{"ensure-signed-client-assertion-with-RS256-fails", fapiRS256},
		{"ensure-authorization-request-without-state-success", fapiWithout("state")},
		{"ensure-authorization-request-without-nonce-success", fapiWithout("nonce")},
		{"ensure-authorization-request-with-64-char-nonce-success", fapiNonce(strings.Repeat("n", 64))},
		{"ensure-authorization-request-with-long-nonce", fapiNonce(strings.Repeat("n", 384))},
		{"ensure-authorization-request-with-long-state", fapiLongState},
		{"ensure-other-scope-order-succeeds", func(_ *testing.T, one, _ bank) { one.holds("scope=email openid profile") }},
		{"access-token-type-header-case-sensitivity", fapiSchemeCase},
		{"check-dpop-proof-nbf-exp", fapiProof(edits{"nbf": int64(0), "exp": int64(1 << 40)}, true)},
		{"ensure-dpop-proof-with-iat-10seconds-before-succeeds", fapiProofAt(-10*time.Second, true)},
		{"ensure-dpop-proof-with-iat-10seconds-after-succeeds", fapiProofAt(10*time.Second, true)},
		{"ensure-mismatched-dpop-jkt-fails", fapiMismatchedJKT},
		{"ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt", fapiCodeBoundByProof},
		{"ensure-token-endpoint-fails-with-mismatched-dpop-jkt", fapiCodeBoundByParameter},
		{"ensure-different-nonce-inside-and-outside-request-object", fapiInside("nonce=outside")},
		{"ensure-different-state-inside-and-outside-request-object", fapiInside("state=outside")},
		{"state-only-outside-request-object-not-used", fapiStateOnlyOutside},
		{"ensure-request-object-without-redirect-uri-fails", fapiPAR([]string{"redirect_uri"}, "invalid_request")},
		{"plain-fapi-tolerate-unregistered-redirect-uri", fapiPAR([]string{"redirect_uri=https://rp.test/unregistered"}, "invalid_request")},
		{"ensure-unsigned-authorization-request-without-using-par-fails", fapiWithoutPAR},
		{"ensure-response-type-code-idtoken-fails", fapiPAR([]string{"response_type=code id_token"}, "unsupported_response_type")},
		{"ensure-response-type-token-fails", fapiPAR([]string{"response_type=token"}, "unsupported_response_type")},
		{"ensure-client-id-in-token-endpoint", fapiOtherClientID},
		{"ensure-holder-of-key-required", fapiHolderOfKey},
		{"ensure-authorization-code-is-bound-to-client", fapiOtherClientsCode},
		{"attempt-reuse-authorization-code-after-one-second", fapiCodeTwice},
		{"ensure-token-endpoint-fails-with-expired-auth-code", fapiOldCode},
		{"ensure-client-assertion-in-token-endpoint", fapiNoAssertion},
		{"ensure-client-assertion-with-exp-is-5-minutes-in-past-fails", fapiAssertion(edits{"exp": -300}, false)},
		{"ensure-client-assertion-with-wrong-aud-fails", fapiAssertion(edits{"aud": "https://other.test"}, false)},
		{"ensure-client-assertion-with-no-sub-fails", fapiAssertion(edits{"sub": nil}, false)},
		{"ensure-client-assertion-with-iat-is-8-seconds-in-future-succeeds", fapiAssertion(edits{"iat": 8}, true)},
		{"ensure-client-assertion-with-nbf-is-8-seconds-in-future-succeeds", fapiAssertion(edits{"nbf": 8}, true)},
		{"ensure-client-assertion-with-iat-is-over-60-seconds-in-future-fails", fapiAssertion(edits{"iat": 65}, false)},
		{"ensure-client-assertion-with-nbf-is-over-60-seconds-in-future-fails", fapiAssertion(edits{"nbf": 65}, false)},
		{"par-test-array-as-audience-fails", fapiAssertion(edits{"aud": []string{one.provider.Issuer}}, false)},
		{"par-test-par-endpoint-url-as-audience-fails", fapiAssertion(edits{"aud": one.provider.Issuer + "/oauth2/par"}, false)},
		{"par-test-token-endpoint-url-as-audience-fails", fapiAssertion(edits{"aud": one.provider.Issuer + "/oauth2/token"}, false)},
		{"dpop-negative-tests", fapiProofsAtTheResource},
		{"refresh-token", fapiRefresh},
		{"par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", fapiRequestTwiceBeforeLogin},
		{"par-attempt-reuse-request_uri", fapiRequestTwice},
		{"par-attempt-to-use-expired-request_uri", fapiOldRequest},
		{"par-attempt-to-use-request_uri-for-different-client", fapiOtherClientsRequest},
		{"par-attempt-invalid-request_uri-parameter", fapiPAR([]string{"request_uri=urn:ietf:params:oauth:request_uri:x"}, "invalid_request")},
		{"par-attempt-invalid-http-method", fapiGetPAR},
		{"par-ensure-pkce-required", fapiPAR([]string{"code_challenge", "code_challenge_method"}, "invalid_request")},
		{"par-ensure-pkce-code-verifier-required", fapiVerifier("")},
		{"ensure-incorrect-pkce-code-verifier-rejected", fapiVerifier(strings.Repeat("x", 43))},
		{"par-ensure-plain-pkce-rejected", fapiPAR([]string{"code_challenge=" + verifier, "code_challenge_method=plain"}, "invalid_request")},
		{"par-without-duplicate-parameters", func(_ *testing.T, one, two bank) { one.holds(); two.holds() }},
	} {
		t.Run(module.name, func(t *testing.T) {
			w := *one.world
			w.t = t
			w.logIn() // a module may have moved the clock
			one.world, two.world = &w, &w
			module.run(t, one, two)
		})
	}
}

func fapiDiscovery(t *testing.T, one, _ bank) {
	d := one.get("/.well-known/openid-configuration").json(t)
	if d["pushed_authorization_request_endpoint"] != one.provider.Issuer+"/oauth2/par" || d["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("%v", d)
	}
	for _, member := range []string{"dpop_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported", "request_object_signing_alg_values_supported"} {
		for _, alg := range []string{"PS256", "ES256", "EdDSA"} {
			if !has(d[member], alg) {
				t.Errorf("%s lacks %s: %v", member, alg, d[member])
			}
		}
	}
	if !has(d["code_challenge_methods_supported"], "S256") || has(d["dpop_signing_alg_values_supported"], "RS256") || !has(d["token_endpoint_auth_methods_supported"], "private_key_jwt") {
		t.Errorf("%v", d)
	}
}

func has(list any, value string) bool {
	all, _ := list.([]any)
	for _, one := range all {
		if one == value {
			return true
		}
	}
	return false
}

func fapiHappyFlow(t *testing.T, one, two bank) {
	got := one.pushes(one.wants())
	if got.StatusCode != 201 || got.json(t)["expires_in"] != 60.0 || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("PAR: status %d: %s", got.StatusCode, got.Body)
	}
	tokens := one.holds()
	if tokens["token_type"] != "DPoP" {
		t.Errorf("token_type %v, want DPoP", tokens["token_type"])
	}
	header, _ := one.claims(tokens["id_token"])
	if header.Algorithm != "ES256" || header.KeyID == "" {
		t.Errorf("ID token %+v, want ES256 with a kid", header)
	}
	if got := one.calls(tokens["access_token"], nil); got.StatusCode != 200 || got.Header.Get("Date") == "" {
		t.Errorf("resource: status %d: %s", got.StatusCode, got.Body)
	}
	if got := one.get("/oauth2/userinfo?access_token="+url.QueryEscape(tokens["access_token"].(string)), one.proves("GET", "/oauth2/userinfo", nil)); got.StatusCode < 400 {
		t.Error("a token in the query is taken")
	}
	sent := two.visits(two.pushed("dpop_jkt="+jkt(t, two.dpop)), "extra=tolerated")
	if at := sent.Header.Get("Location"); !strings.HasPrefix(at, two.callback+"&code=") {
		t.Errorf("Location %q", at)
	}
	second := two.redeems(sent.sent(t).Get("code"), nil).json(t)
	stolen := one
	if got := stolen.calls(second["access_token"], nil); got.StatusCode != 401 {
		t.Errorf("client 2's token with client 1's key: status %d, want 401", got.StatusCode)
	}
	for _, token := range []any{tokens["access_token"], second["access_token"]} {
		if len(token.(string)) < 22 {
			t.Errorf("token %q has less than 128 bits", token)
		}
	}
}

func fapiRejected(t *testing.T, one, two bank) {
	for _, p := range []bank{one, two} {
		got := p.visits(p.pushed("prompt=consent"))
		u, err := url.Parse(got.Header.Get("Location"))
		must(t, err)
		s, id := p.session, u.Query().Get("interaction")
		must(t, p.provider.Interaction.Consent(t.Context(), id, p.cookies[sessions.BrowserCookieName], &s, false))
		refused(t, p.id, p.comesBack(id), "access_denied")
	}
}

func fapiClaimsParameter(t *testing.T, one, _ bank) {
	asked := `{"id_token":{"email":null,"given_name":{"essential":true}},"userinfo":{"family_name":null}}`
	tokens := one.holds("scope=openid", "claims="+asked)
	_, claims := one.claims(tokens["id_token"])
	about := one.calls(tokens["access_token"], nil).json(t)
	if claims["email"] == nil || claims["given_name"] == nil || about["family_name"] == nil || about["email"] != nil {
		t.Errorf("ID token %v, userinfo %v", claims, about)
	}
}

func fapiRS256(t *testing.T, one, _ bank) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	own := startOn(t, dbtest.SQLite(t, schema.FS))
	own.replaceClients(clients.Client{
		ID: "three", Profile: clients.FAPI2Security, RedirectURIs: []string{one.callback},
		JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1"}}},
	})
	three := bank{world: own, id: "three", callback: one.callback}
	for alg, good := range map[jose.SignatureAlgorithm]bool{jose.RS256: false, jose.PS256: true} {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
		must(t, err)
		now := own.clock.Now().Unix()
		text, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": "three", "sub": "three", "aud": own.provider.Issuer, "jti": string(alg), "iat": now, "exp": now + 60,
		}).Serialize()
		must(t, err)
		form := three.wants("client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion="+text)
		if got := three.post("/oauth2/par", form); good && got.StatusCode != 201 {
			t.Errorf("%s: %s", alg, got.Body)
		} else if !good {
			oneOf(t, got, "invalid_client")
		}
	}
}

func fapiWithout(parameter string) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) {
		sent := one.visits(one.pushed(parameter)).sent(t)
		if sent.Has("state") != (parameter != "state") || !sent.Has("code") {
			t.Fatalf("answer %v", sent)
		}
		_, claims := one.claims(one.redeems(sent.Get("code"), nil).json(t)["id_token"])
		if _, ok := claims["nonce"]; ok != (parameter != "nonce") {
			t.Errorf("nonce %v", claims["nonce"])
		}
	}
}

func fapiNonce(nonce string) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) {
		if _, claims := one.claims(one.holds("nonce=" + nonce)["id_token"]); claims["nonce"] != nonce {
			t.Errorf("nonce %v, want it back", claims["nonce"])
		}
	}
}

func fapiLongState(t *testing.T, one, _ bank) {
	long := strings.Repeat("s", 1000)
	if sent := one.visits(one.pushed("state=" + long)).sent(t); sent.Get("state") != long {
		t.Errorf("state %q, want it back", sent.Get("state"))
	}
}

func fapiSchemeCase(t *testing.T, one, _ bank) {
	token := one.holds()["access_token"].(string)
	got := one.get("/oauth2/userinfo", "Authorization: dPoP "+token, one.proves("GET", "/oauth2/userinfo", edits{"ath": hashOf(token)}))
	if got.StatusCode != 200 {
		t.Errorf("dPoP: status %d: %s", got.StatusCode, got.Body)
	}
}

func fapiProof(changes edits, good bool) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) {
		got := one.redeems(one.gets(), nil, one.proves("POST", "/oauth2/token", changes))
		if (got.StatusCode == 200) != good {
			t.Errorf("status %d: %s", got.StatusCode, got.Body)
		}
	}
}

func fapiProofAt(shift time.Duration, good bool) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, two bank) {
		fapiProof(edits{"iat": one.clock.Now().Add(shift).Unix()}, good)(t, one, two)
	}
}

func fapiMismatchedJKT(t *testing.T, one, two bank) {
	got := one.pushes(one.wants("dpop_jkt="+jkt(t, two.dpop)), one.proves("POST", "/oauth2/par", nil))
	oneOf(t, got, "invalid_request", "invalid_dpop_proof")
}

func fapiCodeBoundByProof(t *testing.T, one, two bank) {
	for _, c := range []struct {
		key  bank
		good bool
	}{{one, true}, {two, false}} {
		got := one.pushes(one.wants(), one.proves("POST", "/oauth2/par", nil))
		code := one.visits(got.json(t)["request_uri"].(string)).sent(t).Get("code")
		got = one.redeems(code, nil, c.key.proves("POST", "/oauth2/token", nil))
		if c.good && got.StatusCode != 200 {
			t.Errorf("with the same key: %s", got.Body)
		} else if !c.good {
			oneOf(t, got, "invalid_grant", "invalid_request", "invalid_dpop_proof")
		}
	}
}

func fapiCodeBoundByParameter(t *testing.T, one, two bank) {
	if got := one.redeems(one.gets("dpop_jkt="+jkt(t, one.dpop)), nil); got.StatusCode != 200 {
		t.Errorf("with the same key: %s", got.Body)
	}
	got := one.redeems(one.gets("dpop_jkt="+jkt(t, one.dpop)), nil, two.proves("POST", "/oauth2/token", nil))
	oneOf(t, got, "invalid_grant", "invalid_request", "invalid_dpop_proof")
	oneOf(t, one.pushes(one.wants("dpop_jkt=short")), "invalid_request")
}

func fapiInside(outside string) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) {
		sent := one.visits(one.pushed(), outside).sent(t)
		_, claims := one.claims(one.redeems(sent.Get("code"), nil).json(t)["id_token"])
		if sent.Get("state") != "the-state" || claims["nonce"] != "the-nonce" {
			t.Errorf("state %q, nonce %q: not the pushed ones", sent.Get("state"), claims["nonce"])
		}
	}
}

func fapiStateOnlyOutside(t *testing.T, one, _ bank) {
	if sent := one.visits(one.pushed("state"), "state=outside").sent(t); sent.Has("state") {
		t.Errorf("state %q was not pushed", sent.Get("state"))
	}
}

func fapiPAR(changes []string, code string) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) { oneOf(t, one.pushes(one.wants(changes...)), code) }
}

func fapiWithoutPAR(t *testing.T, one, _ bank) {
	refused(t, "a request that was not pushed", one.get("/oauth2/authorize?"+one.wants().Encode()), "invalid_request")
}

func fapiOtherClientID(t *testing.T, one, two bank) {
	got := one.redeems(one.gets(), func(form url.Values) { form.Set("client_id", two.id) })
	oneOf(t, got, "invalid_client", "invalid_grant")
}

func fapiHolderOfKey(t *testing.T, one, _ bank) {
	code := one.gets()
	oneOf(t, one.redeems(code, nil, "X-None: x"), "invalid_request", "invalid_grant", "invalid_dpop_proof")
}

func fapiOtherClientsCode(t *testing.T, one, two bank) {
	wantError(t, two.redeems(one.gets(), nil), 400, "invalid_grant")
}

func fapiCodeTwice(t *testing.T, one, _ bank) {
	code := one.gets()
	token := one.redeems(code, nil).json(t)["access_token"]
	one.clock.Move(time.Second)
	wantError(t, one.redeems(code, nil), 400, "invalid_grant")
	if got := one.calls(token, nil); got.StatusCode != 401 {
		t.Errorf("the token of a code used twice: status %d, want 401", got.StatusCode)
	}
}

func fapiOldCode(t *testing.T, one, _ bank) {
	code := one.gets()
	one.clock.Move(62 * time.Second)
	wantError(t, one.redeems(code, nil), 400, "invalid_grant")
}

func fapiNoAssertion(t *testing.T, one, _ bank) {
	got := one.redeems(one.gets(), func(form url.Values) { form.Del("client_assertion"); form.Del("client_assertion_type") })
	oneOf(t, got, "invalid_client", "invalid_request")
}

// fapiAssertion changes the assertion at PAR; numbers are seconds from now.
func fapiAssertion(changes edits, good bool) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) {
		all := edits{}
		for name, value := range changes {
			all[name] = value
			if seconds, ok := value.(int); ok {
				all[name] = one.clock.Now().Unix() + int64(seconds)
			}
		}
		got := one.pushes(with(one.wants(), "client_assertion="+one.asserts(all)))
		if good && got.StatusCode != 201 {
			t.Errorf("status %d: %s", got.StatusCode, got.Body)
		} else if !good {
			oneOf(t, got, "invalid_client", "invalid_request")
		}
		code := one.gets()
		if got = one.redeems(code, func(form url.Values) { form.Set("client_assertion", one.asserts(all)) }); (got.StatusCode == 200) != good {
			t.Errorf("token endpoint: status %d: %s", got.StatusCode, got.Body)
		}
	}
}

func fapiRefresh(t *testing.T, one, two bank) {
	first := one.offlineTokens()
	refresh, _ := first["refresh_token"].(string)
	if refresh == "" {
		t.Fatalf("no refresh token: %v", first)
	}
	with := func(p bank, headers ...string) answer {
		form := p.credentials()
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", refresh)
		return p.post("/oauth2/token", form, headers...)
	}
	for range 2 { // the same token again, after 30 s: it does not rotate
		got := with(one, one.proves("POST", "/oauth2/token", nil))
		if got.StatusCode != 200 || got.json(t)["token_type"] != "DPoP" || got.json(t)["refresh_token"] != nil {
			t.Fatalf("status %d: %s", got.StatusCode, got.Body)
		}
		if got := one.calls(got.json(t)["access_token"], nil); got.StatusCode != 200 {
			t.Errorf("its access token: status %d", got.StatusCode)
		}
		one.clock.Move(30 * time.Second)
	}
	oneOf(t, with(one), "invalid_dpop_proof", "invalid_request")
	oneOf(t, with(two, two.proves("POST", "/oauth2/token", nil)), "invalid_grant")
	got := one.post("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {one.id}}, one.proves("POST", "/oauth2/token", nil))
	oneOf(t, got, "invalid_client")
}

func fapiRequestTwiceBeforeLogin(t *testing.T, one, _ bank) {
	uri := one.pushed()
	delete(one.cookies, "tegata_session")
	for range 2 {
		if got := one.visits(uri); !strings.HasPrefix(got.Header.Get("Location"), "/login?") {
			t.Fatalf("Location %q, want the log-in", got.Header.Get("Location"))
		}
	}
	one.logIn()
	if sent := one.visits(uri).sent(t); !sent.Has("code") {
		t.Errorf("%v, want a code", sent)
	}
}

func fapiRequestTwice(t *testing.T, one, _ bank) {
	for _, how := range []string{"prompt", "prompt=none"} {
		uri := one.pushed(how)
		if sent := one.visits(uri).sent(t); !sent.Has("code") {
			t.Fatalf("%s: %v", how, sent)
		}
		refused(t, how, one.visits(uri), "invalid_request_uri")
	}
}

func fapiOldRequest(t *testing.T, one, _ bank) {
	uri := one.pushed()
	one.clock.Move(time.Minute)
	refused(t, "an expired request_uri", one.visits(uri), "invalid_request_uri")
}

func fapiOtherClientsRequest(t *testing.T, one, two bank) {
	uri := one.pushed()
	stranger := two
	wantPage(t, "another client's request_uri", stranger.visits(uri))
	wantPage(t, "a guessed one", one.visits(uri[:len(uri)-4]+"AAAA"))
	wantPage(t, "one that never was", one.visits("urn:ietf:params:oauth:request_uri:x"))
}

func fapiGetPAR(t *testing.T, one, _ bank) {
	if got := one.get("/oauth2/par?" + one.wants().Encode()); got.StatusCode != 405 || got.Header.Get("Allow") != "POST, OPTIONS" {
		t.Errorf("GET: status %d, Allow %q", got.StatusCode, got.Header.Get("Allow"))
	}
}

func fapiVerifier(text string) func(*testing.T, bank, bank) {
	return func(t *testing.T, one, _ bank) {
		got := one.redeems(one.gets(), func(form url.Values) {
			form.Set("code_verifier", text)
			if text == "" {
				form.Del("code_verifier")
			}
		})
		wantError(t, got, 400, "invalid_grant")
	}
}
