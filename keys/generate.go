package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/secret"
)

// purpose binds sealed private keys to what they are.
const purpose = "signing key"

// rsaBits is what RFC 7518 §3.3 asks at least; more would double the time of each
// signature for clients that should take ES256.
const rsaBits = 2048

// freshKey is a key that is not in the database yet.
type freshKey struct {
	public jose.JSONWebKey
	sealed []byte
}

// generate makes a key for the algorithm and seals its private half.
func (r *Ring) generate(alg string) (freshKey, error) {
	private, err := newPrivate(alg)
	if err != nil {
		return freshKey{}, err
	}
	jwk := jose.JSONWebKey{Key: private.Public(), Algorithm: alg, Use: "sig"}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return freshKey{}, err
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return freshKey{}, err
	}
	sealed, err := r.Seal.Seal(purpose, jwk.KeyID, der)
	clear(der)
	return freshKey{jwk, sealed}, err
}

// newPrivate makes a private key. RFC 7518 §3, RFC 8037.
func newPrivate(alg string) (crypto.Signer, error) {
	switch alg {
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256", "PS256":
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("keys: algorithm %q is not one of ES256, RS256, PS256, EdDSA", alg)
}

// open gives the private half of a row.
func (r *Ring) open(row row) (crypto.Signer, error) {
	der, err := r.Seal.Open(purpose, row.KID, row.sealed)
	if errors.Is(err, secret.ErrSeal) {
		return nil, fmt.Errorf("signing key %s was sealed by key-encryption key %s, but the one at hand is %s; start with the right one: %w",
			row.KID, row.SealedBy, r.Seal.ID(), err)
	}
	if err != nil {
		return nil, err
	}
	defer clear(der)
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
	}
	return private.(crypto.Signer), nil // every kind that x509 parses for us signs
}
