package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// asserting redeems a fresh code with that assertion.
func (w *world) asserting(client, assertion string, changes ...string) answer {
	w.t.Helper()
	return w.redeem(client, w.code(client), append([]string{"client_assertion=" + assertion}, changes...)...)
}

func TestClientAssertions(t *testing.T) { // RFC 7523 §3, FAPI 2.0 §5.3.2.1, A-030, A-031
	w := start(t).logIn()
	now := w.clock.Now().Unix()
	token := w.provider.Issuer + "/oauth2/token"
	for _, c := range []struct {
		name   string
		good   bool
		change map[string]any
	}{
		{"as it should be", true, nil},
		{"nbf and iat 8 s ahead", true, map[string]any{"nbf": now + 8, "iat": now + 8}},
		{"no iat", true, map[string]any{"iat": nil}},
		{"aud is the token endpoint", false, map[string]any{"aud": token}},
		{"aud is a list", false, map[string]any{"aud": []string{w.provider.Issuer}}},
		{"aud is a list with somebody else", false, map[string]any{"aud": []string{w.provider.Issuer, "x"}}},
		{"aud has a slash more", false, map[string]any{"aud": w.provider.Issuer + "/"}},
		{"aud is somebody else", false, map[string]any{"aud": "https://other.test"}},
		{"no aud", false, map[string]any{"aud": nil}},
		{"expired 5 min ago", false, map[string]any{"exp": now - 300}},
		{"expires in an hour", false, map[string]any{"exp": now + 3600}},
		{"expires in ten years", false, map[string]any{"exp": now + 10*365*86400}},
		{"no exp", false, map[string]any{"exp": nil}},
		{"nbf 61 s ahead", false, map[string]any{"nbf": now + 61}},
		{"iat 61 s ahead", false, map[string]any{"iat": now + 61}},
		{"sub is another client", false, map[string]any{"sub": "basic"}},
		{"no sub", false, map[string]any{"sub": nil}},
		{"iss is another client", false, map[string]any{"iss": "basic", "sub": "basic"}},
		{"no jti", false, map[string]any{"jti": nil}},
		{"jti of 1 kB", false, map[string]any{"jti": strings.Repeat("x", 1024)}},
	} {
		got := w.asserting("tracker", w.assertion("tracker", func(claims map[string]any) {
			for k, v := range c.change {
				claims[k] = v
				if v == nil {
					delete(claims, k)
				}
			}
		}))
		if c.good && got.StatusCode != 200 {
			t.Errorf("%s: %s", c.name, got.Body)
		} else if !c.good {
			wantError(t, got, 401, "invalid_client")
			if got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no WWW-Authenticate", c.name)
			}
		}
	}
}

func TestOlderClientsMayNameTheTokenEndpoint(t *testing.T) { // OIDC Core §9
	w := start(t).logIn()
	token := w.provider.Issuer + "/oauth2/token"
	for _, c := range []struct {
		aud  any
		good bool
	}{
		{token, true}, {w.provider.Issuer, true}, {[]string{token}, true}, {[]string{w.provider.Issuer, token}, true},
		{[]string{token, "https://other.test"}, false}, {[]string{}, false}, {"https://other.test", false}, {7, false},
	} {
		got := w.asserting("old", w.assertion("old", func(claims map[string]any) { claims["aud"] = c.aud }))
		if (got.StatusCode == 200) != c.good {
			t.Errorf("aud %v: %s", c.aud, got.Body)
		}
	}
}

func TestAssertionsOfOtherKeysAndAlgorithms(t *testing.T) { // RFC 8725 §3.1, A-038, A-039
	w := start(t).logIn()
	good := w.assertion("tracker", nil)
	parts := strings.Split(good, ".")
	stranger := start(t)
	foreign := stranger.assertion("tracker", func(claims map[string]any) { claims["aud"] = w.provider.Issuer })
	none := "eyJhbGciOiJub25lIn0." + parts[1] + "."
	for name, text := range map[string]string{
		"another key": foreign, "alg none": none, "no signature": parts[0] + "." + parts[1] + ".", "empty": "", "dots": "..", "many dots": strings.Repeat(".", 100_00),
		"changed": parts[0] + "." + parts[1] + "x." + parts[2], "too long": good + strings.Repeat("A", 9000), "not a JWT": "x",
	} {
		got := w.asserting("tracker", text)
		wantError(t, got, 401, "invalid_client")
		if strings.Contains(got.Body, "jose") {
			t.Errorf("%s: the answer tells how we work: %s", name, got.Body)
		}
	}
	wantError(t, w.redeem("tracker", w.code("tracker"), "client_assertion_type=x"), 401, "invalid_client")
	wantError(t, w.redeem("tracker", w.code("tracker"), "client_assertion"), 401, "invalid_client")
}

