// Package jws signs what we say with the key ring, in the compact form of RFC 7515: ID
// tokens, access tokens, logout tokens and answers. The header of a key is encoded once
// and kept.
package jws

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"

	"tegata/keys"
)

// Signer signs with the keys of a ring.
type Signer struct {
	Keys *keys.Ring

	headers headerCache
}

// Sign signs payload in compact form with the active key of alg, one of keys' algorithms.
// typ says what it is, like "JWT" (RFC 7515 §3.1, §4.1.9).
func (s *Signer) Sign(ctx context.Context, alg, typ string, payload []byte) (string, error) {
	kid, key, err := s.Keys.Signer(ctx, alg)
	if err != nil {
		return "", err
	}
	header := s.headers.of(alg, kid, typ)
	text := make([]byte, 0, len(header)+1+base64.RawURLEncoding.EncodedLen(len(payload))+1+344)
	text = append(append(text, header...), '.')
	text = base64.RawURLEncoding.AppendEncode(text, payload)
	signature, err := signature(alg, key, text)
	if err != nil {
		return "", err
	}
	return string(base64.RawURLEncoding.AppendEncode(append(text, '.'), signature)), nil
}

// signature signs text as RFC 7518 §3 says for alg.
func signature(alg string, key crypto.Signer, text []byte) ([]byte, error) {
	digest := sha256.Sum256(text)
	switch alg {
	case "ES256":
		der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return fixedLength(der, 32)
	case "RS256":
		return key.Sign(rand.Reader, digest[:], crypto.SHA256)
	case "PS256":
		return key.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case "EdDSA":
		return key.Sign(rand.Reader, text, crypto.Hash(0))
	}
	return nil, fmt.Errorf("jws: no signature algorithm %q", alg)
}

// fixedLength turns the DER that crypto.Signer gives into r and s side by side.
// RFC 7518 §3.4.
func fixedLength(der []byte, size int) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("jws: ECDSA signature is not DER: %w", err)
	}
	out := make([]byte, 2*size)
	rs.R.FillBytes(out[:size])
	rs.S.FillBytes(out[size:])
	return out, nil
}

// headerCache keeps the encoded JWS headers: there is one per key.
type headerCache struct{ kept sync.Map }

func (c *headerCache) of(alg, kid, typ string) string {
	type key struct{ alg, kid, typ string }
	k := key{alg, kid, typ}
	if text, ok := c.kept.Load(k); ok {
		return text.(string)
	}
	b, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}{alg, kid, typ})
	if err != nil {
		panic(err) // three texts
	}
	text := base64.RawURLEncoding.EncodeToString(b)
	c.kept.Store(k, text)
	return text
}
