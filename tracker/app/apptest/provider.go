package apptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/clock"
	"tegata/shared/secret"
)

// Provider is a small OpenID Provider for tests: it asks nobody for a password and is
// honest, strict towards its client, until a test makes it lie by its hooks.
type Provider struct {
	URL    string // the issuer
	Person map[string]any

	// The hooks: what to change before it is sent. nil means honest.
	Metadata func(m map[string]any)
	Answer   func(q url.Values)
	Claims   func(c map[string]any)
	Sign     func(p *Provider, claims map[string]any) string
	Tokens   func(w http.ResponseWriter) bool // true when it has answered
	UserInfo func(c map[string]any)

	mu        sync.Mutex
	clock     *clock.Held
	key       *ecdsa.PrivateKey
	rsa       *rsa.PrivateKey
	kid       string
	codes     map[string]url.Values // authorization requests by code
	access    map[string]bool
	asked     []url.Values // authorization requests
	calls     map[string]int
	seenJTI   map[string]bool
	loggedOut url.Values
}

// StartProvider runs a provider that stops with the test. Everybody who comes is Ada.
func StartProvider(t testing.TB, held *clock.Held) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{
		clock: held, key: key, kid: "key-1",
		codes: map[string]url.Values{}, access: map[string]bool{}, calls: map[string]int{}, seenJTI: map[string]bool{},
		Person: map[string]any{
			"sub": "sub-ada", "given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace",
			"email": "ada@example.org", "country": "JP", "locale": "ja", "zoneinfo": "Asia/Tokyo",
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	mux.HandleFunc("GET /logout", p.logout)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls[r.URL.Path]++
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Calls tells how often an endpoint was asked: "/token".
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// Asked gives the authorization requests so far.
func (p *Provider) Asked() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// LoggedOut gives the last log-out request.
func (p *Provider) LoggedOut() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loggedOut
}

// Lie sets hooks while the provider runs.
func (p *Provider) Lie(change func(p *Provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// Honest takes all lies back.
func (p *Provider) Honest() {
	p.Lie(func(p *Provider) {
		p.Metadata, p.Answer, p.Claims, p.Sign, p.Tokens, p.UserInfo = nil, nil, nil, nil, nil, nil
	})
}

// Rotate changes the signing key.
func (p *Provider) Rotate(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.Lie(func(p *Provider) { p.key, p.kid = key, p.kid+"+" })
}

func (p *Provider) metadata(w http.ResponseWriter, _ *http.Request) {
	m := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/jwks", "end_session_endpoint": p.URL + "/logout",
		"authorization_response_iss_parameter_supported": true, "id_token_signing_alg_values_supported": []string{"ES256"},
	}
	if p.Metadata != nil {
		p.Metadata(m)
	}
	write(w, m)
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.kid, Algorithm: "ES256", Use: "sig"}}}
	if p.rsa != nil {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: p.rsa.Public(), KeyID: "rsa", Algorithm: "RS256", Use: "sig"})
	}
	write(w, set)
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.asked = append(p.asked, q)
	code := secret.Text()
	p.codes[code] = q
	answer := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	if p.Answer != nil {
		p.Answer(answer)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if p.Tokens != nil && p.Tokens(w) {
		return
	}
	began, err := p.redeem(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		write(w, map[string]any{"error": "invalid_grant", "error_description": err.Error()})
		return
	}
	now := p.clock.Now()
	claims := map[string]any{
		"iss": p.URL, "sub": p.Person["sub"], "aud": began.Get("client_id"), "nonce": began.Get("nonce"), "sid": "sid-1",
		"iat": now.Unix(), "exp": now.Unix() + 300, "auth_time": now.Unix(),
	}
	if p.Claims != nil {
		p.Claims(claims)
	}
	sign := (*Provider).SignES256
	if p.Sign != nil {
		sign = p.Sign
	}
	access := secret.Text()
	p.access[access] = true
	write(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": sign(p, claims)})
}

// redeem checks what a strict provider checks: code once, same redirect URI, PKCE, and
// who is calling.
func (p *Provider) redeem(r *http.Request) (url.Values, error) {
	began, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case !ok:
		return nil, errors.New("unknown code")
	case r.PostFormValue("redirect_uri") != began.Get("redirect_uri"):
		return nil, errors.New("another redirect_uri")
	case began.Get("code_challenge_method") != "S256" || base64.RawURLEncoding.EncodeToString(sum[:]) != began.Get("code_challenge"):
		return nil, errors.New("PKCE")
	case r.Header.Get("Authorization") != "" || r.PostFormValue("client_secret") != "":
		return nil, errors.New("a client secret although there is none")
	}
	return began, p.checkAssertion(r.PostForm, began)
}

