package oidc_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/oidc"
	"tegata/idp/oidc/registration"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Relying parties read these bytes: a change here is a change for all of them.
func TestDiscoveryDocument(t *testing.T) { // OpenID Connect Discovery §3, RFC 8414 §2
	w := start(t)
	got := w.get("/.well-known/openid-configuration")
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "application/json" || got.json(t)["issuer"] != w.provider.Issuer {
		t.Fatalf("status %d, type %q", got.StatusCode, got.Header.Get("Content-Type"))
	}
	var indented bytes.Buffer
	must(t, json.Indent(&indented, []byte(got.Body), "", "  "))
	text := strings.ReplaceAll(indented.String(), w.provider.Issuer, "https://id.example.org") + "\n"
	const golden = "testdata/discovery.json"
	if *update {
		must(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if text != string(want) {
		t.Errorf("the document is not %s (go test -update writes it):\n%s", golden, text)
	}
	if same := w.get("/.well-known/oauth-authorization-server"); same.Body != got.Body {
		t.Error("RFC 8414 gives another document")
	}
	for name, value := range got.json(t) {
		if strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" {
			if !strings.HasPrefix(value.(string), w.provider.Issuer+"/") {
				t.Errorf("%s is %v", name, value)
			}
		}
	}
	if again := w.get("/.well-known/openid-configuration", "If-None-Match: "+got.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("with the ETag: status %d, want 304", again.StatusCode)
	}
}

func TestPublishedKeys(t *testing.T) { // RFC 7517 §5
	w := start(t)
	got := w.get("/oauth2/jwks")
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal([]byte(got.Body), &set))
	seen := map[string]bool{}
	for _, key := range set.Keys {
		if seen[key.KeyID] || key.KeyID == "" || key.Use != "sig" || !key.IsPublic() || !key.Valid() {
			t.Errorf("key %q of use %q: want a valid public signing key with a kid of its own", key.KeyID, key.Use)
		}
		seen[key.KeyID] = true
	}
	for _, secret := range []string{`"d"`, `"p"`, `"q"`, `"k"`} {
		if strings.Contains(got.Body, secret) {
			t.Errorf("the key set has a member %s", secret)
		}
	}
	if got.Header.Get("Cache-Control") != "public, max-age=60" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.Header)
	}
	if again := w.get("/oauth2/jwks", "If-None-Match: "+got.Header.Get("ETag")); again.StatusCode != 304 || again.Body != "" {
		t.Errorf("with the ETag: status %d, want 304", again.StatusCode)
	}
}

// Discovery names the ways to prove oneself that work: a certificate by its name needs
// somebody who is trusted to give it, one that the client registered does not. RFC 8705 §2.
func TestDiscoveryNamesCertificatesThatCanProveSomebody(t *testing.T) {
	for name, c := range map[string]struct {
		mtls           string
		authorities    bool
		byName, bySelf bool
	}{
		"nowhere":             {"", false, false, false},
		"without authorities": {"https://mtls.test", false, false, true},
		"with authorities":    {"https://mtls.test", true, true, true},
	} {
		w := startWith(t, func(p *oidc.Provider) {
			p.MTLS, p.Authorities, p.Registration.Mode = c.mtls, c.authorities, registration.Open
		})
		said := w.get("/.well-known/openid-configuration").json(t)
		for _, member := range []string{"token", "revocation", "introspection"} {
			methods := said[member+"_endpoint_auth_methods_supported"].([]any)
			if slices.Contains(methods, any("tls_client_auth")) != c.byName || slices.Contains(methods, any("self_signed_tls_client_auth")) != c.bySelf {
				t.Errorf("%s: %s: %v", name, member, methods)
			}
		}
		wish := fields{"redirect_uris": []string{callback}, "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "rp.test"}
		if got := (op{w, ""}).call("POST", "/oauth2/register", "", wish); (got.StatusCode == 201) != c.byName {
			t.Errorf("%s: registered with status %d: %s", name, got.StatusCode, got.Body)
		}
	}
}
