package oidc_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/interaction"
	"tegata/idp/oidc"
	"tegata/idp/oidc/registration"
	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/limit"
)

// startOpen gives a provider where everybody may register a client, from one place as often
// as perPlace says.
func startOpen(t *testing.T, perPlace ...limit.Rule) op {
	return op{startWith(t, func(p *oidc.Provider) {
		p.Registration.Mode = registration.Open
		for _, rule := range perPlace {
			p.Registration.PerPlace = rule
		}
	}), ""}
}

func TestRegistrationIsClosedByDefault(t *testing.T) {
	o := op{start(t), ""}
	got := o.call("POST", "/oauth2/register", "", fields{"redirect_uris": []string{callback}})
	if got.StatusCode != 404 {
		t.Errorf("status %d %s", got.StatusCode, got.Body)
	}
	if o.get("/.well-known/openid-configuration").json(t)["registration_endpoint"] != nil {
		t.Error("discovery names the endpoint")
	}
}

func TestRegistrationByInvitation(t *testing.T) { // RFC 7591 §3
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
		o := op{startAt(t, d, held, held.Now, func(p *oidc.Provider) { p.Registration.Mode = registration.Invited }), ""}
		_, token, err := o.provider.Clients.Invite(t.Context(), "x", 2, time.Hour)
		must(t, err)
		good := fields{"redirect_uris": []string{callback}}
		for _, bad := range []string{"", "x", token + "x", token[:len(token)-1]} {
			got := o.call("POST", "/oauth2/register", bad, good)
			if got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("token %q: status %d %s", bad, got.StatusCode, got.Body)
			}
		}
		twice := o.request("POST", "/oauth2/register", token, good)
		twice.Header.Add("Authorization", "Bearer x")
		wantError(t, o.do(twice), 400, "invalid_request")

		wantError(t, o.call("POST", "/oauth2/register", token, fields{"redirect_uris": []string{}}), 400, "invalid_redirect_uri") // takes nothing away
		answers := make([]answer, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = o.in(t).call("POST", "/oauth2/register", token, good) })
		}
		all.Wait()
		made := 0
		for _, a := range answers {
			if a.StatusCode == 201 {
				made++
				continue
			}
			if a.StatusCode != 401 {
				t.Errorf("status %d %s", a.StatusCode, a.Body)
			}
		}
		if made != 2 || len(o.events("client.registered")) != 2 {
			t.Errorf("%d clients of an invitation for 2", made)
		}
		_, late, err := o.provider.Clients.Invite(t.Context(), "x", 1, time.Hour)
		must(t, err)
		o.clock.Move(time.Hour)
		if got := o.call("POST", "/oauth2/register", late, good); got.StatusCode != 401 {
			t.Errorf("an hour later: status %d", got.StatusCode)
		}
	})
}

func TestOpenRegistrationHasLimits(t *testing.T) {
	o := startOpen(t)
	from := func(place string) answer {
		r, err := http.NewRequest("POST", o.server.URL+"/oauth2/register", strings.NewReader(`{"redirect_uris":["https://rp.test/cb"]}`))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Test-Place", place)
		return o.do(r)
	}
	for i := range 11 {
		got := from("192.0.2.1")
		if want := map[bool]int{true: 201, false: 429}[i < 10]; got.StatusCode != want {
			t.Fatalf("client %d: status %d %s", i, got.StatusCode, got.Body)
		}
		if i == 10 && (got.json(t)["error_description"] != "Too many clients were registered from your address lately; Retry-After says when the next one may be." || got.Header.Get("Retry-After") != "360") {
			t.Errorf("it is told %s, Retry-After %s", got.Body, got.Header.Get("Retry-After"))
		}
	}
	if got := from("192.0.2.2"); got.StatusCode != 201 {
		t.Errorf("another place: status %d", got.StatusCode)
	}
	o.clock.Move(7 * time.Minute)
	if got := from("192.0.2.1"); got.StatusCode != 201 {
		t.Errorf("later: status %d %s", got.StatusCode, got.Body)
	}
}