func TestAssertionWorksOnce(t *testing.T) { // RFC 7523 §3, A-029
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.assertion("tracker", nil)
		if got := w.asserting("tracker", first); got.StatusCode != 200 {
			t.Fatal(got.Body)
		}
		code := w.code("tracker")
		wantError(t, w.redeem("tracker", code, "client_assertion="+first), 401, "invalid_client")
		if got := w.redeem("tracker", code); got.StatusCode != 200 {
			t.Errorf("the replay used the code up: %s", got.Body)
		}
		spent := w.assertion("tracker", nil) // also when the request it came with was refused
		wantError(t, w.redeem("tracker", "unknown", "client_assertion="+spent), 400, "invalid_grant")
		wantError(t, w.asserting("tracker", spent), 401, "invalid_client")
		same := func(claims map[string]any) { claims["jti"] = "chosen by two" }
		for _, client := range []string{"tracker", "old"} { // an id counts for its client only
			if got := w.asserting(client, w.assertion(client, same)); got.StatusCode != 200 {
				t.Errorf("%s: %s", client, got.Body)
			}
		}
	})
}

func TestParallelReplayHasOneWinner(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		text, forms, answers := w.assertion("tracker", nil), make([]url.Values, 20), make([]answer, 20)
		for i := range forms {
			form, _ := w.proof("tracker")
			forms[i] = with(form, "client_assertion="+text, "grant_type=authorization_code", "code="+w.code("tracker"), "redirect_uri="+callback, "code_verifier="+verifier)
		}
		var all sync.WaitGroup
		for i := range forms {
			all.Go(func() { answers[i] = w.post("/oauth2/token", forms[i]) })
		}
		all.Wait()
		wantOneWinner(t, answers, 401, "invalid_client")
	})
}

func TestOneMethodPerClient(t *testing.T) { // RFC 6749 §2.3; fosite takes Basic beside another client_id
	w := start(t).logIn()
	header := basicAuth("basic", basicSecret)
	for _, c := range []struct {
		name, header string
		client       string
		changes      []string
		status       int
		want         string
	}{
		{"basic sends its secret in the form", "", "basic", []string{"client_id=basic", "client_secret=" + basicSecret}, 401, "invalid_client"},
		{"post sends its secret in the header", basicAuth("post", postSecret), "post", []string{"client_id", "client_secret"}, 401, "invalid_client"},
		{"both at once", header, "basic", []string{"client_id=basic", "client_secret=" + basicSecret}, 400, "invalid_request"},
		{"Basic beside an assertion", header, "tracker", nil, 400, "invalid_request"},
		{"Basic and another client_id", header, "basic", []string{"client_id=post"}, 401, "invalid_client"},
		{"no secret", "", "basic", []string{"client_id=basic"}, 401, "invalid_client"},
		{"an empty secret", basicAuth("basic", ""), "basic", nil, 401, "invalid_client"},
		{"a wrong secret", basicAuth("basic", "wrong"), "basic", nil, 401, "invalid_client"},
		{"a public client with a secret", "", "native", []string{"client_secret=x"}, 401, "invalid_client"},
		{"an unknown client", basicAuth("nobody", "x"), "basic", nil, 401, "invalid_client"},
		{"nobody at all", "", "basic", nil, 401, "invalid_client"},
		{"an assertion without its client's method", "", "basic", []string{"client_id=basic", "client_assertion=x"}, 401, "invalid_client"},
		{"Bearer", "Authorization: Bearer x", "basic", nil, 401, "invalid_client"},
		{"Basic without base64", "Authorization: Basic %%%", "basic", nil, 401, "invalid_client"},
		{"Basic that is no form", "Authorization: Basic " + "JTp4", "basic", nil, 401, "invalid_client"},
	} {
		form := url.Values{}
		if c.client != "basic" {
			form, _ = w.proof(c.client)
		}
		form = with(form, "grant_type=authorization_code", "code=x", "redirect_uri="+callback, "code_verifier="+verifier)
		got := w.token(with(form, c.changes...), c.header)
		if got.StatusCode != c.status || got.json(t)["error"] != c.want {
			t.Errorf("%s: status %d %s, want %d %s", c.name, got.StatusCode, got.Body, c.status, c.want)
		}
	}
	if n := len(w.events("client.refused")); n == 0 || n > 5 {
		t.Errorf("%d audit events of refused clients, want one for each known client", n)
	}
}

