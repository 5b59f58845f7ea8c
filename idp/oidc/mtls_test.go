package oidc_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/certs"
	"tegata/shared/db/dbtest"
)

// certificate makes a certificate of the key that nobody vouches for.
func certificate(t *testing.T, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	uri, err := url.Parse("spiffe://bank.test/client")
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<34, 0),
		Subject:  pkix.Name{CommonName: "one", Organization: []string{"A bank, Ltd"}, Country: []string{"JP"}},
		DNSNames: []string{"client.bank.test"}, URIs: []*url.URL{uri}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 7)}, EmailAddresses: []string{"ops@bank.test"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	c, err := x509.ParseCertificate(der)
	must(t, err)
	return c
}

// shows makes callers show the certificate that they name in a header of the test.
func (w *world) shows(known map[string]*x509.Certificate, trusted string) {
	w.provider.ClientCertificate = func(r *http.Request) *x509.Certificate { return known[r.Header.Get("X-Shows")] }
	w.provider.CertificateTrusted = func(r *http.Request) error {
		switch shown := r.Header.Get("X-Shows"); shown {
		case trusted:
			return nil
		case "revoked":
			return certs.ErrRevoked
		case "unlisted":
			return certs.ErrNoList
		}
		return errors.New("nobody knows it")
	}
}

// byCertificate is a form of a client whose handshake proves it.
func (p bank) byCertificate(more ...string) url.Values {
	return with(url.Values{"client_id": {p.id}}, more...)
}

// redeemedWith pushes, visits and redeems with the certificate named.
func (p bank) redeemedWith(t *testing.T, shows string, headers ...string) answer {
	t.Helper()
	form := p.byCertificate()
	for name, values := range p.wants() {
		form[name] = values
	}
	got := p.post("/oauth2/par", form, "X-Shows: good")
	if got.StatusCode != 201 {
		t.Fatalf("PAR: %s", got.Body)
	}
	code := p.visits(got.json(t)["request_uri"].(string)).sent(t).Get("code")
	form = p.byCertificate("grant_type=authorization_code", "code="+code, "redirect_uri="+p.callback, "code_verifier="+verifier)
	return p.post("/oauth2/token", form, append(headers, "X-Shows: "+shows)...)
}

func certificateBank(t *testing.T, change func(c *clients.Client, own *x509.Certificate)) bank {
	t.Helper()
	w := startOn(t, dbtest.SQLite(t, schema.FS))
	p := bank{w, "one", callback, newKey(t), newKey(t)}
	own := certificate(t, p.key)
	w.shows(map[string]*x509.Certificate{"good": own, "other": certificate(t, newKey(t)), "unknown": certificate(t, p.key), "revoked": own, "unlisted": own}, "good")
	c := clients.Client{ID: p.id, Profile: clients.FAPI2Security, RedirectURIs: []string{callback}}
	change(&c, own)
	w.replaceClients(c)
	w.logIn()
	return p
}

func TestClientsByCertificateOfAnAuthority(t *testing.T) { // RFC 8705 §2.1
	for name, set := range map[string]func(c *clients.Client){
		"subject":             func(c *clients.Client) { c.TLSSubjectDN = `CN=one,O=A bank\, Ltd,C=JP` },
		"subject with blanks": func(c *clients.Client) { c.TLSSubjectDN = `cn = one, o=A bank\, Ltd , C=JP` },
		"dns":                 func(c *clients.Client) { c.TLSNameDNS = "CLIENT.bank.test" },
		"uri":                 func(c *clients.Client) { c.TLSNameURI = "spiffe://bank.test/client" },
		"ip":                  func(c *clients.Client) { c.TLSNameIP = "192.0.2.7" },
		"email":               func(c *clients.Client) { c.TLSNameEmail = "ops@bank.test" },
	} {
		p := certificateBank(t, func(c *clients.Client, _ *x509.Certificate) {
			c.AuthMethod, c.CertificateBound = clients.TLSClientAuth, true
			set(c)
		})
		if got := p.redeemedWith(t, "good"); got.StatusCode != 200 || got.json(t)["token_type"] != "Bearer" {
			t.Errorf("%s: %s", name, got.Body)
		}
		for _, shown := range []string{"unknown", "revoked", "unlisted"} { // the same name, of no authority, or taken back
			wantError(t, p.redeemedWith(t, shown), 401, "invalid_client")
		}
		wantError(t, p.redeemedWith(t, ""), 401, "invalid_client")
	}
	for name, set := range map[string]func(c *clients.Client){
		"subject":         func(c *clients.Client) { c.TLSSubjectDN = `CN=one,O=A bank,C=JP` },
		"part of subject": func(c *clients.Client) { c.TLSSubjectDN = `CN=one` },
		"dns":             func(c *clients.Client) { c.TLSNameDNS = "bank.test" },
		"uri":             func(c *clients.Client) { c.TLSNameURI = "spiffe://bank.test/" },
		"ip":              func(c *clients.Client) { c.TLSNameIP = "192.0.2.8" },
		"email":           func(c *clients.Client) { c.TLSNameEmail = "x@bank.test" },
	} {
		p := certificateBank(t, func(c *clients.Client, _ *x509.Certificate) { c.AuthMethod = clients.TLSClientAuth; set(c) })
		if got := p.post("/oauth2/par", p.byCertificate(), "X-Shows: good"); got.StatusCode != 401 {
			t.Errorf("another %s: status %d: %s", name, got.StatusCode, got.Body)
		}
	}
}

