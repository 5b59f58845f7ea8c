package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/db"
	"tegata/shared/secret"
)

// bank is a relying party that keeps the rules of FAPI 2.0, with its two keys.
type bank struct {
	*world
	id       string
	callback string
	key      *ecdsa.PrivateKey // of its assertions and request objects
	dpop     *ecdsa.PrivateKey // of its proofs
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func keySet(key *ecdsa.PrivateKey) *jose.JSONWebKeySet {
	return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
}

// replaceClients makes these the only clients.
func (w *world) replaceClients(all ...clients.Client) {
	w.t.Helper()
	for i := range all {
		all[i].Name, all[i].Source, all[i].FirstParty = map[string]string{"en": "A bank"}, "config", true
		all[i].Default()
		if p := all[i].Check(all[i].ID, true); len(p) > 0 {
			w.t.Fatal(p)
		}
	}
	must(w.t, w.provider.Clients.Sync(w.t.Context(), all))
}

// twoBanks gives both clients of the suite in a fresh world, with a person signed in.
func twoBanks(t testing.TB, d *db.DB, profile clients.Profile) (one, two bank) {
	t.Helper()
	w := startOn(t, d)
	one = bank{w, "one", "https://rp.test/cb", newKey(t), newKey(t)}
	two = bank{w, "two", "https://rp.test/two?dummy1=lorem&dummy2=ipsum", newKey(t), newKey(t)}
	var all []clients.Client
	for _, p := range []bank{one, two} {
		all = append(all, clients.Client{
			ID: p.id, Profile: profile, RedirectURIs: []string{p.callback}, JWKS: keySet(p.key),
			GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "profile", "email", "offline_access"},
		})
	}
	w.replaceClients(all...)
	w.logIn()
	return one, two
}

// edits are changes of claims or header members; nil removes.
type edits map[string]any

func (e edits) apply(to map[string]any) map[string]any {
	for name, value := range e {
		to[name] = value
		if value == nil {
			delete(to, name)
		}
	}
	return to
}

