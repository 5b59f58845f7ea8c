// Package jws signs what we say with the key ring, in the compact form of RFC 7515: ID
// tokens, access tokens, logout tokens and answers. The header of a key is encoded once
// and kept.
//
//	jws.go    Signer
//	read.go   what a JWT that somebody brings has to keep, whatever it is for
package jws

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

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
	return s.sign(ctx, alg, typ, payload, rand.Reader)
}

// SignUnique is Sign for a payload that is never the same twice, because it holds
// something random that was made for it, like a jti. For ES256 that takes the place of
// randomness in the nonce, which comes from the key and the text alone (RFC 6979, FIPS
// 186-5 A.3.3) and takes a sixth of the time off. A nonce with randomness of its own
// protects a text that is signed twice, once with a fault: two signatures with one nonce
// and different numbers give the key away.
func (s *Signer) SignUnique(ctx context.Context, alg, typ string, payload []byte) (string, error) {
	return s.sign(ctx, alg, typ, payload, nil)
}

func (s *Signer) sign(ctx context.Context, alg, typ string, payload []byte, random io.Reader) (string, error) {
	kid, key, err := s.Keys.Signer(ctx, alg)
	if err != nil {
		return "", err
	}
	header := s.headers.of(alg, kid, typ)
	text := make([]byte, 0, len(header)+1+base64.RawURLEncoding.EncodedLen(len(payload))+1+roomFor(alg))
	text = append(append(text, header...), '.')
	text = base64.RawURLEncoding.AppendEncode(text, payload)
	signature, err := sign(alg, key, text, random)
	if err != nil {
		return "", err
	}
	text = append(text, '.')
	if alg != "ES256" {
		return string(base64.RawURLEncoding.AppendEncode(text, signature)), nil
	}
	var rs [2 * p256]byte
	if err := fixedLength(rs[:], signature); err != nil {
		return "", err
	}
	return string(base64.RawURLEncoding.AppendEncode(text, rs[:])), nil
}

// roomFor is how long a signature is in base64; one of a longer RSA key is moved.
func roomFor(alg string) int {
	switch alg {
	case "ES256", "EdDSA":
		return 86
	}
	return 342 // RSA, 2048 bits
}

// sign signs text as RFC 7518 §3 says for alg; ECDSA in DER. random is for ECDSA.
func sign(alg string, key crypto.Signer, text []byte, random io.Reader) ([]byte, error) {
	if alg == "EdDSA" {
		return key.Sign(rand.Reader, text, crypto.Hash(0))
	}
	digest := sha256.Sum256(text)
	switch alg {
	case "ES256":
		return key.Sign(random, digest[:], crypto.SHA256)
	case "RS256":
		return key.Sign(rand.Reader, digest[:], crypto.SHA256)
	case "PS256":
		return key.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	return nil, fmt.Errorf("jws: no signature algorithm %q", alg)
}

// p256 is the length of a number of the curve, in bytes.
const p256 = 32

// fixedLength turns the DER that crypto.Signer gives (RFC 3279 §2.2.3) into r and s side
// by side, in the two halves of out. RFC 7518 §3.4.
func fixedLength(out, der []byte) error {
	in := cryptobyte.String(der)
	var pair cryptobyte.String
	var r, s []byte // without leading zeros; negative ones are refused
	if !in.ReadASN1(&pair, asn1.SEQUENCE) || !in.Empty() ||
		!pair.ReadASN1Integer(&r) || !pair.ReadASN1Integer(&s) || !pair.Empty() ||
		len(r) > len(out)/2 || len(s) > len(out)/2 {
		return errors.New("jws: what the key gave is no ECDSA signature")
	}
	copy(out[len(out)/2-len(r):], r)
	copy(out[len(out)-len(s):], s)
	return nil
}

// headerCache keeps the encoded JWS headers: there is one per key and type. They are
// read all the time and written when a key begins to sign.
type headerCache struct {
	mu   sync.RWMutex
	kept map[headerOf]string
}

type headerOf struct{ alg, kid, typ string }

func (c *headerCache) of(alg, kid, typ string) string {
	k := headerOf{alg, kid, typ}
	c.mu.RLock()
	text, ok := c.kept[k]
	c.mu.RUnlock()
	if ok {
		return text
	}
	b, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}{alg, kid, typ})
	if err != nil {
		panic(err) // three texts
	}
	text = base64.RawURLEncoding.EncodeToString(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[headerOf]string{}
	}
	c.kept[k] = text
	return text
}