func (p *Provider) checkAssertion(form url.Values, began url.Values) error {
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return errors.New("no client assertion")
	}
	signed, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return err
	}
	set, err := clientKeys(began.Get("redirect_uri"))
	if err != nil {
		return err
	}
	keys := set.Key(signed.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		return fmt.Errorf("kid %q is not in the client's JWKS", signed.Signatures[0].Header.KeyID)
	}
	payload, err := signed.Verify(keys[0])
	if err != nil {
		return err
	}
	var c struct {
		Iss, Sub, Jti string
		Aud           any
		Exp, Iat      int64
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return err
	}
	id, now := began.Get("client_id"), p.clock.Now().Unix()
	if c.Iss != id || c.Sub != id || c.Aud != p.URL || c.Exp <= now || c.Exp > now+300 || c.Iat > now || c.Jti == "" || p.seenJTI[c.Jti] {
		return fmt.Errorf("client assertion says %+v", c)
	}
	p.seenJTI[c.Jti] = true
	return nil
}

// clientKeys asks the client for its public keys.
func clientKeys(redirectURI string) (set jose.JSONWebKeySet, err error) {
	answer, err := http.Get(strings.TrimSuffix(redirectURI, "/callback") + "/.well-known/jwks.json")
	if err != nil {
		return set, err
	}
	defer answer.Body.Close()
	return set, json.NewDecoder(answer.Body).Decode(&set)
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !p.access[token] {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	claims := maps.Clone(p.Person)
	if p.UserInfo != nil {
		p.UserInfo(claims)
	}
	write(w, claims)
}

func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	p.loggedOut = r.URL.Query()
	to := p.loggedOut.Get("post_logout_redirect_uri") + "?" + url.Values{"state": {p.loggedOut.Get("state")}}.Encode()
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// SignES256 signs as the provider does.
func (p *Provider) SignES256(claims map[string]any) string {
	return sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.kid}}, claims)
}

// SignTyped is SignES256 with a typ in the header: "logout+jwt".
func (p *Provider) SignTyped(typ string, claims map[string]any) string {
	return signTyped(typ, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.kid}}, claims)
}

// SignRS256 signs with an RSA key that the provider publishes too.
func (p *Provider) SignRS256(claims map[string]any) string {
	if p.rsa == nil {
		p.rsa, _ = rsa.GenerateKey(rand.Reader, 2048) // never fails since Go 1.24
	}
	return sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "rsa"}}, claims)
}

// SignStranger signs with a key that is not the provider's, under its kid.
func (p *Provider) SignStranger(claims map[string]any) string {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: p.kid}}, claims)
}

// SignHS256 uses the provider's public key as a shared secret.
func (p *Provider) SignHS256(claims map[string]any) string {
	public, _ := json.Marshal(jose.JSONWebKey{Key: p.key.Public()})
	return sign(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: p.kid}}, claims)
}

// SignNone signs nothing.
func (p *Provider) SignNone(claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}

func sign(key jose.SigningKey, claims map[string]any) string { return signTyped("", key, claims) }

func signTyped(typ string, key jose.SigningKey, claims map[string]any) string {
	var options *jose.SignerOptions
	if typ != "" {
		options = (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		panic(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func write(w io.Writer, value any) {
	if h, ok := w.(http.ResponseWriter); ok {
		h.Header().Set("Content-Type", "application/json")
	}
	json.NewEncoder(w).Encode(value)
}
