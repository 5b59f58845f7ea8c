package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// leastRSA is the shortest RSA key that something is encrypted to, in bits.
const leastRSA = 2048

// encrypted gives text, which is a JWT or its claims, encrypted to the client as how
// says; the text itself where it says nothing. RFC 7516, RFC 7519 §5.2.
func (p *Provider) encrypted(ctx context.Context, client *clients.Client, how clients.Encryption, text string) (string, error) {
	if !how.On() {
		return text, nil
	}
	key, err := p.encryptionKey(ctx, client, how.Alg)
	if err != nil {
		return "", err
	}
	options := (&jose.EncrypterOptions{}).WithType("JWT")
	if strings.Count(text, ".") == 2 && text[0] != '{' {
		options = options.WithContentType("JWT")
	}
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(how.Alg), Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(how.Enc), to, options)
	if err != nil {
		return "", err
	}
	sealed, err := encrypter.Encrypt([]byte(text))
	if err != nil {
		return "", err
	}
	return sealed.CompactSerialize()
}

// encryptionKey gives the client's key for that algorithm: one that says it is for
// encrypting, before one that says nothing. OIDC Core §10.2.
func (p *Provider) encryptionKey(ctx context.Context, client *clients.Client, alg string) (jose.JSONWebKey, error) {
	none := wire.Refuse("invalid_request", "The client has published no key that "+alg+" can encrypt to.")
	keys, err := p.keysOf(ctx, client, "")
	if err != nil {
		return jose.JSONWebKey{}, none.Because(err)
	}
	for _, use := range []string{"enc", ""} {
		i := slices.IndexFunc(keys, func(k jose.JSONWebKey) bool { return k.Use == use && encrypts(k, alg) })
		if i >= 0 {
			return keys[i], nil
		}
	}
	return jose.JSONWebKey{}, none.Because(errors.New("none of the keys fits"))
}

// encrypts tells whether the algorithm can encrypt to the key.
func encrypts(k jose.JSONWebKey, alg string) bool {
	if k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return alg == "RSA-OAEP-256" && key.N.BitLen() >= leastRSA
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ECDH-ES")
	}
	return false
}
