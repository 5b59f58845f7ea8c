package oidc_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db/dbtest"
)

// object is a request object of the bank: its good request, with members changed.
func (p bank) object(changes edits) string {
	p.t.Helper()
	return signed(p.t, p.key, edits{"kid": "k1", "typ": "oauth-authz-req+jwt"}, changes.apply(p.objectClaims()))
}

func (p bank) objectClaims() map[string]any {
	now := p.clock.Now()
	claims := map[string]any{
		"iss": p.id, "aud": p.provider.Issuer, "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name, values := range p.wants() {
		claims[name] = values[0]
	}
	return claims
}

func asObject(text string) url.Values { return url.Values{"request": {text}} }

// TestFAPI2MessageSigning walks through what fapi2-message-signing-final adds to the
// security profile: signed requests and signed answers.
func TestFAPI2MessageSigning(t *testing.T) {
	one, two := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2MessageSigning)
	got := one.pushes(asObject(one.object(nil)))
	if got.StatusCode != 201 {
		t.Fatalf("happy-flow: %s", got.Body)
	}
	sent := one.visits(got.json(t)["request_uri"].(string)).sent(t)
	if got := one.redeems(sent.Get("code"), nil); got.StatusCode != 200 || sent.Get("state") != "the-state" {
		t.Fatalf("happy-flow: %v, %s", sent, got.Body)
	}
	now := one.clock.Now()
	for _, c := range []struct {
		name   string
		good   bool
		change edits
	}{
		{"aud is a list with us", true, edits{"aud": []string{one.provider.Issuer}}},
		{"no iss", true, edits{"iss": nil}},
		{"nbf 8 s ahead", true, edits{"nbf": now.Unix() + 8}},
		{"nbf 10 min ago", true, edits{"nbf": now.Unix() - 600}},
		{"no aud", false, edits{"aud": nil}},
		{"another aud", false, edits{"aud": "https://other.test"}},
		{"no exp", false, edits{"exp": nil}},
		{"no nbf", false, edits{"nbf": nil}},
		{"expired", false, edits{"exp": now.Unix() - 60, "nbf": now.Unix() - 300}},
		{"nbf 65 s ahead", false, edits{"nbf": now.Unix() + 65}},
		{"nbf 70 min ago", false, edits{"nbf": now.Unix() - 4200, "exp": now.Unix() - 600 + 900}},
		{"exp 70 min after nbf", false, edits{"exp": now.Unix() + 4200}},
		{"another client", false, edits{"client_id": "two"}},
		{"no client_id", false, edits{"client_id": nil}},
		{"another iss", false, edits{"iss": "two"}},
		{"sub is the client", false, edits{"sub": "one"}},
		{"request inside", false, edits{"request": "x"}},
		{"request_uri inside", false, edits{"request_uri": "https://rp.test/r"}},
	} {
		got := one.pushes(asObject(one.object(c.change)))
		if c.good && got.StatusCode != 201 {
			t.Errorf("%s: %s", c.name, got.Body)
		} else if !c.good && (got.StatusCode != 400 || got.json(t)["error"] != "invalid_request_object") {
			t.Errorf("%s: status %d %s", c.name, got.StatusCode, got.Body)
		}
	}
	oneOf(t, one.pushes(one.wants()), "invalid_request", "invalid_request_object")              // ensure-unsigned-request-at-par-endpoint-fails
	oneOf(t, one.pushes(asObject(one.object(edits{"redirect_uri": nil}))), "invalid_request")   // redirect_uri is missing inside
	oneOf(t, one.pushes(asObject(one.object(edits{"code_challenge": nil}))), "invalid_request") // PKCE outside would not count
	both := with(asObject(one.object(edits{"state": nil, "nonce": nil})), "state=outside", "nonce=outside")
	sent = one.visits(one.pushes(both).json(t)["request_uri"].(string)).sent(t) // state-only-outside-request-object-not-used
	_, claims := one.claims(one.redeems(sent.Get("code"), nil).json(t)["id_token"])
	if sent.Has("state") || claims["nonce"] != nil {
		t.Errorf("what stood beside the object was used: %v, nonce %v", sent, claims["nonce"])
	}
	// the second client of the suite's happy-flow writes typ like this; RFC 7515 §4.1.9
	for _, typ := range []string{"OAutH-auThZ-REQ+Jwt", "application/oauth-authz-req+jwt", "jwt"} {
		if got := one.pushes(asObject(signed(t, one.key, edits{"typ": typ, "kid": "k1"}, one.objectClaims()))); got.StatusCode != 201 {
			t.Errorf("typ %s: %s", typ, got.Body)
		}
	}
	fapiForeignObjects(t, one, two)
	fapiSignedAnswers(t, one)
}