func TestClientsCannotSayThatTheyAreTrusted(t *testing.T) {
	o := startOpen(t)
	p, about := o.registers("code", fields{
		"client_id": "tracker", "client_secret": "mine", "client_secret_digests": digest("mine"), "first_party": true, "unverified": false,
		"skip_consent": true, "require_pkce": false, "source": "config", "scope": "openid email superuser", "client_name#ja-JP": "銀行",
	})
	c, err := o.provider.Clients.ByID(t.Context(), p.id)
	must(t, err)
	if c.FirstParty || !c.Unverified || c.ID == "tracker" || c.SecretMatches("mine") || !c.SecretMatches(p.secret) || !slices.Equal(c.Scopes, []string{"openid", "email"}) {
		t.Errorf("client %+v", c)
	}
	if c.NameIn("ja") != "銀行" || about["client_name#ja-JP"] != "銀行" || c.Return() != "rp.test" {
		t.Errorf("names %v, host %q", c.Name, c.Return())
	}
	for name := range about {
		if slices.Contains([]string{"first_party", "client_secret_digests", "source", "skip_consent"}, name) {
			t.Errorf("the answer has %s", name)
		}
	}
	if strings.Contains(o.dump("select record from clients", "select details from audit_events"), p.secret) {
		t.Error("the secret is in the database")
	}
	p.flow("scope=openid")
	p.fails(p.asks("scope=openid email", "prompt=none"), "the-state", "consent_required") // never trusted
	if again := p.asks("scope=openid", "prompt=none"); !again.Has("code") {
		t.Errorf("what was allowed before: %v, want a code", again)
	}
}

func TestRegistrationRefuses(t *testing.T) { // A-006, RFC 7591 §3.2.2
	o := startOpen(t, limit.Rule{Name: "test", Burst: 1000, Every: time.Second})
	good := func() fields { return fields{"redirect_uris": []string{callback}} }
	for _, uri := range []string{"javascript:alert(1)", "data:text/html,x", "http://rp.test/cb", callback + "#f", "//rp.test/cb", "https://rp.test@evil.test/cb",
		"https://*.rp.test/cb", "https://rp.test/c b", "", "myapp:/cb", "blob:https://rp.test/x", "https://rp.test\\@evil.test/cb", "file:///etc/passwd"} {
		for _, kind := range []string{"web", "native"} {
			said := fields{"redirect_uris": []string{uri}, "application_type": kind}
			wantError(t, o.call("POST", "/oauth2/register", "", said), 400, "invalid_redirect_uri")
		}
	}
	for name, value := range map[string]any{
		"id_token_signed_response_alg": "none", "grant_types": []string{"password"}, "response_types": []string{"token"}, "token_endpoint_auth_method": "client_secret_jwt",
		"jwks_uri": "http://169.254.169.254/", "logo_uri": "javascript:alert(1)", "policy_uri": "http://rp.test/", "request_uris": []string{"gopher://x"},
		"client_name": 7, "scope": []string{"openid"}, "contacts": "qqq", "default_max_age": -1, "application_type": "toaster", "jwks": map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "AA"}}},
		"id_token_encrypted_response_alg": "RSA-OAEP", "request_object_encryption_alg": "RSA-OAEP-256", "initiate_login_uri": "javascript:alert(1)", "sector_identifier_uri": "ftp://x", "client_name#ja": strings.Repeat("x", 200),
	} {
		said := good()
		said[name] = value
		got := o.call("POST", "/oauth2/register", "", said)
		if got.StatusCode != 400 || got.json(t)["error"] != "invalid_client_metadata" {
			t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
		}
		if strings.ContainsFunc(got.Body, func(r rune) bool { return r > 0x7e }) || strings.Contains(got.Body, fmt.Sprint(value)) {
			t.Errorf("%s: the answer repeats what was sent: %s", name, got.Body)
		}
	}
	said := good() // what is not switched on
	said["response_types"], said["grant_types"] = []string{"code id_token"}, []string{"authorization_code", "implicit"}
	wantError(t, o.call("POST", "/oauth2/register", "", said), 400, "invalid_client_metadata")
	said = good()
	said["token_endpoint_auth_method"], said["tls_client_auth_san_dns"] = "tls_client_auth", "rp.test"
	got := o.call("POST", "/oauth2/register", "", said)
	wantError(t, got, 400, "invalid_client_metadata")
	if !strings.Contains(got.Body, "want one of private_key_jwt, client_secret_basic, client_secret_post, none") {
		t.Errorf("without certificates: %s", got.Body)
	}
	for _, body := range []string{"", "[]", "null", "{", `"x"`, `{"redirect_uris":["https://rp.test/cb"]} x`, `{"x":"` + strings.Repeat("x", 40<<10) + `"}`} {
		r, err := http.NewRequest("POST", o.server.URL+"/oauth2/register", strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		status := 400
		if len(body) > 32<<10 {
			status = 413
		}
		wantError(t, o.do(r), status, "invalid_client_metadata")
	}
	wantError(t, o.post("/oauth2/register", url.Values{"redirect_uris": {callback}}), 400, "invalid_client_metadata")
}

