package oidc_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
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
