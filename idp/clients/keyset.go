package clients

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

// How long an RSA key has to be, in bits: short ones can be broken (RFC 7518 §3.3, §3.5,
// §4.3, FAPI 2.0 §5.4), and the work that one makes grows with the square of its length.
const (
	leastRSA = 2048
	mostRSA  = 8192
)

// BadLength tells what is wrong with the length of a public key, "" when nothing is. It
// holds for whatever a client signs, and for what is encrypted to it. Of other kinds, an
// algorithm fixes the curve.
func BadLength(key any) string {
	k, ok := key.(*rsa.PublicKey)
	if !ok || k.N.BitLen() >= leastRSA && k.N.BitLen() <= mostRSA {
		return ""
	}
	return fmt.Sprintf("its RSA key has %d bits, want %d to %d", k.N.BitLen(), leastRSA, mostRSA)
}

// Verifies tells whether the key can check signatures of the algorithm, and is as long as it
// has to be. It is asked wherever a signature of a client's counts.
func Verifies(k jose.JSONWebKey, alg string) bool { return BadLength(k.Key) == "" && checks(k, alg) }

// checks tells whether the key is for signatures of the algorithm: a public one of its kind
// that is not for encrypting, nor for another algorithm. RFC 7517 §4.2, §4.4, RFC 7518 §3.1,
// RFC 8037 §3.1.
func checks(k jose.JSONWebKey, alg string) bool {
	if k.Use == "enc" || !k.IsPublic() || k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return alg == "RS256" || alg == "PS256"
	case *ecdsa.PublicKey:
		return alg == "ES256" && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// Encrypts tells whether something can be encrypted to the key with the algorithm, one of
// EncryptionAlgs: the key is for that, or does not say what it is for, and is as long as it
// has to be. RFC 7518 §4.1.
func Encrypts(k jose.JSONWebKey, alg string) bool { return BadLength(k.Key) == "" && hides(k, alg) }

// hides is Encrypts for keys of any length, if they are keys that there can be: anybody can
// write down numbers that are none.
func hides(k jose.JSONWebKey, alg string) bool {
	if k.Use != "enc" && k.Use != "" || k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return alg == "RSA-OAEP-256" && isRSA(key)
	case *ecdsa.PublicKey:
		_, err := key.ECDH() // of another curve, or not on it
		return strings.HasPrefix(alg, "ECDH-ES") && err == nil
	}
	return false
}

// isRSA tells whether the numbers can be an RSA key: both are odd, as the modulus is the
// product of odd primes and the exponent prime to their predecessors (RFC 8017 §3.1), and
// the exponent fits what crypto/rsa takes.
func isRSA(k *rsa.PublicKey) bool {
	return k.N.Bit(0) == 1 && k.E >= 3 && k.E&1 == 1 && k.E <= math.MaxInt32
}

// keyUse is one thing that a client has keys for.
type keyUse struct {
	member string // of the registration, that asks for it
	what   string // in English
	algs   []string
	fits   func(k jose.JSONWebKey, alg string) bool // of whatever length
}

// served tells whether the key is one for it, of whatever length.
func (u keyUse) served(k jose.JSONWebKey) bool {
	return slices.ContainsFunc(u.algs, func(alg string) bool { return u.fits(k, alg) })
}

// keyUses gives everything that the registration needs keys for. A certificate that the
// client signs by itself is compared with its keys as they are: any kind does.
func (c *Client) keyUses() (uses []keyUse) {
	signed := func(member, what, alg string, all []string) {
		if c.FAPI() {
			all = FAPI2Algs
		}
		switch {
		case alg == "":
			member = "jwks"
		case !slices.Contains(authAlgs, alg):
			return // a mistake of its own
		default:
			all = []string{alg}
		}
		uses = append(uses, keyUse{member, what, all, checks})
	}
	if c.AuthMethod == PrivateKeyJWT {
		signed("token_endpoint_auth_signing_alg", "client assertions", c.AuthAlg, authAlgs)
	}
	if c.RequireSignedRequest || c.RequestObjectAlg != "" {
		signed("request_object_signing_alg", "request objects", c.RequestObjectAlg, RequestAlgs)
	}
	all := c.encryptions()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if alg := *all[name][0]; slices.Contains(EncryptionAlgs, alg) {
			uses = append(uses, keyUse{name + "_alg", "", []string{alg}, hides})
		}
	}
	return uses
}

// UsesKeys tells whether a log-in of the client needs a key of its own.
func (c *Client) UsesKeys() bool { return c.AuthMethod == SelfSignedTLSAuth || len(c.keyUses()) > 0 }

// CheckKeySet finds keys of the set, which is all that the client has, that are never used
// for their length, and what the client needs a key for that is not there. Paths lie below at.
func (c *Client) CheckKeySet(at string, set *jose.JSONWebKeySet) Problems {
	p := badLengths(at+".jwks", set)
	if c.AuthMethod == SelfSignedTLSAuth && len(set.Keys) == 0 {
		p.add(at+".jwks", "there is no key, and no certificate, to compare the client's certificate with")
	}
	for _, use := range c.keyUses() {
		algs := strings.Join(use.algs, ", ")
		switch {
		case slices.ContainsFunc(set.Keys, use.served):
		case use.what == "":
			p.add(at+"."+use.member, "none of %d keys can be encrypted to with %s", len(set.Keys), algs)
		default:
			p.add(at+"."+use.member, "none of %d keys can check %s signed with %s", len(set.Keys), use.what, algs)
		}
	}
	return p
}

// badLengths finds the keys that have a bad length.
func badLengths(at string, set *jose.JSONWebKeySet) (p Problems) {
	for i, key := range set.Keys {
		if wrong := BadLength(key.Key); wrong != "" {
			p.add(fmt.Sprintf("%s.keys[%d]", at, i), "%s", wrong)
		}
	}
	return p
}

// UsedKeys names the keys of the set that the client is known to need and that are used:
// each with its kid and algorithm, or its kind where it does not say one.
func (c *Client) UsedKeys(set *jose.JSONWebKeySet) (names []string) {
	uses := c.keyUses()
	for _, key := range set.Keys {
		served := func(use keyUse) bool { return use.served(key) }
		if BadLength(key.Key) != "" || c.AuthMethod != SelfSignedTLSAuth && !slices.ContainsFunc(uses, served) {
			continue
		}
		kind := key.Algorithm
		if kind == "" {
			kind = keyKind(key)
		}
		names = append(names, strings.TrimSpace(key.KeyID+" "+kind))
	}
	return names
}

// keyKind is what a key is: RSA with its length, or its curve.
func keyKind(k jose.JSONWebKey) string {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return ""
}

// misread tells why the value of a member could not be read: of a set of keys, which of them
// and why. Such a set then stands there with what could be read, so that it is not missing as
// well.
func misread(path string, raw json.RawMessage, member reflect.Value) (p Problems) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if member.Type() == reflect.TypeFor[*jose.JSONWebKeySet]() && json.Unmarshal(raw, &set) == nil {
		all := make([]jose.JSONWebKey, len(set.Keys))
		member.Set(reflect.ValueOf(&jose.JSONWebKeySet{Keys: all}))
		for i, one := range set.Keys {
			if err := json.Unmarshal(one, &all[i]); err != nil {
				why := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "go-jose/go-jose: "), "invalid JWK, ")
				p.about(fmt.Sprintf("%s.keys[%d]", path, i), "is no key that can be read", ": %s", why)
			}
		}
	}
	if len(p) == 0 {
		p.add(path, "want %s", wanted(member.Type()))
	}
	return p
}