func TestManagingARegistration(t *testing.T) { // RFC 7592, A-058
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
		o := op{startAt(t, d, held, held.Now, func(p *oidc.Provider) { p.Registration.Mode = registration.Open }), ""}
		p, about := o.registers("code", fields{"logo_uri": "https://rp.test/logo", "contacts": []string{"a@rp.test"}})
		other, _ := o.registers("code", nil)
		path, token := "/oauth2/register/"+p.id, about["registration_access_token"].(string)
		if about["registration_client_uri"] != o.provider.Issuer+path || about["client_secret_expires_at"] != 0.0 {
			t.Errorf("answer %v", about)
		}
		for _, c := range [][2]string{{path, ""}, {path, token + "x"}, {path, p.secret}, {"/oauth2/register/" + other.id, token}, {"/oauth2/register/tracker", token}, {"/oauth2/register/nobody", token}} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				got := o.call(method, c[0], c[1], fields{"client_id": p.id, "redirect_uris": []string{"https://evil.test/cb"}})
				if got.StatusCode != 401 {
					t.Errorf("%s %s: status %d %s", method, c[0], got.StatusCode, got.Body)
				}
			}
		}
		read := o.call("GET", path, token, nil).json(t)
		if read["client_secret"] != nil || read["logo_uri"] != "https://rp.test/logo" {
			t.Errorf("read %v", read)
		}
		change := fields{"client_id": p.id, "client_name": "Another name", "logo_uri": nil, "first_party": true, "redirect_uris": []string{callback, "https://rp.test/new"}}
		got := o.call("PUT", path, token, change)
		c, err := o.provider.Clients.ByID(t.Context(), p.id)
		must(t, err)
		if got.StatusCode != 200 || c.NameIn("en") != "Another name" || c.LogoURI != "" || !slices.Equal(c.Contacts, []string{"a@rp.test"}) ||
			c.FirstParty || !c.Unverified || !c.SecretMatches(p.secret) || !c.Redirects("https://rp.test/new") || !c.May("refresh_token") {
			t.Errorf("status %d %s: %+v", got.StatusCode, got.Body, c)
		}
		for _, bad := range []fields{{"redirect_uris": []string{callback}}, {"client_id": other.id}, {"client_id": p.id, "client_secret": "mine"}} {
			wantError(t, o.call("PUT", path, token, bad), 400, "invalid_client_metadata")
		}
		wantError(t, o.call("PUT", path, token, fields{"client_id": p.id, "redirect_uris": []string{"http://evil.test/"}}), 400, "invalid_redirect_uri")
		key := rsaSet(0)
		got = o.call("PUT", path, token, fields{"client_id": p.id, "token_endpoint_auth_method": "private_key_jwt", "jwks": key})
		c, err = o.provider.Clients.ByID(t.Context(), p.id)
		must(t, err)
		if got.StatusCode != 200 || len(c.SecretDigests) != 0 || c.AuthMethod != clients.PrivateKeyJWT {
			t.Errorf("status %d %s", got.StatusCode, got.Body)
		}
		p.method, p.sign = "private_key_jwt", signs(t, 0)
		access := p.flow().access
		if got := o.call("DELETE", path, token, nil); got.StatusCode != 204 {
			t.Errorf("status %d %s", got.StatusCode, got.Body)
		}
		if got := o.call("GET", path, token, nil); got.StatusCode != 401 {
			t.Errorf("afterwards: status %d", got.StatusCode)
		}
		if got := o.userinfo(access); got.StatusCode != 401 {
			t.Errorf("its token: status %d", got.StatusCode)
		}
		wantPage(t, "its requests", o.get("/oauth2/authorize?"+p.request().Encode()))
		if len(o.events("client.removed")) != 1 || len(o.events("client.changed")) != 2 {
			t.Error("the audit log lacks something")
		}
	})
}

