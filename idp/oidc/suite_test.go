package oidc_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/oidc/registration"
	"tegata/idp/sessions"
)

// The tests below walk through the modules of the OpenID Foundation's conformance
// suite, by their names, and check over HTTP what each demands: what fails a module
// there and what gives a warning. So a regression shows without the suite.

// op is a provider as the suite meets it: everything switched on that a plan needs,
// a person who tells everything, clients that register themselves.
type op struct {
	*world
	invitation string
}

// tester is a relying party of the suite.
type tester struct {
	op
	id, secret string
	method     string
	kind       string // response type
	mode       string // response mode, "" for the default
	sign       func(claims map[string]any) string
}

func startOP(t *testing.T) op {
	t.Helper()
	w := startWith(t, func(p *oidc.Provider) {
		p.ResponseTypes, p.Registration.Mode = clients.ResponseTypes, registration.Invited
	})
	var err error
	w.person, err = w.provider.Accounts.Create(t.Context(), accounts.Person{
		Email: "maya@example.org", Password: password, GivenName: "Maya", FamilyName: "Lindqvist", Nickname: "maya", Country: "SE", Language: "en",
		Details: accounts.Details{
			MiddleName: "Elin", PreferredUsername: "maya.l", Profile: "https://example.org/maya", Picture: "https://example.org/maya.jpg",
			Website: "https://example.org/", Gender: "female", Birthdate: "1984-02-29", Zone: "Europe/Stockholm",
			PhoneNumber: "+46 8 123 456 78", PhoneVerified: true, Address: accounts.Address{StreetAddress: "Storgatan 1", Country: "Sweden"},
		},
	})
	must(t, err)
	_, token, err := w.provider.Clients.Invite(t.Context(), "the suite", 1000, 24*time.Hour)
	must(t, err)
	return op{w, token}
}

// in gives the provider to a module, with a browser nobody has used.
func (o op) in(t *testing.T) op {
	w := *o.world
	w.t, w.cookies = t, map[string]string{}
	return op{&w, o.invitation}
}

func (p tester) in(t *testing.T) tester {
	p.op = p.op.in(t)
	return p
}

// call sends JSON, as registration wants it.
func (o op) call(method, path, token string, body any) answer {
	o.t.Helper()
	return o.do(o.request(method, path, token, body))
}

