package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net/url"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
)

// shortRSA is a key of 1024 bits, made once: it takes its time.
var shortRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return key
})

// shortKeys is what a client publishes that has this key alone.
func shortKeys() *jose.JSONWebKeySet {
	return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: shortRSA().Public(), KeyID: "k1"}}}
}

// shortlySigned signs claims with it.
func shortlySigned(t *testing.T, options *jose.SignerOptions, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: jose.JSONWebKey{Key: shortRSA(), KeyID: "k1"}}, options)
	must(t, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(t, err)
	return text
}

const (
	shortSignature   = "The RSA key of the signature has to have 2048 to 8192 bits."
	shortCertificate = "The RSA key of the certificate has to have 2048 to 8192 bits."
)

// A short RSA key can be broken, and whoever has it would be the client. What it signs is
// good nowhere, and the doctor tells why. RFC 7518 §3.3, §3.5, FAPI 2.0 §5.4.
func TestNothingCountsThatAShortKeySigned(t *testing.T) {
	w := withDiary(t)
	now := w.clock.Now()
	w.edit("tracker", func(c *clients.Client) { c.JWKS, c.AuthAlg = shortKeys(), "PS256" })
	assertion := shortlySigned(t, nil, map[string]any{
		"iss": "tracker", "sub": "tracker", "aud": w.provider.Issuer, "jti": "1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	got := w.asserting("tracker", assertion)
	wantError(t, got, 401, "invalid_client")
	if said := w.diary("tracker")[0]; said.Reason != clients.ReasonAssertion || said.Details["why"] != shortSignature {
		t.Errorf("an assertion: %s %v", said.Reason, said.Details)
	}

	w.edit("basic", func(c *clients.Client) { c.JWKS = shortKeys() })
	object := shortlySigned(t, nil, map[string]any{"client_id": "basic", "redirect_uri": callback, "response_type": "code", "scope": "openid"})
	wantError(t, w.post("/oauth2/par", url.Values{"request": {object}}, basicAuth("basic", basicSecret)), 400, "invalid_request_object")
	if said := w.diary("basic")[0]; said.Details["why"] != shortSignature {
		t.Errorf("a request object: %s %v", said.Reason, said.Details)
	}

	proof := shortlySigned(t, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"), map[string]any{
		"jti": "2", "htm": "POST", "htu": w.provider.Issuer + "/oauth2/token", "iat": now.Unix(),
	})
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {callback}}
	wantError(t, w.post("/oauth2/token", form, basicAuth("basic", basicSecret), "DPoP: "+proof), 400, "invalid_dpop_proof")
	if said := w.diary("basic")[0]; said.Reason != clients.ReasonProof || said.Details["why"] != shortSignature {
		t.Errorf("a proof: %s %v", said.Reason, said.Details)
	}
}

// An issuer whose assertions a client brings is trusted like a log-in.
func TestAShortKeyVouchesForNobody(t *testing.T) { // RFC 7523 §3
	w := withDiary(t)
	services(t, w, func(c *clients.Client) {
		if c.ID == "batch" {
			c.AssertionIssuers[0].JWKS = shortKeys()
		}
	})
	now := w.clock.Now()
	text := shortlySigned(t, nil, map[string]any{
		"iss": partner, "sub": "ada@example.org", "aud": w.provider.Issuer, "jti": "1", "exp": now.Add(time.Minute).Unix(),
	})
	wantError(t, w.ask("batch", clients.JWTBearer, "assertion="+text), 400, "invalid_grant")
	if said := w.diary("batch")[0]; said.Details["why"] != shortSignature {
		t.Errorf("%s %v", said.Reason, said.Details)
	}
}

func TestACertificateOfAShortKeyProvesNobody(t *testing.T) { // FAPI 2.0 §5.4
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<34, 0), DNSNames: []string{"client.bank.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, shortRSA().Public(), shortRSA())
	must(t, err)
	short, err := x509.ParseCertificate(der)
	must(t, err)
	for _, method := range []clients.AuthMethod{clients.TLSClientAuth, clients.SelfSignedTLSAuth} {
		p := certificateBank(t, func(c *clients.Client, _ *x509.Certificate) {
			if c.AuthMethod = method; method == clients.TLSClientAuth {
				c.TLSNameDNS = "client.bank.test"
				return
			}
			c.JWKS = shortKeys()
		})
		p.keepsDiary()
		p.shows(map[string]*x509.Certificate{"good": short}, "good")
		wantError(t, p.post("/oauth2/par", p.byCertificate(), "X-Shows: good"), 401, "invalid_client")
		if said := p.diary(p.id)[0]; said.Reason != clients.ReasonCertificate || said.Details["why"] != shortCertificate {
			t.Errorf("%s: %s %v", method, said.Reason, said.Details)
		}
	}
}

// A client that registers itself reads which key it is, and how long it has to be.
func TestShortKeysAreNotRegistered(t *testing.T) { // RFC 7591 §3.2.2
	o := startOP(t)
	for name, set := range map[string]any{
		"1024 bits": shortKeys(),
		"15 bits":   json.RawMessage(`{"keys":[{"kty":"RSA","n":"abc","e":"AQAB"}]}`),
	} {
		got := o.call("POST", "/oauth2/register", o.invitation, fields{
			"redirect_uris": []string{callback}, "token_endpoint_auth_method": "private_key_jwt", "jwks": set,
		})
		wantError(t, got, 400, "invalid_client_metadata")
		if why := got.json(t)["error_description"]; why != "jwks.keys[0]: its RSA key has "+name+", want 2048 to 8192." {
			t.Errorf("%s: %q", name, why)
		}
	}
}
