package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/sessions"
)

// site is what a relying party of the suite serves to us.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	asked map[string]int
}

func startSite(t *testing.T) *site {
	s := &site{files: map[string]string{}, asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[r.URL.Path]++
		text, ok := s.files[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s
}

// puts serves a value as JSON, a text as it is, and gives the address.
func (s *site) puts(t *testing.T, path string, value any) string {
	t.Helper()
	text, ok := value.(string)
	if !ok {
		b, err := json.Marshal(value)
		must(t, err)
		text = string(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = text
	return s.URL + path
}

// rsaKeys are made once: they take their time.
var rsaKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var two [2]*rsa.PrivateKey
	for i := range two {
		two[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return two
})

func rsaSet(n int) jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &rsaKeys()[n].PublicKey, KeyID: "rs" + string(rune('0'+n)), Algorithm: "RS256", Use: "sig"}}}
}

// signs gives what signs with key n.
func signs(t *testing.T, n int) func(map[string]any) string {
	return func(claims map[string]any) string {
		t.Helper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: rsaKeys()[n], KeyID: "rs" + string(rune('0'+n))}}, nil)
		must(t, err)
		text, err := jwt.Signed(signer).Claims(claims).Serialize()
		must(t, err)
		return text
	}
}

// registersKeys registers a client with private_key_jwt and RS256.
func (o op) registersKeys(t *testing.T, kind string, more fields) (tester, fields) {
	t.Helper()
	said := fields{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256"}
	if more["jwks_uri"] == nil {
		said["jwks"] = rsaSet(0)
	}
	for name, value := range more {
		said[name] = value
	}
	p, about := o.registers(kind, said)
	p.sign = signs(t, 0)
	return p, about
}

func TestDynamicPlan(t *testing.T) {
	o, rp := startOP(t), startSite(t)
	for name, run := range map[string]func(*testing.T, op, *site){
		"idtoken-rs256": func(t *testing.T, o op, _ *site) {
			p, _ := o.registersKeys(t, "code", fields{"id_token_signed_response_alg": "RS256"})
			if alg := p.flow().header; alg != "RS256" {
				t.Errorf("signed with %s", alg)
			}
		},
		"userinfo-rs256": userinfoSigned,
		"ensure-redirect-uri-in-authorization-request": func(t *testing.T, o op, _ *site) {
			p, _ := o.registersKeys(t, "code", nil)
			wantPage(t, "no redirect_uri", p.get("/oauth2/authorize?"+p.request("redirect_uri").Encode()))
		},
		"redirect-uri-query-OK": func(t *testing.T, o op, _ *site) {
			with := callback + "?foo=bar"
			p, about := o.registersKeys(t, "code", fields{"redirect_uris": []string{with}})
			if !slices.Equal(about["redirect_uris"].([]any), []any{with}) {
				t.Errorf("registered %v", about["redirect_uris"])
			}
			p.logIn()
			s, request := p.session, p.request("redirect_uri="+with)
			id := p.asksAt("/consent", request)
			must(t, p.provider.Interaction.Consent(t.Context(), id, p.cookies[sessions.BrowserCookieName], &s, true))
			if where := p.comesBack(id).Header.Get("Location"); !strings.HasPrefix(where, with+"&code=") {
				t.Errorf("answer %s", where)
			}
		},
		"redirect-uri-query-mismatch": func(t *testing.T, o op, _ *site) {
			p, _ := o.registersKeys(t, "code", fields{"redirect_uris": []string{callback + "?foo=bar"}})
			wantPage(t, "another query", p.get("/oauth2/authorize?"+p.request("redirect_uri="+callback+"?bar=foo").Encode()))
		},
		"redirect-uri-query-added": func(t *testing.T, o op, _ *site) {
			p, _ := o.registersKeys(t, "code", nil)
			wantPage(t, "a query", p.get("/oauth2/authorize?"+p.request("redirect_uri="+callback+"?foo=bar").Encode()))
		},
		"redirect-uri-regfrag": func(t *testing.T, o op, _ *site) {
			got := o.call("POST", "/oauth2/register", o.invitation, fields{"redirect_uris": []string{callback + "#foobar"}})
			wantError(t, got, 400, "invalid_redirect_uri")
		},
		"discovery-endpoint-verification": func(t *testing.T, o op, _ *site) { verifyDiscovery(t, o) },
		"server": func(t *testing.T, o op, _ *site) {
			for _, kind := range []string{"code", "code id_token", "id_token token"} {
				p, _ := o.registersKeys(t, kind, nil)
				p.flow()
			}
		},
		"registration-logo-uri":   func(t *testing.T, o op, _ *site) { keepsLink(t, o, "logo_uri") },
		"registration-policy-uri": func(t *testing.T, o op, _ *site) { keepsLink(t, o, "policy_uri") },
		"registration-tos-uri":    func(t *testing.T, o op, _ *site) { keepsLink(t, o, "tos_uri") },
		"registration-jwks-uri": func(t *testing.T, o op, rp *site) {
			p, _ := o.registersKeys(t, "code", fields{"jwks_uri": rp.puts(t, "/jwks", rsaSet(0))})
			p.flow()
		},
		"registration-sector-uri": func(t *testing.T, o op, rp *site) {
			uri := rp.puts(t, "/sector", []string{callback, "https://rp.test/other"})
			p, about := o.registersKeys(t, "code", fields{"sector_identifier_uri": uri})
			if about["sector_identifier_uri"] != uri {
				t.Errorf("registered %v", about)
			}
			p.flow()
		},
		"registration-sector-bad": sectorBad,
		"server-rotate-keys":      serverRotatesKeys,
		"refresh-token-rp-key-rotation": func(t *testing.T, o op, rp *site) {
			p, _ := o.registersKeys(t, "code", fields{"jwks_uri": rp.puts(t, "/rotating", rsaSet(0))})
			first := p.flow("scope=openid offline_access", "prompt=consent")
			rp.puts(t, "/rotating", rsaSet(1))
			p.sign = signs(t, 1)
			got := p.brings(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.tokens["refresh_token"].(string)}})
			if got.StatusCode != 200 {
				t.Errorf("status %d %s", got.StatusCode, got.Body)
			}
		},
		"request-uri-unsigned": func(t *testing.T, o op, rp *site) {
			uri := rp.puts(t, "/unsigned", unsigned(`{"state":"inside"}`))
			p, _ := o.registersKeys(t, "code", fields{"request_uris": []string{uri}})
			p.fails(p.asks("request_uri="+uri), "the-state", "invalid_request_object", "request_uri_not_supported")
		},
		"request-uri-signed-rs256": requestURISigned,
		"ensure-request-object-with-redirect-uri": func(t *testing.T, o op, rp *site) {
			p, _ := o.registersKeys(t, "code", fields{"request_uris": []string{rp.URL + "/elsewhere"}})
			rp.puts(t, "/elsewhere", p.sign(map[string]any{"client_id": p.id, "redirect_uri": "https://evil.test/cb", "response_type": "code", "scope": "openid"}))
			wantPage(t, "another address in the object", p.get("/oauth2/authorize?"+p.request("request_uri="+rp.URL+"/elsewhere").Encode()))
		},
		"refresh-token": func(t *testing.T, o op, _ *site) {
			p, _ := o.registersKeys(t, "code", nil)
			refreshToken(t, p)
		},
		"ensure-client-assertion-with-iss-aud-succeeds": func(t *testing.T, o op, _ *site) {
			p, _ := o.registersKeys(t, "code", nil)
			plain := p.sign
			p.sign = func(claims map[string]any) string {
				claims["aud"] = p.provider.Issuer
				return plain(claims)
			}
			p.flow()
		},
	} {
		t.Run("oidcc-"+name, func(t *testing.T) { run(t, o.in(t), rp) })
	}
}

