package jwe_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/jwe"
	"tegata/idp/oidc/wire"
)

var how = clients.Encryption{Alg: "ECDH-ES", Enc: "A256GCM"}

// named is a public key of the curve, and what opens what is encrypted to it.
func named(t *testing.T, kid, use, alg string) (public jose.JSONWebKey, private *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: use, Algorithm: alg}, key
}

// A key that says it is for encrypting goes before one that says nothing, and one for
// something else is never taken (OIDC Core §10.2).
func TestTheKeyForEncryptingIsTaken(t *testing.T) {
	signs, _ := named(t, "signs", "sig", "")
	other, _ := named(t, "other", "enc", "RSA-OAEP-256")
	silent, _ := named(t, "silent", "", "")
	right, private := named(t, "right", "enc", "")
	for text, inner := range map[string]any{`{"sub":"a"}`: nil, "a.b.c": "JWT"} {
		sealed, err := jwe.Encrypt(text, how, []jose.JSONWebKey{signs, other, silent, right})
		if err != nil {
			t.Fatal(err)
		}
		got, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil || got.Header.KeyID != "right" || got.Header.ExtraHeaders["cty"] != inner || got.Header.ExtraHeaders["typ"] != "JWT" {
			t.Fatalf("header %+v, %v", got.Header, err)
		}
		if plain, err := got.Decrypt(private); err != nil || string(plain) != text {
			t.Errorf("%q, %v", plain, err)
		}
	}
	if sealed, err := jwe.Encrypt("{}", how, []jose.JSONWebKey{signs, silent}); err != nil || sealed == "" {
		t.Errorf("a key that says nothing: %v", err)
	}
}

func TestWithoutAFittingKeyNothingIsSaid(t *testing.T) {
	signs, _ := named(t, "signs", "sig", "")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		alg  string
		keys []jose.JSONWebKey
	}{
		"no key":              {"ECDH-ES", nil},
		"one for signing":     {"ECDH-ES", []jose.JSONWebKey{signs}},
		"a short RSA key":     {"RSA-OAEP-256", []jose.JSONWebKey{{Key: short.Public(), Use: "enc"}}},
		"one of another sort": {"RSA-OAEP-256", []jose.JSONWebKey{{Key: signs.Key, Use: "enc"}}},
	} {
		sealed, err := jwe.Encrypt("{}", clients.Encryption{Alg: c.alg, Enc: "A256GCM"}, c.keys)
		if got := wire.RefusalOf(err); sealed != "" || err == nil || got.Code != "invalid_request" {
			t.Errorf("%s: %q, %v", name, sealed, err)
		}
	}
}
