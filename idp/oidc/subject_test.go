package oidc_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/once"
	"tegata/shared/secret"
)

// pairs registers three pairwise clients, two of them of one sector.
func pairs(w *world) {
	w.t.Helper()
	var all []clients.Client
	for id, uri := range map[string]string{"one": "https://rp.test/cb", "same": "https://rp.test/same", "other": "https://other.test/cb"} {
		c := clients.Client{
			ID: id, Name: map[string]string{"en": id}, Source: "test", RedirectURIs: []string{uri}, SubjectType: clients.Pairwise, FirstParty: true,
			SecretDigests: digest(basicSecret), PostLogoutRedirectURIs: []string{"https://rp.test/bye"},
		}
		c.Default()
		if p := c.Check(id, false); len(p) > 0 {
			w.t.Fatal(p)
		}
		all = append(all, c)
	}
	w.add(all...)
}

// idTokenOf logs in at a client with a secret.
func (w *world) idTokenOf(client, uri string) (text string, claims map[string]any, tokens map[string]any) {
	w.t.Helper()
	code := w.code(client, "redirect_uri="+uri)
	tokens = ok(w.t, w.ask(client, clients.AuthorizationCode, "code="+code, "redirect_uri="+uri, "code_verifier="+verifier))
	text = tokens["id_token"].(string)
	w.verify(text, &claims)
	return text, claims, tokens
}

func TestPairwiseSubjects(t *testing.T) { // OIDC Core §8.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		pairs(w)
		hint, one, tokens := w.idTokenOf("one", "https://rp.test/cb")
		_, same, _ := w.idTokenOf("same", "https://rp.test/same")
		_, other, _ := w.idTokenOf("other", "https://other.test/cb")
		if one["sub"] != same["sub"] || one["sub"] == other["sub"] || one["sub"] == w.person.Subject || len(one["sub"].(string)) < 32 {
			t.Errorf("subjects %v, %v of one sector, %v of another; public %s", one["sub"], same["sub"], other["sub"], w.person.Subject)
		}
		if got := w.userinfo(tokens["access_token"]).json(t); got["sub"] != one["sub"] {
			t.Errorf("userinfo: %v, want the sub of the ID token", got["sub"])
		}
		if got := w.authorize("one", "prompt=none", "id_token_hint="+hint).sent(t); !got.Has("code") {
			t.Errorf("with its own hint: %v", got)
		}
		seal, err := secret.NewSealer(append(make([]byte, 31), 1))
		must(t, err)
		w.provider.Once = once.Store{DB: d, Seal: seal} // another key-encryption key
		if _, later, _ := w.idTokenOf("one", "https://rp.test/cb"); later["sub"] != one["sub"] {
			t.Errorf("with another key the subject became %v", later["sub"])
		}
		if got := w.get("/oauth2/logout?client_id=one&post_logout_redirect_uri=https://rp.test/bye&id_token_hint=" + hint); got.Header.Get("Location") != "https://rp.test/bye" {
			t.Errorf("log-out: status %d to %q", got.StatusCode, got.Header.Get("Location"))
		}
	})
}

func TestIDTokensInEveryAlgorithm(t *testing.T) { // OIDC Core §3.1.3.6, RFC 8037
	w := start(t).logIn()
	for _, alg := range clients.SigningAlgs {
		c := clients.Client{
			ID: "signs-" + alg, Name: map[string]string{"en": alg}, Source: "test", RedirectURIs: []string{callback}, FirstParty: true,
			SecretDigests: digest(basicSecret), IDTokenAlg: alg, UserinfoAlg: alg,
		}
		c.Default()
		w.add(c)
		text, claims, tokens := w.idTokenOf(c.ID, callback)
		sum := sha256.Sum256([]byte(tokens["access_token"].(string)))
		want := base64.RawURLEncoding.EncodeToString(sum[:16])
		if alg == "EdDSA" {
			sum := sha512.Sum512([]byte(tokens["access_token"].(string)))
			want = base64.RawURLEncoding.EncodeToString(sum[:32])
		}
		if header := w.verify(text, &claims); header.Algorithm != alg || claims["at_hash"] != want {
			t.Errorf("%s: header %v, at_hash %v, want %s", alg, header, claims["at_hash"], want)
		}
		info := w.userinfo(tokens["access_token"])
		var told map[string]any
		header := w.verify(info.Body, &told)
		if info.Header.Get("Content-Type") != "application/jwt" || header.Algorithm != alg || told["sub"] != w.person.Subject ||
			told["iss"] != w.provider.Issuer || told["aud"] != c.ID || told["email"] != w.person.Email {
			t.Errorf("%s: userinfo of type %q says %v", alg, info.Header.Get("Content-Type"), told)
		}
		if got := w.authorize(c.ID, "prompt=none", "id_token_hint="+info.Body).sent(t); got.Get("error") != "invalid_request" {
			t.Errorf("%s: userinfo as a hint: %v", alg, got)
		}
	}
}
