// Package jwe encrypts what we say to a key of the client that it is for, in the compact
// form of RFC 7516. Which keys a client has, the caller says.
package jwe

import (
	"errors"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// Encrypt gives text, which is a JWT or its claims, encrypted as how says to the one of
// the client's keys that is for that. Without such a key it gives NoKey, and so it does
// when that one turns out to be no key: it is the client's fault, not ours. RFC 7519 §5.2.
func Encrypt(text string, how clients.Encryption, keys []jose.JSONWebKey) (string, error) {
	key, ok := keyFor(how.Alg, keys)
	if !ok {
		return "", NoKey(how.Alg).Because(errors.New("none of the keys fits"))
	}
	options := (&jose.EncrypterOptions{}).WithType("JWT")
	if strings.Count(text, ".") == 2 && text[0] != '{' {
		options = options.WithContentType("JWT")
	}
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(how.Alg), Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(how.Enc), to, options)
	if err != nil {
		return "", NoKey(how.Alg).Because(err)
	}
	sealed, err := encrypter.Encrypt([]byte(text))
	if err != nil {
		return "", NoKey(how.Alg).Because(err)
	}
	return sealed.CompactSerialize()
}

// NoKey refuses a client that wants something encrypted to it and has no key for that.
func NoKey(alg string) *wire.Refusal {
	return wire.Refuse("invalid_request", "The client has published no key that "+alg+" can encrypt to.")
}

// keyFor finds the key for that algorithm: one that says it is for encrypting, before one
// that says nothing. OIDC Core §10.2.
func keyFor(alg string, keys []jose.JSONWebKey) (jose.JSONWebKey, bool) {
	for _, use := range []string{"enc", ""} {
		i := slices.IndexFunc(keys, func(k jose.JSONWebKey) bool { return k.Use == use && clients.Encrypts(k, alg) })
		if i >= 0 {
			return keys[i], true
		}
	}
	return jose.JSONWebKey{}, false
}