func TestFrontChannelIsOffUnlessSwitchedOn(t *testing.T) {
	w := startWith(t, func(p *oidc.Provider) { p.ResponseTypes = []string{"id_token"} })
	both := clients.Client{
		ID: "both", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretBasic, SecretDigests: digest(basicSecret),
		ResponseTypes: []string{"code", "id_token", "code token"}, FirstParty: true, Source: "config",
	}
	both.Default()
	must(t, w.provider.Clients.Sync(t.Context(), []clients.Client{both}))
	w.logIn()
	for kind, good := range map[string]bool{"id_token": true, "code": true, "code token": false, "id_token token": false, "token": false} {
		got := w.authorize("both", "response_type="+kind)
		if strings.Contains(got.Header.Get("Location"), "error=unsupported_response_type") == good {
			t.Errorf("%s: %s", kind, got.Header.Get("Location"))
		}
	}
	for _, mode := range []string{"query", "web_message"} {
		if got := w.authorize("both", "response_type=id_token", "response_mode="+mode); !strings.Contains(got.Header.Get("Location"), "#error=invalid_request") {
			t.Errorf("%s: %s", mode, got.Header.Get("Location"))
		}
	}
	// Who tampers with a conversation that was begun for a code gets a code or nothing.
	w.cookies = map[string]string{}
	id := w.asks("/login", "both")
	w.typesPassword(id)
	got := w.get("/oauth2/authorize?interaction=" + id + "&response_type=id_token&response_mode=fragment")
	if sent := got.sent(t); !sent.Has("code") || strings.Contains(got.Header.Get("Location"), "#") {
		t.Errorf("tampered: %s", got.Header.Get("Location"))
	}
}