func (o op) request(method, path, token string, body any) *http.Request {
	o.t.Helper()
	text, err := json.Marshal(body)
	must(o.t, err)
	r, err := http.NewRequest(method, o.server.URL+path, bytes.NewReader(text))
	must(o.t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// fields is metadata of a client.
type fields map[string]any

// registers registers a client for the response type and fails when that is refused.
func (o op) registers(kind string, more fields) (tester, fields) {
	o.t.Helper()
	grants := []string{}
	if strings.Contains(kind, "code") {
		grants = append(grants, "authorization_code", "refresh_token")
	}
	if kind != "code" {
		grants = append(grants, "implicit")
	}
	said := fields{"client_name": "a suite", "redirect_uris": []string{callback}, "response_types": []string{kind}, "grant_types": grants,
		"post_logout_redirect_uris": []string{"https://rp.test/bye"}}
	for name, value := range more {
		said[name] = value
	}
	got := o.call("POST", "/oauth2/register", o.invitation, said)
	if got.StatusCode != 201 || got.Header.Get("Cache-Control") != "no-store" {
		o.t.Fatalf("registration: status %d: %s", got.StatusCode, got.Body)
	}
	about := got.json(o.t)
	p := tester{op: o, id: about["client_id"].(string), method: about["token_endpoint_auth_method"].(string), kind: kind}
	p.secret, _ = about["client_secret"].(string)
	return p, about
}

// request is a good authorization request of the party, changed.
func (p tester) request(changes ...string) url.Values {
	v := url.Values{"client_id": {p.id}, "redirect_uri": {callback}, "response_type": {p.kind}, "scope": {"openid"}, "state": {"the-state"}, "nonce": {"the-nonce"}}
	if p.mode != "" {
		v.Set("response_mode", p.mode)
	}
	return with(v, changes...)
}

// asks sends an authorization request, does what a person would be asked to do, and
// gives what travelled back to the client.
func (p tester) asks(changes ...string) url.Values {
	p.t.Helper()
	return p.follow(p.get("/oauth2/authorize?" + p.request(changes...).Encode()))
}

// follow goes through the pages until the answer is there.
func (p tester) follow(got answer) url.Values {
	p.t.Helper()
	for range 6 {
		if got.StatusCode == http.StatusOK {
			return p.posted(got)
		}
		if got.StatusCode != http.StatusSeeOther {
			p.t.Fatalf("status %d: %s", got.StatusCode, got.Body)
		}
		u, err := url.Parse(got.Header.Get("Location"))
		must(p.t, err)
		id := u.Query().Get("interaction")
		switch {
		case u.Host != "":
			return p.travelled(u)
		case u.Path == "/login" || u.Path == "/login/password" || u.Path == "/signup":
			p.typesPassword(id)
		case u.Path == "/login/account":
			p.stays(id)
		case u.Path == "/consent":
			s := p.session
			must(p.t, p.provider.Interaction.Consent(context.Background(), id, p.cookies[sessions.BrowserCookieName], &s, true))
		default:
			p.t.Fatalf("sent to %s", u)
		}
		got = p.comesBack(id)
	}
	p.t.Fatal("asked without an end")
	return nil
}

// asksAt sends a request that has to ask something on that page, and gives the
// interaction's id.
func (p tester) asksAt(page string, request url.Values) string {
	p.t.Helper()
	got := p.get("/oauth2/authorize?" + request.Encode())
	u, err := url.Parse(got.Header.Get("Location"))
	must(p.t, err)
	if u.Path != page {
		p.t.Fatalf("sent to %s, want %s", u, page)
	}
	return u.Query().Get("interaction")
}

// travelled reads an answer from the query or the fragment, whichever it has to be.
func (p tester) travelled(u *url.URL) url.Values {
	p.t.Helper()
	text, other := u.RawQuery, u.Fragment
	if p.kind != "code" {
		text, other = u.EscapedFragment(), u.RawQuery
	}
	if other != "" || p.mode == "form_post" {
		p.t.Errorf("the answer travelled in the wrong place: %s", u)
	}
	values, err := url.ParseQuery(text)
	must(p.t, err)
	return p.answered(values)
}

// posted reads an answer from the page that posts it.
func (p tester) posted(got answer) url.Values {
	p.t.Helper()
	doc, err := html.Parse(strings.NewReader(got.Body))
	must(p.t, err)
	values := url.Values{}
	for n := range doc.Descendants() {
		attributes := map[string]string{}
		for _, a := range n.Attr {
			attributes[a.Key] = a.Val
		}
		if n.Data == "form" && (attributes["action"] != callback || attributes["method"] != "post") {
			p.t.Errorf("the form leads to %v", attributes)
		}
		if n.Data == "input" {
			values.Add(attributes["name"], attributes["value"])
		}
	}
	if p.mode != "form_post" || !strings.Contains(got.Header.Get("Content-Security-Policy"), "form-action https://rp.test;") {
		p.t.Errorf("a page came: policy %q", got.Header.Get("Content-Security-Policy"))
	}
	return p.answered(values)
}

// answered checks what every answer has to keep: known members, iss, state.
func (p tester) answered(values url.Values) url.Values {
	p.t.Helper()
	for name, all := range values {
		if len(all) != 1 || !slices.Contains([]string{"code", "access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss", "error", "error_description", "session_state"}, name) {
			p.t.Errorf("unexpected member %s=%v", name, all)
		}
		if strings.ContainsFunc(all[0], func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			p.t.Errorf("%s is not plain ASCII: %q", name, all[0])
		}
	}
	if values.Get("iss") != p.provider.Issuer {
		p.t.Errorf("iss %q", values.Get("iss"))
	}
	return values
}

// outcome is what a whole flow led to.
type outcome struct {
	front    url.Values
	tokens   map[string]any // nil without a code
	header   string         // alg of the ID token
	id       map[string]any // claims of the ID token
	access   string
	userinfo map[string]any // nil without an access token
}

// says gives the claim from where the client finds it.
func (o outcome) says(name string) any {
	if o.userinfo != nil {
		return o.userinfo[name]
	}
	return o.id[name]
}

// flow runs a whole flow that has to succeed, with the checks that every module makes.
func (p tester) flow(changes ...string) outcome {
	p.t.Helper()
	return p.complete(p.asks(changes...), p.request(changes...).Get("nonce"))
}

func (p tester) complete(front url.Values, nonce string) outcome {
	p.t.Helper()
	o := outcome{front: front}
	if front.Get("state") != "the-state" && len(front.Get("state")) != 128 || front.Has("error") {
		p.t.Fatalf("answer %v", front)
	}
	for _, word := range strings.Fields(p.kind) {
		name := map[string]string{"code": "code", "token": "access_token", "id_token": "id_token"}[word]
		if front.Get(name) == "" {
			p.t.Fatalf("no %s in %v", name, front)
		}
	}
	if front.Has("access_token") && (!strings.EqualFold(front.Get("token_type"), "bearer") || front.Get("expires_in") == "") {
		p.t.Errorf("token members %v", front)
	}
	if text := front.Get("id_token"); text != "" {
		o.header, o.id = p.checkIDToken(text, nonce)
		p.wantHash(o.id, "c_hash", front.Get("code"))
		p.wantHash(o.id, "at_hash", front.Get("access_token"))
	}
	o.access = front.Get("access_token")
	if front.Has("code") {
		o.tokens = p.redeems(front.Get("code"))
		if o.access != "" {
			p.checkUserinfo(&o)
		}
		o.access = o.tokens["access_token"].(string)
		header, claims := p.checkIDToken(o.tokens["id_token"], nonce)
		if at, ok := claims["at_hash"]; ok && at != half256(o.access) {
			p.t.Error("at_hash of the second ID token")
		}
		if o.id != nil && (claims["sub"] != o.id["sub"] || claims["iss"] != o.id["iss"]) {
			p.t.Errorf("two ID tokens about two people: %v, %v", o.id, claims) // OIDC Core §3.3.3.6
		}
		o.header, o.id = header, claims
	}
	if o.access != "" {
		p.checkUserinfo(&o)
	}
	return o
}

func (p tester) checkUserinfo(o *outcome) {
	p.t.Helper()
	got := p.userinfo(o.access)
	if got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
		p.t.Fatalf("userinfo: status %d %s", got.StatusCode, got.Body)
	}
	o.userinfo = got.json(p.t)
	if o.id != nil && o.userinfo["sub"] != o.id["sub"] {
		p.t.Errorf("userinfo is about %v, the ID token about %v", o.userinfo["sub"], o.id["sub"])
	}
}

// checkIDToken verifies an ID token with the published keys.
func (p tester) checkIDToken(text any, nonce string) (alg string, claims map[string]any) {
	p.t.Helper()
	header, claims := p.claims(text)
	now := p.provider.Clock().Unix()
	number := func(name string) int64 { n, _ := claims[name].(float64); return int64(n) }
	if claims["iss"] != p.provider.Issuer || claims["aud"] != p.id || claims["sub"] == nil || number("exp") <= now || number("iat") > now || header.KeyID == "" {
		p.t.Errorf("ID token %v, header %v", claims, header)
	}
	if got, _ := claims["nonce"].(string); got != nonce {
		p.t.Errorf("nonce %q, want %q", got, nonce)
	}
	if claims["acr"] == nil || claims["auth_time"] == nil {
		p.t.Errorf("acr %v, auth_time %v", claims["acr"], claims["auth_time"])
	}
	return header.Algorithm, claims
}

func half256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// wantHash fails unless the claim is the hash of what travelled with the ID token.
func (p tester) wantHash(claims map[string]any, name, of string) {
	p.t.Helper()
	if want := half256(of); of != "" && claims[name] != want || of == "" && claims[name] != nil {
		p.t.Errorf("%s %v of %q", name, claims[name], of)
	}
}

// brings sends a request to the token endpoint as the party proves itself.
func (p tester) brings(form url.Values) answer {
	p.t.Helper()
	switch p.method {
	case "client_secret_post":
		form.Set("client_id", p.id)
		form.Set("client_secret", p.secret)
	case "private_key_jwt":
		now := p.provider.Clock()
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", p.sign(map[string]any{
			"iss": p.id, "sub": p.id, "aud": p.provider.Issuer + "/oauth2/token", "jti": fmt.Sprint(time.Now().UnixNano()), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		}))
	default:
		return p.token(form, basicAuth(p.id, p.secret))
	}
	return p.token(form, "")
}

func (p tester) exchange(code string) answer {
	p.t.Helper()
	return p.brings(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}})
}

func (p tester) redeems(code string) map[string]any {
	p.t.Helper()
	got := p.exchange(code)
	if got.StatusCode != 200 {
		p.t.Fatalf("token endpoint: status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(p.t)
}

// fails fails unless the client got one of the errors, with its state.
func (p tester) fails(values url.Values, state string, codes ...string) {
	p.t.Helper()
	if !slices.Contains(codes, values.Get("error")) || values.Get("state") != state || values.Has("code") || values.Has("access_token") || values.Has("id_token") {
		p.t.Errorf("answer %v, want one of %v with the state", values, codes)
	}
}