// userinfoSigned: what is not supported has to be refused, since the client relies on it.
func userinfoSigned(t *testing.T, o op, _ *site) {
	said := fields{"redirect_uris": []string{callback}, "userinfo_signed_response_alg": "RS256"}
	if !slices.Contains(o.list("userinfo_signing_alg_values_supported"), "RS256") {
		wantError(t, o.call("POST", "/oauth2/register", o.invitation, said), 400, "invalid_client_metadata")
		return
	}
	p, _ := o.registersKeys(t, "code", fields{"userinfo_signed_response_alg": "RS256"})
	tokens := p.redeems(p.asks().Get("code"))
	got := p.userinfo(tokens["access_token"])
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "application/jwt") {
		t.Fatalf("userinfo: status %d %s", got.StatusCode, got.Body)
	}
	if _, claims := p.claims(got.Body); claims["iss"] != p.provider.Issuer || claims["aud"] != p.id || claims["sub"] == nil {
		t.Errorf("claims %v", claims)
	}
}

// keepsLink: what people are shown of a client is what it registered.
func keepsLink(t *testing.T, o op, name string) {
	const uri = "https://openid.net/about"
	p, about := o.registersKeys(t, "code", fields{name: uri})
	c, err := p.provider.Clients.ByID(t.Context(), p.id)
	must(t, err)
	if about[name] != uri || c.LogoURI+c.PolicyURI+c.TermsURI != uri {
		t.Errorf("registered %v", about[name])
	}
	p.flow()
}

func sectorBad(t *testing.T, o op, rp *site) {
	said := fields{"redirect_uris": []string{callback}}
	var bodies []string
	for _, uri := range []string{
		rp.puts(t, "/foreign", []string{"https://other.test/cb"}), rp.puts(t, "/empty", []string{}), rp.puts(t, "/object", `{}`),
		rp.puts(t, "/long", `["`+strings.Repeat("x", 70<<10)+`"]`), rp.URL + "/missing", "http://localhost:1/closed", "https://10.0.0.1/inside",
	} {
		said["sector_identifier_uri"] = uri
		got := o.call("POST", "/oauth2/register", o.invitation, said)
		wantError(t, got, 400, "invalid_client_metadata")
		bodies = append(bodies, got.Body)
	}
	if all := slices.Compact(bodies); len(all) != 1 {
		t.Errorf("the answers tell what was found: %v", all)
	}
}

