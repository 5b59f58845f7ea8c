package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/shared/audit"
	"tegata/shared/secret"
)

// answer is a response with its body read.
type answer struct {
	*http.Response
	Body string
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	w.jar.Lock()
	for name, value := range w.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w.jar.Unlock()
	response, err := w.http.Do(r)
	must(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(w.t, err)
	w.jar.Lock()
	defer w.jar.Unlock()
	for _, c := range response.Cookies() {
		w.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(w.cookies, c.Name)
		}
	}
	if response.StatusCode >= 500 {
		w.t.Errorf("%s %s: status %d: %s", r.Method, r.URL.Path, response.StatusCode, body)
	}
	return answer{response, string(body)}
}

// json reads the body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		t.Fatalf("status %d: body %q: %v", a.StatusCode, a.Body, err)
	}
	return m
}

// sent is what travelled to the client in the query of a redirect.
func (a answer) sent(t testing.TB) url.Values {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want 303: %s", a.StatusCode, a.Body)
	}
	u, err := url.Parse(a.Header.Get("Location"))
	must(t, err)
	return u.Query()
}

// with changes parameters: "name=value" sets, "name" alone removes, "+name=value" adds one more.
func with(values url.Values, changes ...string) url.Values {
	for _, change := range changes {
		name, value, set := strings.Cut(change, "=")
		switch {
		case !set:
			values.Del(name)
		case strings.HasPrefix(name, "+"):
			values.Add(name[1:], value)
		default:
			values.Set(name, value)
		}
	}
	return values
}

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// request is a good authorization request of a client, changed.
func request(client string, changes ...string) url.Values {
	v := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"the-state"}, "nonce": {"the-nonce"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	if client == "native" {
		v.Set("redirect_uri", "http://127.0.0.1:51000/cb")
	}
	return with(v, changes...)
}

// authorize sends a good authorization request, changed.
func (w *world) authorize(client string, changes ...string) answer {
	w.t.Helper()
	return w.get("/oauth2/authorize?" + request(client, changes...).Encode())
}

func (w *world) get(path string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.server.URL+path, nil)
	must(w.t, err)
	return w.do(headed(r, headers))
}

func (w *world) head(path string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodHead, w.server.URL+path, nil)
	must(w.t, err)
	return w.do(r)
}

func (w *world) post(path string, form url.Values, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.server.URL+path, strings.NewReader(form.Encode()))
	must(w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(headed(r, headers))
}

func headed(r *http.Request, headers []string) *http.Request {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// code gives a fresh code of the client for the person who is signed in.
func (w *world) code(client string, changes ...string) string {
	w.t.Helper()
	got := w.authorize(client, changes...).sent(w.t)
	if got.Get("code") == "" {
		w.t.Fatalf("no code: %v", got)
	}
	return got.Get("code")
}

// assertion signs a client assertion of the tracker, with claims changed.
func (w *world) assertion(client string, change func(claims map[string]any)) string {
	w.t.Helper()
	now := w.provider.Clock()
	claims := map[string]any{
		"iss": client, "sub": client, "aud": w.provider.Issuer, "jti": secret.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	return typed(w.t, w.key, "k1", claims)
}

// typed signs claims, with a typ where one is given.
func typed(t testing.TB, key *ecdsa.PrivateKey, kid string, claims map[string]any, typ ...any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for _, one := range typ {
		options.WithHeader(jose.HeaderType, one)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	must(t, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(t, err)
	return text
}

// proof is what the client proves itself with: form values and a header.
func (w *world) proof(client string) (form url.Values, header string) {
	form = url.Values{}
	switch client {
	case "tracker", "old":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", w.assertion(client, nil))
	case "basic", "foreign":
		header = basicAuth(client, basicSecret)
	case "post":
		form.Set("client_id", client)
		form.Set("client_secret", postSecret)
	case "native":
		form.Set("client_id", client)
	}
	return form, header
}

func basicAuth(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// redeem brings a code to the token endpoint, changed.
func (w *world) redeem(client, code string, changes ...string) answer {
	w.t.Helper()
	form, header := w.proof(client)
	form.Set("grant_type", "authorization_code")
	form.Set("code", code)
	form.Set("redirect_uri", callback)
	form.Set("code_verifier", verifier)
	return w.token(with(form, changes...), header)
}

func (w *world) token(form url.Values, header string) answer {
	w.t.Helper()
	if header == "" {
		return w.post("/oauth2/token", form)
	}
	return w.post("/oauth2/token", form, header)
}

// tokens runs a whole flow.
func (w *world) tokens(client string, changes ...string) map[string]any {
	w.t.Helper()
	got := w.redeem(client, w.code(client, changes...))
	if got.StatusCode != http.StatusOK {
		w.t.Fatalf("token endpoint: status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(w.t)
}

func (w *world) userinfo(token any) answer {
	w.t.Helper()
	return w.get("/oauth2/userinfo", "Authorization: Bearer "+token.(string))
}

// wantError fails unless the token endpoint refused with the code.
func wantError(t testing.TB, got answer, status int, code string) {
	t.Helper()
	if got.StatusCode != status || got.json(t)["error"] != code {
		t.Errorf("status %d %s, want %d %s", got.StatusCode, got.Body, status, code)
	}
	if cc := got.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", cc)
	}
}

// wantOneWinner checks answers to requests made at once: one was served, the others
// were refused.
func wantOneWinner(t testing.TB, answers []answer, status int, code string) {
	t.Helper()
	won := 0
	for _, a := range answers {
		if a.StatusCode == 200 {
			won++
		} else {
			wantError(t, a, status, code)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d requests were served, want 1", won, len(answers))
	}
}

// claims reads the payload of an ID token after checking it with the published keys.
func (w *world) claims(text any) (header jose.Header, claims map[string]any) {
	w.t.Helper()
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal([]byte(w.get("/oauth2/jwks").Body), &set))
	token, err := jwt.ParseSigned(text.(string), []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	must(w.t, err)
	must(w.t, token.Claims(&set, &claims))
	return token.Headers[0], claims
}

// events gives the audit events with that action.
func (w *world) events(action string) []audit.Event {
	w.t.Helper()
	all, err := w.provider.Audit.Tail(context.Background(), 500, "")
	must(w.t, err)
	var some []audit.Event
	for _, e := range all {
		if e.Action == action {
			some = append(some, e)
		}
	}
	return some
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