func TestSecretsAreFormEncodedInBasic(t *testing.T) { // RFC 6749 §2.3.1
	w := start(t).logIn()
	odd := "odd secret: 100% +&=/"
	c := clients.Client{
		ID: "odd", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, FirstParty: true, Source: "config",
		SecretDigests: append(digest("the old one"), digest(odd)...),
	}
	c.Default()
	must(t, w.provider.Clients.Sync(t.Context(), []clients.Client{c}))
	for _, secret := range []string{odd, "the old one"} {
		got := w.token(with(url.Values{}, "grant_type=authorization_code", "code="+w.code("odd"), "redirect_uri="+callback, "code_verifier="+verifier), basicAuth("odd", secret))
		if got.StatusCode != 200 {
			t.Errorf("secret %q: %s", secret, got.Body)
		}
	}
}

// publisher serves a key set as a client does, and counts.
type publisher struct {
	mu    sync.Mutex
	set   jose.JSONWebKeySet
	asked int
	down  bool
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	json.NewEncoder(w).Encode(p.set)
}

func TestKeysFromTheClient(t *testing.T) { // RFC 7517, OIDC Core §10.1.1
	w := start(t).logIn()
	keys := &publisher{set: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.key.Public(), KeyID: "k0"}}}}
	site := httptest.NewServer(keys)
	t.Cleanup(site.Close)
	c := clients.Client{
		ID: "remote", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, FirstParty: true, Source: "config",
		AuthMethod: clients.PrivateKeyJWT, JWKSURI: site.URL + "/jwks",
	}
	c.Default()
	must(t, w.provider.Clients.Sync(t.Context(), []clients.Client{c}))
	try := func() answer {
		form := with(url.Values{}, "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion="+w.assertion("remote", nil))
		return w.token(with(form, "grant_type=authorization_code", "code="+w.code("remote"), "redirect_uri="+callback, "code_verifier="+verifier), "")
	}
	wantError(t, try(), 401, "invalid_client") // signs with k1, which is not there yet
	keys.mu.Lock()
	keys.set.Keys[0].KeyID = "k1"
	keys.mu.Unlock()
	for range 3 { // at once: a client that changed its keys is not refused
		if got := try(); got.StatusCode != 200 {
			t.Fatalf("after the rotation: %s", got.Body)
		}
	}
	if keys.asked != 2 {
		t.Errorf("asked %d times, want 2", keys.asked)
	}
	keys.mu.Lock()
	keys.set.Keys[0].KeyID = "k2"
	keys.mu.Unlock()
	w.clock.Move(6 * time.Minute)
	for range 10 { // signs with k1, which is not there any more
		wantError(t, try(), 401, "invalid_client")
	}
	if keys.asked != 5 {
		t.Errorf("asked %d times, want 3 more and no more", keys.asked)
	}
	w.clock.Move(6 * time.Second)
	keys.mu.Lock()
	keys.set.Keys[0].KeyID = "k1"
	keys.mu.Unlock()
	if got := try(); got.StatusCode != 200 {
		t.Errorf("later: %s", got.Body)
	}
	keys.mu.Lock()
	keys.down = true
	keys.mu.Unlock()
	w.clock.Move(10 * time.Minute)
	w.logIn()
	if got := try(); got.StatusCode != 200 {
		t.Errorf("while the client's keys cannot be had: %s", got.Body)
	}
}

func TestTooManyKeysAreNotRead(t *testing.T) { // no size limit in fosite's fetcher
	w := start(t).logIn()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/jwks", http.StatusFound)
			return
		}
		w.Write([]byte(`{"keys":[],"x":"` + strings.Repeat("x", 100<<10) + `"}`))
	}))
	t.Cleanup(site.Close)
	for _, path := range []string{"/jwks", "/moved"} {
		c := clients.Client{
			ID: "remote", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, FirstParty: true, Source: "config",
			AuthMethod: clients.PrivateKeyJWT, JWKSURI: site.URL + path,
		}
		c.Default()
		must(t, w.provider.Clients.Sync(t.Context(), []clients.Client{c}))
		form := with(url.Values{}, "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion="+w.assertion("remote", nil))
		got := w.token(with(form, "grant_type=authorization_code", "code=x"), "")
		wantError(t, got, 401, "invalid_client")
		if strings.Contains(got.Body, "bytes") || strings.Contains(got.Body, "redirect") {
			t.Errorf("the answer tells what was found: %s", got.Body)
		}
	}
}
