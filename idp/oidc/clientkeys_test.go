package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
)

// eight are keys that a client has before the one that matters, which is the ninth.
func eight(t *testing.T, of any) (all []jose.JSONWebKey) {
	t.Helper()
	for range 8 {
		key := of
		if key == nil {
			key = newKey(t).Public()
		}
		all = append(all, jose.JSONWebKey{Key: key, Use: "sig"})
	}
	return all
}

// What a key is for is looked at before how many there are: OIDC Core §10.1, §10.2.
func TestTheNinthKeyCountsAsTheFirst(t *testing.T) {
	w := start(t).logIn()
	sealed, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	w.edit("basic", func(c *clients.Client) {
		c.JWKS = &jose.JSONWebKeySet{Keys: append(eight(t, nil), jose.JSONWebKey{Key: sealed.Public(), Use: "enc"})}
		c.IDTokenEncAlg, c.IDTokenEnc = "RSA-OAEP-256", "A128GCM"
	})
	_, inner := opens(t, sealed, w.tokens("basic")["id_token"].(string), "RSA-OAEP-256", "A128GCM")
	if _, claims := w.claims(inner); claims["sub"] != w.person.Subject {
		t.Errorf("the ID token says %v", claims)
	}
	asserts := func(others []jose.JSONWebKey) answer {
		w.edit("tracker", func(c *clients.Client) {
			c.JWKS = &jose.JSONWebKeySet{Keys: append(others, jose.JSONWebKey{Key: w.key.Public(), Use: "sig"})}
		})
		claims := map[string]any{
			"iss": "tracker", "sub": "tracker", "aud": w.provider.Issuer, "jti": rand.Text(), "exp": w.clock.Now().Add(time.Minute).Unix(),
		}
		return w.asserting("tracker", typed(t, w.key, "", claims))
	}
	if got := asserts(eight(t, sealed.Public())); got.StatusCode != 200 {
		t.Errorf("behind eight keys of another kind: %s", got.Body)
	}
	wantError(t, asserts(eight(t, nil)), 401, "invalid_client") // so many of its kind are not tried: it needs a kid
}

// RFC 8705 §2.2: any of them, wherever it stands.
func TestTheNinthCertificateProvesItsClient(t *testing.T) {
	p := certificateBank(t, func(c *clients.Client, own *x509.Certificate) {
		c.AuthMethod = clients.SelfSignedTLSAuth
		c.JWKS = &jose.JSONWebKeySet{Keys: append(eight(t, nil), jose.JSONWebKey{Key: own.PublicKey, Certificates: []*x509.Certificate{own}})}
	})
	if got := p.redeemedWith(t, "good", p.proves("POST", "/oauth2/token", nil)); got.StatusCode != 200 {
		t.Errorf("status %d %s", got.StatusCode, got.Body)
	}
	wantError(t, p.redeemedWith(t, "other", p.proves("POST", "/oauth2/token", nil)), 401, "invalid_client")
}

// A client that puts another certificate at its jwks_uri, where it has no kid, logs in with
// it at once. OIDC Core §10.1.1.
func TestACertificateThatWasReplacedIsNoticed(t *testing.T) {
	files := startSite(t)
	set := func(c *x509.Certificate) jose.JSONWebKeySet {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.PublicKey, Certificates: []*x509.Certificate{c}}}}
	}
	p := certificateBank(t, func(c *clients.Client, own *x509.Certificate) {
		c.AuthMethod, c.JWKSURI = clients.SelfSignedTLSAuth, files.puts(t, "/jwks", set(own))
	})
	next := certificate(t, newKey(t))
	p.shows(map[string]*x509.Certificate{"good": certificate(t, p.key), "next": next}, "")
	status := func(shows string) int {
		form := p.wants()
		form.Set("client_id", p.id)
		return p.post("/oauth2/par", form, "X-Shows: "+shows).StatusCode
	}
	if got := status("next"); got != 401 {
		t.Errorf("one that is not there yet: status %d", got)
	}
	files.puts(t, "/jwks", set(next))
	p.clock.Move(7 * time.Second)
	if got := status("next"); got != 201 {
		t.Errorf("the new one: status %d", got)
	}
	if got := status("good"); got != 401 {
		t.Errorf("the one it replaced, once that was seen: status %d", got)
	}
}