func fapiForeignObjects(t *testing.T, one, two bank) {
	good := one.object(nil)
	segments := strings.Split(good, ".")
	stolen := one
	stolen.key = two.key
	for name, text := range map[string]string{
		"signed by another client": stolen.object(nil), "a client assertion": one.asserts(nil), "changed": segments[0] + "." + segments[1] + "A." + segments[2],
		"alg none":     "eyJhbGciOiJub25lIn0." + segments[1] + ".",
		"no signature": segments[0] + "." + segments[1] + ".", "encrypted": "a.b.c.d.e", "too long": good + strings.Repeat("A", 17<<10),
		"typ of a proof":  signed(t, one.key, edits{"typ": "dpop+jwt", "kid": "k1"}, one.objectClaims()),
		"typ of a token":  signed(t, one.key, edits{"typ": "at+jwt", "kid": "k1"}, one.objectClaims()),
		"typ of another":  signed(t, one.key, edits{"typ": "application/AT+jwt", "kid": "k1"}, one.objectClaims()),
		"typ of nothing":  signed(t, one.key, edits{"typ": "application/", "kid": "k1"}, one.objectClaims()),
		"unknown kid":     signed(t, one.key, edits{"kid": "k2"}, one.objectClaims()),
		"a member twice":  byHand(t, one.key, `{"alg":"ES256","kid":"k1"}`, `{"client_id":"one","client_id":"one"}`),
		"not an object":   byHand(t, one.key, `{"alg":"ES256","kid":"k1"}`, `[]`),
		"critical header": byHand(t, one.key, `{"alg":"ES256","kid":"k1","crit":["x"],"x":1}`, `{}`),
	} {
		got := one.pushes(asObject(text))
		if got.StatusCode != 400 || !strings.Contains(got.Body, `"invalid_request`) {
			t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
		}
	}
}

// fapiSignedAnswers are the modules with fapi_response_mode jarm.
func fapiSignedAnswers(t *testing.T, one bank) {
	got := one.pushes(asObject(one.object(edits{"response_mode": "jwt"})))
	uri := got.json(t)["request_uri"].(string)
	sent := one.visits(uri).sent(t)
	header, claims := one.claims(sent.Get("response"))
	if header.Algorithm != "ES256" || claims["iss"] != one.provider.Issuer || claims["aud"] != "one" || claims["state"] != "the-state" || len(sent) != 1 {
		t.Errorf("answer %v, %+v, %v", sent, header, claims)
	}
	if exp := int64(claims["exp"].(float64)); exp <= one.clock.Now().Unix() || exp > one.clock.Now().Unix()+600 {
		t.Errorf("exp %d", exp)
	}
	if got := one.redeems(claims["code"].(string), nil); got.StatusCode != 200 {
		t.Errorf("its code: %s", got.Body)
	}
	_, claims = one.claims(one.visits(uri).sent(t).Get("response"))
	if claims["error"] != "invalid_request_uri" || claims["state"] != "the-state" {
		t.Errorf("a signed error: %v", claims)
	}
}

func TestSignedAnswers(t *testing.T) { // JARM §2.3
	w := start(t).logIn()
	for mode, before := range map[string]string{"jwt": callback + "?response=", "query.jwt": callback + "?response=", "fragment.jwt": callback + "#response="} {
		got := w.authorize("tracker", "response_mode="+mode)
		text, ok := strings.CutPrefix(got.Header.Get("Location"), before)
		if !ok {
			t.Errorf("%s: Location %q", mode, got.Header.Get("Location"))
			continue
		}
		header, claims := w.claims(text)
		if header.Algorithm != "RS256" || claims["code"] == nil || claims["iss"] != w.provider.Issuer || claims["aud"] != "tracker" {
			t.Errorf("%s: %+v %v", mode, header, claims)
		}
	}
	got := w.authorize("tracker", "response_mode=form_post.jwt")
	if !strings.Contains(got.Body, `name="response"`) || strings.Contains(got.Body, `name="code"`) || !strings.Contains(got.Body, `action="`+callback+`"`) {
		t.Errorf("form_post.jwt: %s", got.Body)
	}
	_, claims := w.claims(w.authorize("tracker", "response_mode=jwt", "prompt=foo").sent(t).Get("response"))
	if claims["error"] != "invalid_request" || claims["code"] != nil {
		t.Errorf("an error: %v", claims)
	}
}

// oidcBank is a client that follows OpenID Connect's own rules for request objects.
func oidcBank(t *testing.T, change func(*clients.Client)) bank {
	t.Helper()
	w := start(t)
	p := bank{w, "one", callback, newKey(t), newKey(t)}
	c := clients.Client{ID: p.id, RedirectURIs: []string{callback, "https://rp.test/other"}, JWKS: keySet(p.key), AuthMethod: clients.PrivateKeyJWT}
	if change != nil {
		change(&c)
	}
	w.replaceClients(c)
	w.logIn()
	return p
}