// signed makes a JWS of claims with ES256 and the header members given.
func signed(t testing.TB, key *ecdsa.PrivateKey, header edits, claims map[string]any) string {
	t.Helper()
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	for name, value := range header {
		options.ExtraHeaders[jose.HeaderKey(name)] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	must(t, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(t, err)
	return text
}

// byHand makes a JWS of header and payload as they stand, however wrong.
func byHand(t testing.TB, key *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	must(t, err)
	both := make([]byte, 64)
	r.FillBytes(both[:32])
	s.FillBytes(both[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(both)
}

func (p bank) asserts(changes edits) string {
	p.t.Helper()
	now := p.provider.Clock()
	return signed(p.t, p.key, edits{"kid": "k1"}, changes.apply(map[string]any{
		"iss": p.id, "sub": p.id, "aud": p.provider.Issuer, "jti": secret.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}))
}

// credentials is the form of a client that proves itself.
func (p bank) credentials() url.Values {
	p.t.Helper()
	return url.Values{
		"client_id": {p.id}, "client_assertion": {p.asserts(nil)},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

func publicJWK(key *ecdsa.PrivateKey) jose.JSONWebKey { return jose.JSONWebKey{Key: key.Public()} }

func jkt(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	k := publicJWK(key)
	sum, err := k.Thumbprint(crypto.SHA256)
	must(t, err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proves makes the DPoP header of a request, with claims changed.
func (p bank) proves(method, path string, changes edits) string {
	p.t.Helper()
	return "DPoP: " + signed(p.t, p.dpop, edits{"typ": "dpop+jwt", "jwk": publicJWK(p.dpop)}, p.proofClaims(method, path, changes))
}

func (p bank) proofClaims(method, path string, changes edits) map[string]any {
	return changes.apply(map[string]any{
		"jti": secret.Text(), "htm": method, "htu": p.provider.Issuer + path, "iat": p.provider.Clock().Unix(),
	})
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// wants is a good authorization request of the bank, changed.
func (p bank) wants(changes ...string) url.Values {
	return with(request(p.id, "redirect_uri="+p.callback), changes...)
}

// pushes sends a form to the PAR endpoint, with the client's proof.
func (p bank) pushes(form url.Values, headers ...string) answer {
	p.t.Helper()
	all := p.credentials()
	maps.Copy(all, form)
	return p.post("/oauth2/par", all, headers...)
}

// pushed gives the request_uri of a good request, changed.
func (p bank) pushed(changes ...string) string {
	p.t.Helper()
	got := p.pushes(p.wants(changes...))
	if got.StatusCode != http.StatusCreated {
		p.t.Fatalf("PAR: status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(p.t)["request_uri"].(string)
}

// visits is the browser at the authorization endpoint.
func (p bank) visits(requestURI string, more ...string) answer {
	p.t.Helper()
	return p.get("/oauth2/authorize?" + with(url.Values{"client_id": {p.id}, "request_uri": {requestURI}}, more...).Encode())
}

// allows answers the consent page with yes and gives the code.
func (w *world) allows(got answer) string {
	w.t.Helper()
	u, err := url.Parse(got.Header.Get("Location"))
	must(w.t, err)
	id := u.Query().Get("interaction")
	if u.Path != "/consent" {
		w.t.Fatalf("status %d, Location %q, want the consent page", got.StatusCode, u)
	}
	s := w.session
	must(w.t, w.provider.Interaction.Consent(w.t.Context(), id, w.cookies[sessions.BrowserCookieName], &s, true))
	return w.comesBack(id).sent(w.t).Get("code")
}

// offlineTokens runs a whole flow that ends with a refresh token.
func (p bank) offlineTokens() map[string]any {
	p.t.Helper()
	code := p.allows(p.visits(p.pushed("scope=openid offline_access", "prompt=consent")))
	return p.redeems(code, nil).json(p.t)
}

// gets runs a request up to its code.
func (p bank) gets(changes ...string) string {
	p.t.Helper()
	sent := p.visits(p.pushed(changes...)).sent(p.t)
	if sent.Get("code") == "" || sent.Get("iss") != p.provider.Issuer {
		p.t.Fatalf("no code, or no iss: %v", sent)
	}
	return sent.Get("code")
}

// redeems brings a code with a good proof, unless headers are given.
func (p bank) redeems(code string, change func(form url.Values), headers ...string) answer {
	p.t.Helper()
	form := p.credentials()
	maps.Copy(form, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.callback}, "code_verifier": {verifier}})
	if change != nil {
		change(form)
	}
	if headers == nil {
		headers = []string{p.proves("POST", "/oauth2/token", nil)}
	}
	return p.post("/oauth2/token", form, headers...)
}

// holds runs a whole flow and gives its tokens.
func (p bank) holds(changes ...string) map[string]any {
	p.t.Helper()
	got := p.redeems(p.gets(changes...), nil)
	if got.StatusCode != http.StatusOK {
		p.t.Fatalf("token endpoint: status %d: %s", got.StatusCode, got.Body)
	}
	return got.json(p.t)
}

// calls is the resource: userinfo, with the token and a proof of the bank's key.
func (p bank) calls(token any, changes edits) answer {
	p.t.Helper()
	claims := edits{"ath": hashOf(token.(string))}
	maps.Copy(claims, changes)
	return p.get("/oauth2/userinfo", "Authorization: DPoP "+token.(string), p.proves("GET", "/oauth2/userinfo", claims))
}

// oneOf fails unless the answer is a 4xx with one of the codes.
func oneOf(t *testing.T, got answer, codes ...string) {
	t.Helper()
	if got.StatusCode < 400 || got.StatusCode >= 500 {
		t.Errorf("status %d %s, want one of %v", got.StatusCode, got.Body, codes)
		return
	}
	for _, code := range codes {
		if strings.Contains(got.Body, `"error":"`+code+`"`) {
			return
		}
	}
	t.Errorf("status %d %s, want one of %v", got.StatusCode, got.Body, codes)
}

func jsonText(value any) (string, error) {
	b, err := json.Marshal(value)
	return string(b), err
}