func serverRotatesKeys(t *testing.T, o op, _ *site) {
	p, _ := o.registersKeys(t, "code", nil)
	before, _ := p.claims(p.flow().tokens["id_token"])
	_, _, err := p.provider.Keys.Rotate(t.Context(), "RS256")
	must(t, err)
	p.in(t).flow()
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal([]byte(p.get("/oauth2/jwks").Body), &set))
	if len(set.Key(before.KeyID)) == 0 {
		t.Error("the key before is gone already")
	}
}

func requestURISigned(t *testing.T, o op, rp *site) { // OIDC Core §6.2
	uri := rp.URL + "/request"
	p, _ := o.registersKeys(t, "code", fields{"request_uris": []string{uri + "#some-hash"}, "request_object_signing_alg": "RS256"})
	good := func() map[string]any {
		return map[string]any{"iss": p.id, "aud": p.provider.Issuer, "client_id": p.id, "response_type": "code", "redirect_uri": callback,
			"scope": "openid email", "state": "inside", "nonce": "in-there", "max_age": 300, "claims": map[string]any{"id_token": map[string]any{"email": nil}}}
	}
	rp.puts(t, "/request", p.sign(good()))
	front := p.asks("request_uri="+uri+"#some-hash", "state=outside", "nonce=outside")
	if front.Get("state") != "inside" {
		t.Errorf("answer %v, want the state of the object", front)
	}
	_, claims := p.checkIDToken(p.redeems(front.Get("code"))["id_token"], "in-there")
	if claims["email"] != "maya@example.org" {
		t.Errorf("claims %v, want those the object asked for", claims)
	}
	for name, change := range map[string]func(map[string]any){
		"another issuer":      func(c map[string]any) { c["iss"] = "other" },
		"another client":      func(c map[string]any) { c["client_id"] = "other" },
		"for somebody else":   func(c map[string]any) { c["aud"] = "https://other.test" },
		"expired":             func(c map[string]any) { c["exp"] = p.provider.Clock().Unix() - 60 },
		"not good yet":        func(c map[string]any) { c["nbf"] = p.provider.Clock().Unix() + 120 },
		"an object within":    func(c map[string]any) { c["request"] = "x" },
		"an address within":   func(c map[string]any) { c["request_uri"] = uri },
		"a member of 100 KiB": func(c map[string]any) { c["state"] = strings.Repeat("x", 20<<10) },
	} {
		claims := good()
		change(claims)
		rp.puts(t, "/request", p.sign(claims))
		if sent := p.asks("request_uri=" + uri); sent.Get("error") != "invalid_request_object" {
			t.Errorf("%s: %v", name, sent)
		}
	}
	rp.puts(t, "/request", signs(t, 1)(good()))
	p.fails(p.asks("request_uri="+uri), "the-state", "invalid_request_object")
	p.fails(p.asks("request_uri="+rp.URL+"/other"), "the-state", "invalid_request_uri", "request_uri_not_supported")
	if rp.asked["/other"] != 0 {
		t.Error("an address that is not registered was fetched")
	}
	rp.puts(t, "/request", p.sign(good()))
	got := p.get("/oauth2/authorize?" + p.request("request_uri="+uri, "response_type=code id_token").Encode())
	if where := got.Header.Get("Location"); !strings.Contains(where, "error=invalid_request") {
		t.Errorf("another response type outside: %s", where)
	}
}

func TestThirdPartyInitLoginPlan(t *testing.T) { // OIDC Core §4
	o := startOP(t)
	t.Run("oidcc-3rd-party-init-login", func(t *testing.T) {
		o := o.in(t)
		const uri = "https://rp.test/initiate"
		_, about := o.registers("code", fields{"initiate_login_uri": uri})
		path := strings.TrimPrefix(about["registration_client_uri"].(string), o.provider.Issuer)
		got := o.call("GET", path, about["registration_access_token"].(string), nil)
		if got.StatusCode != 200 || got.json(t)["initiate_login_uri"] != uri {
			t.Errorf("status %d %s", got.StatusCode, got.Body)
		}
	})
	t.Run("oidcc-3rd-party-init-login-non-https", func(t *testing.T) {
		o := o.in(t)
		for _, uri := range []string{"http://rp.test/initiate", "http://localhost/initiate"} {
			got := o.call("POST", "/oauth2/register", o.invitation, fields{"redirect_uris": []string{callback}, "initiate_login_uri": uri})
			wantError(t, got, 400, "invalid_client_metadata")
		}
	})
}
