package keys

import (
	"bytes"
	"context"
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
	"maps"
	"slices"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/secret"
)

// purpose binds sealed private keys to what they are.
const purpose = "signing key"

// sealedColumn is where they lie.
var sealedColumn = secret.Column{
	Name: "signing keys", Table: "signing_keys", Row: "kid", Box: "private", By: "sealed_by", Purpose: purpose,
}

// rsaBits is what RFC 7518 §3.3 asks at least; more would double the time of each
// signature for clients that should take ES256.
const rsaBits = 2048

// freshKey is a key that is not in the database yet.
type freshKey struct {
	alg    string
	public jose.JSONWebKey
	sealed []byte // its private half, or a statement when it lies in the device
	device string // its label there
}

// generate makes n keys for the algorithm: in the device when there is one that can,
// else in memory, with the private halves sealed.
func (r *Ring) generate(alg string, n int) ([]freshKey, error) {
	all := make([]freshKey, n)
	for i := range all {
		var err error
		if all[i], err = r.generateOne(alg); err != nil {
			r.discard(all[:i])
			return nil, err
		}
	}
	r.step("generated")
	return all, nil
}

// generatePairs makes an active and a next key for each algorithm that has one or the other,
// and only an active one for Push: see Stage.
func (r *Ring) generatePairs(all []Key) (fresh map[string][]freshKey, err error) {
	fresh = map[string][]freshKey{}
	for _, k := range all {
		if (k.State != Active && k.State != Next) || fresh[k.Alg] != nil {
			continue
		}
		n := 2
		if k.Alg == Push {
			n = 1
		}
		if fresh[k.Alg], err = r.generate(k.Alg, n); err != nil {
			r.discard(slices.Concat(slices.Collect(maps.Values(fresh))...))
			return nil, err
		}
	}
	return fresh, nil
}

func (r *Ring) generateOne(alg string) (k freshKey, err error) {
	k.alg = alg
	var private crypto.Signer
	if r.makes(alg) {
		k.device = secret.NewID()
		private, err = r.Device.Make(alg, k.device)
	} else {
		private, err = newPrivate(alg)
	}
	if err != nil {
		return k, err
	}
	k.public = jose.JSONWebKey{Key: private.Public(), Algorithm: signs(alg), Use: "sig"}
	if k.public.KeyID, err = thumbprint(k.public); err != nil {
		return k, err
	}
	if k.device != "" {
		k.sealed, err = r.sealStatement(k.public.KeyID, alg, "")
	} else {
		k.sealed, err = r.sealPrivate(k.public.KeyID, private)
	}
	return k, err
}

// thumbprint names a key. RFC 7638.
func thumbprint(k jose.JSONWebKey) (string, error) {
	sum, err := k.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// signs gives the signature algorithm of a key: RFC 8292 §2 asks for ES256.
func signs(alg string) string {
	if alg == Push {
		return "ES256"
	}
	return alg
}

// newPrivate makes a private key. RFC 7518 §3, RFC 8037.
func newPrivate(alg string) (crypto.Signer, error) {
	switch alg {
	case "ES256", Push:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256", "PS256":
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("keys: algorithm %q is not one of %v", alg, Algorithms)
}

// open gives the private half of a row, once the device has said that it is there.
func (r *Ring) open(row row) (crypto.Signer, error) {
	if row.Device != "" {
		key, err := r.inDevice(row.Key)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		if err := r.ask(ctx, row.KID, key); err != nil {
			return nil, fmt.Errorf("signing key %s, in the PKCS #11 device under the label %s: %w", row.KID, row.Device, err)
		}
		return key, nil
	}
	private, _, err := r.openSealed(row)
	return private, err
}

// openSealed gives a private half that lies in the database, and whether a version that
// marks them sealed it (proof.go).
func (r *Ring) openSealed(row row) (private crypto.Signer, marked bool, err error) {
	der, err := r.Seal.Open(purpose, row.KID, row.sealed)
	if errors.Is(err, secret.ErrSeal) && slices.Contains(r.Seal.Holds(), secret.SealedBy(row.sealed)) {
		return nil, false, fmt.Errorf("signing key %s: its private half was changed, or belongs to another row, since the key-encryption key at hand sealed it; "+
			"if no backup of the row is at hand, revoke the key: %w", row.KID, err)
	}
	if errors.Is(err, secret.ErrSeal) {
		return nil, false, fmt.Errorf("signing key %s was sealed by key-encryption key %s, but the one at hand is %s; start with the right one: %w",
			row.KID, secret.SealedBy(row.sealed), r.Seal.ID(), err)
	}
	if err != nil {
		return nil, false, err
	}
	defer clear(der)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, false, fmt.Errorf("signing key %s: %w", row.KID, err)
	}
	return parsed.(crypto.Signer), bytes.HasSuffix(der, sealMark), nil // every kind that x509 parses for us signs
}
