package oidc_test

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

// rawProof is a proof whose header and payload are written out, for what a JSON
// library would not write.
func (p bank) rawProof(t *testing.T, header, payload func(members string) string) string {
	t.Helper()
	key, err := json.Marshal(publicJWK(p.dpop))
	must(t, err)
	h := fmt.Sprintf(`"typ":"dpop+jwt","alg":"ES256","jwk":%s`, key)
	c := fmt.Sprintf(`"jti":"%s","htm":"GET","htu":"%s/oauth2/userinfo","iat":%d`, secret.Text(), p.provider.Issuer, p.clock.Now().Unix())
	if header != nil {
		h = header(h)
	}
	if payload != nil {
		c = payload(c)
	}
	return byHand(t, p.dpop, "{"+h+"}", "{"+c+"}")
}

func adding(more string) func(string) string { return func(s string) string { return s + "," + more } }

func replacing(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func privateJWK(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	k := publicJWK(key)
	k.Key = key
	b, err := json.Marshal(k)
	must(t, err)
	return string(b)
}

// fapiProofsAtTheResource is the module dpop-negative-tests. RFC 9449 §4.3, §7.
func fapiProofsAtTheResource(t *testing.T, one, two bank) {
	token := one.holds()["access_token"].(string)
	fapiProofClaims(t, one, token)
	fapiProofTexts(t, one, two, token)
	fapiProofUse(t, one, two, token)
}

func fapiProofClaims(t *testing.T, one bank, token string) {
	now, here := one.clock.Now().Unix(), one.provider.Issuer+"/oauth2/userinfo"
	port := strings.TrimPrefix(here, "http://127.0.0.1:")
	for _, c := range []struct {
		name  string
		good  bool
		proof edits
	}{
		{"as it should be", true, nil},
		{"query and fragment in htu", true, edits{"htu": here + "?a=b#c"}},
		{"claims nobody knows", true, edits{"extra": "x", "nbf": now - 5}},
		{"scheme in capitals", true, edits{"htu": "HTTP://127.0.0.1:" + port}},
		{"iat 10 s ago", true, edits{"iat": now - 10}},
		{"iat 10 s ahead", true, edits{"iat": now + 10}},
		{"no jti", false, edits{"jti": nil}},
		{"a long jti", false, edits{"jti": strings.Repeat("x", 600)}},
		{"no htm", false, edits{"htm": nil}},
		{"no htu", false, edits{"htu": nil}},
		{"no iat", false, edits{"iat": nil}},
		{"no ath", false, edits{"ath": nil}},
		{"htm POST", false, edits{"htm": "POST"}},
		{"htm get", false, edits{"htm": "get"}},
		{"htu of the token endpoint", false, edits{"htu": one.provider.Issuer + "/oauth2/token"}},
		{"htu of another host", false, edits{"htu": "https://evil.test/oauth2/userinfo"}},
		{"htu with a path more", false, edits{"htu": here + "/"}},
		{"htu with other case", false, edits{"htu": strings.Replace(here, "userinfo", "UserInfo", 1)}},
		{"htu is a list", false, edits{"htu": []string{here}}},
		{"htu with a user", false, edits{"htu": strings.Replace(here, "http://", "http://x@", 1)}},
		{"ath of another token", false, edits{"ath": hashOf("x")}},
		{"iat an hour ago", false, edits{"iat": now - 3600}},
		{"iat in an hour", false, edits{"iat": now + 3600}},
		{"iat 61 s ago", false, edits{"iat": now - 61}},
		{"iat 61 s ahead", false, edits{"iat": now + 61}},
	} {
		if got := one.calls(token, c.proof); (got.StatusCode == 200) != c.good {
			t.Errorf("%s: status %d: %s", c.name, got.StatusCode, got.Body)
		}
	}
}

// callsWith is the resource with the token and whatever stands for a proof.
func (p bank) callsWith(token, header string) answer {
	p.t.Helper()
	return p.get("/oauth2/userinfo", "Authorization: DPoP "+token, header)
}

func fapiProofTexts(t *testing.T, one, two bank, token string) {
	here, ath := one.provider.Issuer+"/oauth2/userinfo", `"ath":"`+hashOf(token)+`"`
	key, err := json.Marshal(publicJWK(one.dpop))
	must(t, err)
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"dpop+jwt","alg":"none","jwk":` + string(key) + `}`))
	good := strings.TrimPrefix(one.proves("GET", "/oauth2/userinfo", edits{"ath": hashOf(token)}), "DPoP: ")
	segments := strings.Split(good, ".")
	for name, text := range map[string]string{
		"typ twice":       one.rawProof(t, adding(`"typ":"dpop+jwt"`), adding(ath)),
		"jwk twice":       one.rawProof(t, adding(`"jwk":`+string(key)), adding(ath)),
		"jti twice":       one.rawProof(t, nil, adding(ath+`,"jti":"x"`)),
		"htm twice":       one.rawProof(t, nil, adding(ath+`,"htm":"GET"`)),
		"htu twice":       one.rawProof(t, nil, adding(ath+`,"htu":"`+here+`"`)),
		"iat twice":       one.rawProof(t, nil, adding(ath+`,"iat":1`)),
		"ath twice":       one.rawProof(t, nil, adding(ath+`,`+ath)),
		"no typ":          one.rawProof(t, replacing(`"typ":"dpop+jwt",`, ""), adding(ath)),
		"typ JWT":         one.rawProof(t, replacing("dpop+jwt", "JWT"), adding(ath)),
		"no jwk":          one.rawProof(t, replacing(`"jwk":`+string(key), `"kid":"x"`), adding(ath)),
		"a private jwk":   one.rawProof(t, replacing(string(key), privateJWK(t, one.dpop)), adding(ath)),
		"a symmetric jwk": one.rawProof(t, replacing(string(key), `{"kty":"oct","k":"AAAA"}`), adding(ath)),
		"another jwk": two.rawProof(t, func(h string) string {
			b, _ := json.Marshal(publicJWK(one.dpop))
			return `"typ":"dpop+jwt","alg":"ES256","jwk":` + string(b)
		}, adding(ath)),
		"alg HS256":        one.rawProof(t, replacing("ES256", "HS256"), adding(ath)),
		"alg RS256":        one.rawProof(t, replacing("ES256", "RS256"), adding(ath)),
		"alg none":         none + "." + segments[1] + ".",
		"no signature":     segments[0] + "." + segments[1] + ".",
		"broken signature": segments[0] + "." + segments[1] + "." + strings.Repeat("A", 86),
		"critical header":  one.rawProof(t, adding(`"crit":["x"],"x":1`), adding(ath)),
		"not a JWT":        "x", "empty": "", "too long": good + strings.Repeat("A", 9000), "two in one": good + ", " + good,
	} {
		got := one.callsWith(token, "DPoP: "+text)
		if got.StatusCode != 401 || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "DPoP ") {
			t.Errorf("%s: status %d, challenge %q: %s", name, got.StatusCode, got.Header.Get("WWW-Authenticate"), got.Body)
		}
	}
}

// fapiProofUse brings good proofs in bad ways.
func fapiProofUse(t *testing.T, one, two bank, token string) {
	good := one.proves("GET", "/oauth2/userinfo", edits{"ath": hashOf(token)})
	if got := one.callsWith(token, good); got.StatusCode != 200 {
		t.Fatalf("a good one: %s", got.Body)
	}
	if got := one.callsWith(token, good); got.StatusCode != 401 {
		t.Errorf("the same proof twice: status %d, want 401", got.StatusCode)
	}
	if got := two.calls(token, nil); got.StatusCode != 401 {
		t.Errorf("with another key: status %d, want 401", got.StatusCode)
	}
	if got := one.userinfo(token); got.StatusCode != 401 || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "DPoP ") {
		t.Errorf("as a bearer token: status %d, challenge %q", got.StatusCode, got.Header.Get("WWW-Authenticate"))
	}
	if got := one.post("/oauth2/userinfo", url.Values{"access_token": {token}}); got.StatusCode != 401 {
		t.Errorf("in a form: status %d, want 401", got.StatusCode)
	}
	if got := one.callsWith(token, "X-None: x"); got.StatusCode != 401 {
		t.Errorf("without a proof: status %d, want 401", got.StatusCode)
	}
	r, err := http.NewRequest(http.MethodGet, one.provider.Issuer+"/oauth2/userinfo", nil)
	must(t, err)
	r.Header.Set("Authorization", "DPoP "+token)
	for range 2 {
		r.Header.Add("DPoP", strings.TrimPrefix(one.proves("GET", "/oauth2/userinfo", edits{"ath": hashOf(token)}), "DPoP: "))
	}
	if got := one.do(r); got.StatusCode != 401 {
		t.Errorf("two proofs: status %d, want 401", got.StatusCode)
	}
}

func TestProofsAtTheTokenEndpoint(t *testing.T) { // RFC 9449 §5, A-033, A-034
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	code, now := one.gets(), one.clock.Now().Unix()
	for name, changes := range map[string]edits{
		"no jti": {"jti": nil}, "no htu": {"htu": nil}, "htm GET": {"htm": "GET"}, "iat 61 s ago": {"iat": now - 61}, "iat 61 s ahead": {"iat": now + 61},
		"for PAR": {"htu": one.provider.Issuer + "/oauth2/par"}, "htu is a list": {"htu": []string{one.provider.Issuer + "/oauth2/token"}},
	} {
		got := one.redeems(code, nil, one.proves("POST", "/oauth2/token", changes))
		if got.StatusCode != 400 || got.json(t)["error"] != "invalid_dpop_proof" {
			t.Errorf("%s: status %d: %s", name, got.StatusCode, got.Body)
		}
	}
	if got := one.redeems(code, nil); got.StatusCode != 200 {
		t.Errorf("a bad proof used the code up: %s", got.Body)
	}
	if got := one.pushes(one.wants(), one.proves("POST", "/oauth2/token", nil)); got.StatusCode != 400 || got.json(t)["error"] != "invalid_dpop_proof" {
		t.Errorf("a proof for another endpoint at PAR: status %d: %s", got.StatusCode, got.Body)
	}
}

func TestProofWorksOnce(t *testing.T) { // RFC 9449 §11.1, A-033
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, two := twoBanks(t, d, clients.FAPI2Security)
		proof := one.proves("POST", "/oauth2/token", nil)
		if got := one.redeems(one.gets(), nil, proof); got.StatusCode != 200 {
			t.Fatal(got.Body)
		}
		code := one.gets()
		wantError(t, one.redeems(code, nil, proof), 400, "invalid_dpop_proof")
		if got := one.redeems(code, nil); got.StatusCode != 200 {
			t.Errorf("the replay used the code up: %s", got.Body)
		}
		for _, p := range []bank{one, two} { // an id counts for its key only
			if got := p.redeems(p.gets(), nil, p.proves("POST", "/oauth2/token", edits{"jti": "chosen by two"})); got.StatusCode != 200 {
				t.Errorf("%s: %s", p.id, got.Body)
			}
		}
	})
}

// A code that comes again is a used one whatever the proof is that comes with it; and what
// else is wrong.
func TestAUsedCodeEndsItsTokensWhateverTheProof(t *testing.T) { // RFC 6749 §4.1.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		elsewhere := func(form url.Values) { form.Set("resource", "https://elsewhere.test/") }
		for name, again := range map[string]func(code, proof string) answer{
			"none":                         func(code, _ string) answer { return one.redeems(code, nil, "X-None: x") },
			"the same":                     func(code, proof string) answer { return one.redeems(code, nil, proof) },
			"the same, and a resource":     func(code, proof string) answer { return one.redeems(code, elsewhere, proof) },
			"another one, and a resource":  func(code, _ string) answer { return one.redeems(code, elsewhere) },
			"another one, and all is well": func(code, _ string) answer { return one.redeems(code, nil) },
		} {
			code, proof := one.gets(), one.proves("POST", "/oauth2/token", nil)
			token := one.redeems(code, nil, proof).json(t)["access_token"]
			if got := one.calls(token, nil); got.StatusCode != 200 {
				t.Fatalf("%s: %s", name, got.Body)
			}
			if got := again(code, proof); got.StatusCode != 400 {
				t.Errorf("%s: status %d", name, got.StatusCode)
			}
			if got := one.calls(token, nil); got.StatusCode != 401 {
				t.Errorf("proof: %s: the access token still works: status %d", name, got.StatusCode)
			}
		}
	})
}

func TestParallelProofsHaveOneWinner(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		token := one.holds()["access_token"].(string)
		proof := one.proves("GET", "/oauth2/userinfo", edits{"ath": hashOf(token)})
		won := race(16, func(int) bool {
			return one.get("/oauth2/userinfo", "Authorization: DPoP "+token, proof).StatusCode == 200
		})
		if won != 1 {
			t.Errorf("%d requests used one proof, want 1", won)
		}
	})
}

// race counts how many of n at once succeed.
func race(n int, try func(i int) bool) (won int) {
	good := make([]bool, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { good[i] = try(i) })
	}
	all.Wait()
	for _, ok := range good {
		if ok {
			won++
		}
	}
	return won
}

func TestNonces(t *testing.T) { // RFC 9449 §8, §9, A-037
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	one.provider.DPoPNonce = true
	code := one.gets()
	got := one.redeems(code, nil)
	wantError(t, got, 400, "use_dpop_nonce")
	nonce := got.Header.Get("DPoP-Nonce")
	for name, bad := range map[string]string{"none": "", "made up": "x.AAAA", "changed": nonce + "A", "no dot": "x", "of another time": "1" + nonce} {
		got := one.redeems(code, nil, one.proves("POST", "/oauth2/token", edits{"nonce": bad}))
		if got.json(t)["error"] != "use_dpop_nonce" || got.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
	got = one.redeems(code, nil, one.proves("POST", "/oauth2/token", edits{"nonce": nonce}))
	if got.StatusCode != 200 || got.Header.Get("DPoP-Nonce") == "" {
		t.Fatalf("one retry with the nonce: %s", got.Body)
	}
	token := got.json(t)["access_token"]
	got = one.calls(token, nil)
	if got.StatusCode != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
		t.Errorf("resource without nonce: status %d, challenge %q", got.StatusCode, got.Header.Get("WWW-Authenticate"))
	}
	nonce = got.Header.Get("DPoP-Nonce")
	if got = one.calls(token, edits{"nonce": nonce}); got.StatusCode != 200 {
		t.Errorf("resource with nonce: %s", got.Body)
	}
	one.clock.Move(6 * time.Minute)
	if got = one.pushes(one.wants(), one.proves("POST", "/oauth2/par", edits{"nonce": nonce})); got.json(t)["error"] != "use_dpop_nonce" {
		t.Errorf("a stale nonce: %s", got.Body)
	}
	if got = one.pushes(one.wants(), one.proves("POST", "/oauth2/par", edits{"nonce": got.Header.Get("DPoP-Nonce")})); got.StatusCode != 201 {
		t.Errorf("PAR with nonce: %s", got.Body)
	}
}

func TestPublicClientsRotateAndKeepTheirKey(t *testing.T) { // RFC 9449 §5, RFC 9700 §4.14.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		app := bank{w, "app", "https://rp.test/cb", nil, newKey(t)}
		other := bank{w, "app", "https://rp.test/cb", nil, newKey(t)}
		w.replaceClients(clients.Client{
			ID: "app", RedirectURIs: []string{app.callback}, AuthMethod: clients.None,
			GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "offline_access"},
		})
		w.logIn()
		code := w.allows(w.get("/oauth2/authorize?" + app.wants("scope=openid offline_access", "prompt=consent").Encode()))
		ask := func(form url.Values, p bank) answer {
			form.Set("client_id", "app")
			return w.post("/oauth2/token", form, p.proves("POST", "/oauth2/token", nil))
		}
		first := ask(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {app.callback}, "code_verifier": {verifier}}, app).json(t)
		refresh := func(token any, p bank) answer {
			return ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}}, p)
		}
		if first["token_type"] != "DPoP" || first["refresh_token"] == nil {
			t.Fatalf("%v", first)
		}
		wantError(t, refresh(first["refresh_token"], other), 400, "invalid_grant")
		got := w.post("/oauth2/token", url.Values{"client_id": {"app"}, "grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"].(string)}})
		wantError(t, got, 400, "invalid_grant")
		second := refresh(first["refresh_token"], app).json(t)
		if second["refresh_token"] == nil || second["refresh_token"] == first["refresh_token"] {
			t.Fatalf("%v, want another refresh token", second)
		}
		wantError(t, refresh(first["refresh_token"], other), 400, "invalid_grant") // nobody else may repeat it
		if again := refresh(first["refresh_token"], app).json(t); again["refresh_token"] != second["refresh_token"] {
			t.Fatalf("%v, want the same refresh token", again)
		}
		w.clock.Move(10 * time.Second)
		wantError(t, refresh(first["refresh_token"], app), 400, "invalid_grant") // the family ends
		wantError(t, refresh(second["refresh_token"], app), 400, "invalid_grant")
		if got := app.calls(second["access_token"], nil); got.StatusCode != 401 {
			t.Errorf("the family's access token: status %d, want 401", got.StatusCode)
		}
	})
}

func TestConfidentialClientsMayTakeANewKeyButNotNone(t *testing.T) { // RFC 9449 §5
	w := start(t).logIn()
	p := bank{w, "basic", callback, nil, newKey(t)}
	other := bank{w, "basic", callback, nil, newKey(t)}
	form := with(url.Values{}, "grant_type=authorization_code", "code="+w.allows(w.authorize("basic", "scope=openid offline_access", "prompt=consent")), "redirect_uri="+callback, "code_verifier="+verifier)
	first := w.post("/oauth2/token", form, basicAuth("basic", basicSecret), p.proves("POST", "/oauth2/token", nil)).json(t)
	refresh := func(headers ...string) answer {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"].(string)}}
		return w.post("/oauth2/token", form, append(headers, basicAuth("basic", basicSecret))...)
	}
	wantError(t, refresh(), 400, "invalid_dpop_proof")
	token := refresh(other.proves("POST", "/oauth2/token", nil)).json(t)
	if got := other.calls(token["access_token"], nil); got.StatusCode != 200 {
		t.Errorf("with the new key: %s", got.Body)
	}
	if got := p.calls(token["access_token"], nil); got.StatusCode != 401 {
		t.Errorf("with the old key: status %d, want 401", got.StatusCode)
	}
}

func TestUnboundTokensAreBearerTokens(t *testing.T) { // RFC 9449 §7.1
	w := start(t).logIn()
	p := bank{w, "tracker", callback, nil, newKey(t)}
	token := w.tokens("tracker")["access_token"]
	if got := p.calls(token, nil); got.StatusCode != 401 {
		t.Errorf("a bearer token with the scheme DPoP: status %d, want 401", got.StatusCode)
	}
	if got := w.userinfo(token); got.StatusCode != 200 {
		t.Errorf("as a bearer token: status %d", got.StatusCode)
	}
}

func TestLostRefreshAnswersDoNoHarm(t *testing.T) { // FAPI 2.0 §5.3.2.1: many at once, with one token
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		token := one.offlineTokens()["refresh_token"].(string)
		forms, headers := make([]url.Values, 8), make([]string, 8)
		for i := range forms {
			forms[i] = with(one.credentials(), "grant_type=refresh_token", "refresh_token="+token)
			headers[i] = one.proves("POST", "/oauth2/token", nil)
		}
		won := race(len(forms), func(i int) bool { return one.post("/oauth2/token", forms[i], headers[i]).StatusCode == 200 })
		if won != len(forms) {
			t.Errorf("%d of %d", won, len(forms))
		}
	})
}