func TestClientsByTheirOwnCertificate(t *testing.T) { // RFC 8705 §2.2
	for name, key := range map[string]func(own *x509.Certificate) jose.JSONWebKey{
		"the certificate": func(own *x509.Certificate) jose.JSONWebKey {
			return jose.JSONWebKey{Key: own.PublicKey, KeyID: "k1", Certificates: []*x509.Certificate{own}}
		},
		"its key": func(own *x509.Certificate) jose.JSONWebKey { return jose.JSONWebKey{Key: own.PublicKey, KeyID: "k1"} },
	} {
		p := certificateBank(t, func(c *clients.Client, own *x509.Certificate) {
			c.AuthMethod = clients.SelfSignedTLSAuth
			c.JWKS = &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key(own)}}
		})
		// mtls for the client, DPoP for the tokens
		if got := p.redeemedWith(t, "good", p.proves("POST", "/oauth2/token", nil)); got.StatusCode != 200 || got.json(t)["token_type"] != "DPoP" {
			t.Errorf("%s: %s", name, got.Body)
		}
		wantError(t, p.redeemedWith(t, "other", p.proves("POST", "/oauth2/token", nil)), 401, "invalid_client")
		wantError(t, p.redeemedWith(t, "", p.proves("POST", "/oauth2/token", nil)), 401, "invalid_client")
	}
}

func TestCertificateBoundTokens(t *testing.T) { // RFC 8705 §3
	w := startOn(t, dbtest.SQLite(t, schema.FS))
	p := bank{w, "one", callback, newKey(t), newKey(t)}
	w.shows(map[string]*x509.Certificate{"good": certificate(t, newKey(t)), "other": certificate(t, newKey(t))}, "")
	w.replaceClients(clients.Client{
		ID: p.id, Profile: clients.FAPI2Security, RedirectURIs: []string{callback}, JWKS: keySet(p.key), CertificateBound: true,
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "offline_access"},
	})
	w.logIn()
	oneOf(t, p.redeems(p.gets(), nil, "X-Shows: "), "invalid_request") // it has to show one
	code := p.allows(p.visits(p.pushed("scope=openid offline_access", "prompt=consent")))
	tokens := p.redeems(code, nil, "X-Shows: good").json(t)
	bearer := "Authorization: Bearer " + tokens["access_token"].(string)
	for shows, want := range map[string]int{"good": 200, "other": 401, "": 401} {
		if got := w.get("/oauth2/userinfo", bearer, "X-Shows: "+shows); got.StatusCode != want {
			t.Errorf("with certificate %q: status %d, want %d", shows, got.StatusCode, want)
		}
	}
	refresh := func(shows string) answer {
		form := with(p.credentials(), "grant_type=refresh_token", "refresh_token="+tokens["refresh_token"].(string))
		return w.post("/oauth2/token", form, "X-Shows: "+shows)
	}
	oneOf(t, refresh(""), "invalid_request")
	for range 2 { // a new certificate is a new binding, and the token stays
		if got := refresh("other"); got.StatusCode != 200 || got.json(t)["refresh_token"] != nil {
			t.Errorf("refresh: %s", got.Body)
		}
	}
}

func TestWhereCertificatesAreShown(t *testing.T) { // RFC 8705 §5
	w := start(t)
	w.provider.MTLS = "https://mtls.id.test"
	w.provider.Mount(http.NewServeMux())
	d := w.get("/.well-known/openid-configuration").json(t)
	aliases, _ := d["mtls_endpoint_aliases"].(map[string]any)
	if aliases["token_endpoint"] != "https://mtls.id.test/oauth2/token" || aliases["pushed_authorization_request_endpoint"] != "https://mtls.id.test/oauth2/par" {
		t.Errorf("aliases %v", aliases)
	}
	if d["tls_client_certificate_bound_access_tokens"] != true || !has(d["token_endpoint_auth_methods_supported"], "self_signed_tls_client_auth") {
		t.Errorf("%v", d)
	}
	w.logIn() // and proofs may name the other host
	p := bank{w, "basic", callback, nil, newKey(t)}
	form := with(url.Values{}, "grant_type=authorization_code", "code="+w.code("basic"), "redirect_uri="+callback, "code_verifier="+verifier)
	got := w.post("/oauth2/token", form, basicAuth("basic", basicSecret), p.proves("POST", "/oauth2/token", edits{"htu": "https://MTLS.id.test:443/oauth2/token"}))
	if got.StatusCode != 200 {
		t.Errorf("a proof for the alias: %s", got.Body)
	}
}