func TestClaimsParameterNamesThePerson(t *testing.T) { // OIDC Core §5.5.1
	w := start(t).logIn()
	claims := func(format string, values ...any) string { return "claims=" + fmt.Sprintf(format, values...) }
	mine := claims(`{"id_token":{"sub":{"value":%q}}}`, w.person.Subject)
	if sent := w.authorize("tracker", mine, "prompt=none").sent(t); !sent.Has("code") {
		t.Errorf("mine: %v", sent)
	}
	refused(t, "another person", w.authorize("tracker", claims(`{"id_token":{"sub":{"value":"x"}}}`), "prompt=none"), "login_required")
	for _, one := range []string{`{"id_token":{"sub":{"values":["x",%q]}}}`, `{"id_token":{"sub":{"values":["x",%q,"y"]}},"userinfo":{"sub":{"values":["y",%[1]q]}}}`, `{"id_token":{"sub":{"value":%q,"values":["x",%[1]q]}}}`} {
		if sent := w.authorize("tracker", claims(one, w.person.Subject), "prompt=none").sent(t); !sent.Has("code") {
			t.Errorf("one of several, %s: %v", one, sent)
		}
	}
	refused(t, "none of several", w.authorize("tracker", claims(`{"id_token":{"sub":{"values":["x","y"]}}}`), "prompt=none"), "login_required")
	refused(t, "not both times", w.authorize("tracker", claims(`{"id_token":{"sub":{"values":["x",%q]}},"userinfo":{"sub":{"values":["x","y"]}}}`, w.person.Subject), "prompt=none"), "login_required")
	hint := "id_token_hint=" + w.tokens("tracker")["id_token"].(string)
	if sent := w.authorize("tracker", hint, claims(`{"id_token":{"sub":{"values":["x",%q]}}}`, w.person.Subject), "prompt=none").sent(t); !sent.Has("code") {
		t.Errorf("one of several with a hint: %v", sent)
	}
	refused(t, "a hint of none of several", w.authorize("tracker", hint, claims(`{"id_token":{"sub":{"values":["x","y"]}}}`)), "invalid_request")
	id := w.asks("/login", "tracker", claims(`{"userinfo":{"sub":{"values":["x","y"]}}}`))
	w.typesPassword(id)
	refused(t, "another person after all", w.comesBack(id), "login_required")
	refused(t, "an acr out of reach", w.authorize("tracker", claims(`{"id_token":{"acr":{"essential":true,"values":["phrh"]}}}`)), "unmet_authentication_requirements")
	for _, good := range []string{`{"id_token":{"acr":{"essential":true,"values":["phrh","1"]}}}`, `{"id_token":{"acr":{"values":["phrh"]},"auth_time":{"essential":true}}}`, `{"id_token":null}`, `{}`, `{"x":1}`} {
		if sent := w.authorize("tracker", "claims="+good).sent(t); !sent.Has("code") {
			t.Errorf("%s: %v", good, sent)
		}
	}
	for _, bad := range []string{`[]`, `null`, `x`, `{"id_token":[]}`, `{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}`, `{"id_token":{"sub":{"value":"a","values":["b","c"]}}}`, `{"userinfo":{"name":7}}`} {
		refused(t, bad, w.authorize("tracker", "claims="+bad), "invalid_request")
	}
}

func TestValuesThatRepeatAreNoticed(t *testing.T) {
	w := start(t).logIn()
	for range 5 {
		w.code("tracker")
	}
	all := w.events("client.repeats")
	if len(all) != 2 || all[0].Client != "tracker" {
		t.Errorf("events %v, want one for the challenge and one for the nonce", all)
	}
	for i := range 5 {
		w.code("basic", fmt.Sprintf("nonce=n%d", i), "code_challenge", "code_challenge_method")
	}
	if len(w.events("client.repeats")) != 2 {
		t.Error("fresh values were noticed")
	}
}

func TestStrangersCannotFillTheDatabase(t *testing.T) {
	w := start(t)
	must(t, w.provider.Limit.Forget(t.Context(), limit.Rule{Name: "interaction.place"}, "192.0.2.1"))
	path := "/oauth2/authorize?" + request("tracker").Encode()
	last := 0
	for i := range 1300 {
		if got := w.get(path, "X-Test-Place: 192.0.2.1"); strings.Contains(got.Header.Get("Location"), "error=temporarily_unavailable") {
			last = i
			break
		}
	}
	if last != 1200 {
		t.Errorf("refused after %d, want 1200", last)
	}
	if got := w.get(path, "X-Test-Place: 192.0.2.2"); strings.Contains(got.Header.Get("Location"), "error") {
		t.Errorf("another place: %s", got.Header.Get("Location"))
	}
}

func TestPromptCreateLeadsToTheSignUp(t *testing.T) { // OpenID Connect Prompt Create §4
	w := start(t)
	for range 2 { // a second time signed in: somebody else may want an account
		id := w.asks("/signup", "tracker", "prompt=create")
		w.typesPassword(id)
		if sent := w.comesBack(id).sent(t); !sent.Has("code") {
			t.Errorf("afterwards: %v", sent)
		}
	}
	refused(t, "create without a page", w.authorize("tracker", "prompt=create none"), "invalid_request")
	if interaction.Next(interaction.State{SignedIn: true}, interaction.Asked{ClientID: "x", Prompt: []string{"create"}}) != interaction.AskIdentifier {
		t.Error("who is signed in is good enough")
	}
}