func TestRequestObjectsInTheBrowser(t *testing.T) { // OIDC Core §6.1
	p := oidcBank(t, nil)
	ask := func(object string, changes ...string) answer {
		return p.get("/oauth2/authorize?" + with(p.wants(changes...), "request="+object).Encode())
	}
	bare := func(members edits) string { return signed(t, p.key, edits{"kid": "k1"}, map[string]any(members)) }
	if sent := ask(bare(edits{})).sent(t); !sent.Has("code") { // nothing inside: everything counts from outside
		t.Errorf("an empty object: %v", sent)
	}
	if sent := ask(bare(edits{"state": "inside"})).sent(t); sent.Get("state") != "inside" {
		t.Errorf("state %q, want the object's", sent.Get("state"))
	}
	got := ask(bare(edits{"redirect_uri": "https://rp.test/other"})) // ensure-request-object-with-redirect-uri
	if !strings.HasPrefix(got.Header.Get("Location"), "https://rp.test/other?code=") {
		t.Errorf("Location %q, want the object's", got.Header.Get("Location"))
	}
	wantPage(t, "redirect_uri inside that is not registered", ask(bare(edits{"redirect_uri": "https://evil.test/"})))
	p.clock.Move(2 * time.Second)
	refused(t, "max_age is a number inside", ask(bare(edits{"max_age": 1, "prompt": "none"})), "login_required")
	p.clock.Move(-2 * time.Second)
	sent := ask(bare(edits{"claims": map[string]any{"id_token": map[string]any{"email": nil}}})).sent(t)
	form := with(p.credentials(), "grant_type=authorization_code", "code="+sent.Get("code"), "redirect_uri="+callback, "code_verifier="+verifier)
	if _, claims := p.claims(p.post("/oauth2/token", form).json(t)["id_token"]); claims["email"] != "hanako@example.org" {
		t.Errorf("claims as an object inside: %v", claims)
	}
	refused(t, "another response_type inside", ask(bare(edits{"response_type": "token"})), "invalid_request_object")
	refused(t, "another client_id inside", ask(bare(edits{"client_id": "two"})), "invalid_request_object")
	refused(t, "expired", ask(bare(edits{"exp": p.clock.Now().Unix() - 60})), "invalid_request_object")
	refused(t, "for somebody else", ask(bare(edits{"aud": "https://other.test"})), "invalid_request_object")
	wantPage(t, "a bad object and no address to tell", ask("x", "redirect_uri"))
	delete(p.cookies, "tegata_session") // it also outlasts the log-in
	id := strings.TrimPrefix(ask(bare(edits{"state": "inside"})).Header.Get("Location"), "/login?interaction=")
	p.typesPassword(id)
	if sent := p.comesBack(id).sent(t); sent.Get("state") != "inside" || !sent.Has("code") {
		t.Errorf("after the log-in: %v", sent)
	}
}

func TestRequestObjectsByTheLaterRules(t *testing.T) { // RFC 9101 §5, §10.5
	p := oidcBank(t, func(c *clients.Client) { c.RequireSignedRequest, c.RequestObjectAlg = true, "ES256" })
	refused(t, "not signed", p.get("/oauth2/authorize?"+p.wants().Encode()), "invalid_request")
	only := url.Values{"client_id": {p.id}, "request": {p.object(edits{"state": nil})}, "state": {"outside"}, "scope": {"openid email"}}
	if sent := p.get("/oauth2/authorize?" + only.Encode()).sent(t); !sent.Has("code") || sent.Has("state") {
		t.Errorf("client_id and request alone: %v", sent)
	}
	p = oidcBank(t, func(c *clients.Client) {
		c.RequestObjectAlg = "RS256"
		c.JWKS = &jose.JSONWebKeySet{Keys: append(rsaSet(0).Keys, c.JWKS.Keys...)}
	})
	refused(t, "another algorithm", p.get("/oauth2/authorize?"+with(p.wants(), "request="+p.object(nil)).Encode()), "invalid_request_object")
}

func TestNumbersInRequestObjects(t *testing.T) { // RFC 9101 §4: JSON types; fosite writes %!s(int64=300)
	p := oidcBank(t, nil)
	for text, good := range map[string]bool{"300": true, "300.0": true, "3e2": true, `"300"`: true, "300.5": false, "-1": false, "true": false, "{}": false, "[300]": false, "1e400": false} {
		claims, err := jsonText(p.objectClaims())
		must(t, err)
		object := byHand(t, p.key, `{"alg":"ES256","kid":"k1"}`, strings.TrimSuffix(claims, "}")+`,"max_age":`+text+"}")
		sent := p.get("/oauth2/authorize?" + with(url.Values{}, "client_id="+p.id, "response_type=code", "redirect_uri="+callback, "request="+object).Encode()).sent(t)
		if sent.Has("code") != good {
			t.Errorf("max_age %s: %v", text, sent)
		}
	}
	null := maps.Clone(p.objectClaims())
	null["login_hint"], null["nonce"] = nil, nil
	object := signed(t, p.key, edits{"kid": "k1"}, null)
	if sent := p.get("/oauth2/authorize?" + with(p.wants(), "request="+object).Encode()).sent(t); !sent.Has("code") {
		t.Errorf("null: %v", sent)
	}
}