func TestDetailsAreChecked(t *testing.T) { // OIDC Core §5.1
	for _, good := range []accounts.Details{{}, {Birthdate: "0000-02-29"}, {Birthdate: "1984"}, {PhoneNumber: "+1 (425) 555-1212;ext=5678"}, {Zone: "Asia/Tokyo"}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []accounts.Details{{Birthdate: "2025-02-29"}, {Birthdate: "84"}, {PhoneNumber: "call me"}, {PhoneVerified: true}, {Zone: "Mars/Base"},
		{Website: "javascript:alert(1)"}, {Picture: "//x"}, {MiddleName: "a\x00b"}, {Gender: strings.Repeat("x", 300)}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestSignedAndBoundAnswersInTheFragment(t *testing.T) { // JARM §2.3.4, RFC 9449 §5
	w := startWith(t, func(p *oidc.Provider) { p.ResponseTypes = clients.ResponseTypes })
	bound := clients.Client{
		ID: "bound", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretBasic, SecretDigests: digest(basicSecret),
		ResponseTypes: []string{"code id_token", "code token"}, DPoPBound: true, FirstParty: true, Source: "config",
	}
	bound.Default()
	must(t, w.provider.Clients.Sync(t.Context(), []clients.Client{bound}))
	w.logIn()
	for mode, good := range map[string]bool{"jwt": true, "fragment.jwt": true, "query.jwt": false} {
		where := w.authorize("bound", "response_type=code id_token", "response_mode="+mode).Header.Get("Location")
		if strings.HasPrefix(where, callback+"#response=") != good || strings.Contains(where, "code=") {
			t.Errorf("%s: %s", mode, where)
		}
	}
	where := w.authorize("bound", "response_type=code token").Header.Get("Location")
	if !strings.Contains(where, "#error=unsupported_response_type") {
		t.Errorf("a token that is bound to no key: %s", where)
	}
}

func TestRegistrationsThatNobodyUsesAreForgotten(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
		o := startAt(t, d, held, held.Now, func(p *oidc.Provider) { p.Registration.Mode = registration.Open }).logIn()
		registers := func() string {
			got := o.sends("/oauth2/register", `{"redirect_uris":["`+callback+`"],"grant_types":["authorization_code","client_credentials"]}`)
			return got["client_id"].(string)
		}
		unused, changed, used, machine := registers(), registers(), registers(), registers()
		o.edit(used, func(c *clients.Client) {
			c.FirstParty, c.Unverified, c.Source, c.SecretDigests = true, false, clients.FromRegistration, digest(basicSecret)
		})
		o.edit(machine, func(c *clients.Client) { c.Source, c.SecretDigests = clients.FromRegistration, digest(basicSecret) })
		code := o.code(used, "code_challenge", "code_challenge_method")
		ok(t, o.ask(used, clients.AuthorizationCode, "code="+code, "redirect_uri="+callback))
		ok(t, o.ask(machine, clients.ClientCredentials))
		o.clock.Move(60 * 24 * time.Hour)
		c, err := o.provider.Clients.ByID(t.Context(), changed)
		must(t, err)
		must(t, o.provider.Clients.Replace(t.Context(), *c))
		o.clock.Move(31 * 24 * time.Hour)
		for _, want := range []int64{1, 0} {
			n, err := o.provider.Clients.SweepUnused(t.Context(), o.provider.Audit, o.clock.Now().Add(-90*24*time.Hour))
			if err != nil || n != want {
				t.Errorf("swept %d, %v; want %d", n, err, want)
			}
		}
		if events := o.events("client.swept"); len(events) != 1 || events[0].Client != unused {
			t.Errorf("audit %v, want the one that was never used", events)
		}
		for id, there := range map[string]bool{unused: false, changed: true, used: true, machine: true} {
			if _, err := o.provider.Clients.ByID(t.Context(), id); (err == nil) != there {
				t.Errorf("%s: %v, want there %t", id, err, there)
			}
		}
	})
}

// sends posts JSON from this machine and gives the answer.
func (w *world) sends(path, body string) map[string]any {
	w.t.Helper()
	r, err := http.NewRequest("POST", w.server.URL+path, strings.NewReader(body))
	must(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	got := w.do(r)
	if got.StatusCode != http.StatusCreated {
		w.t.Fatalf("status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(w.t)
}
