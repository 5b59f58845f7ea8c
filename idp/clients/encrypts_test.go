package clients_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
)

// A client publishes numbers; not all of them are a key. RFC 8017 §3.1, NIST SP 800-56A §5.6.2.3.
func TestNothingIsEncryptedToWhatIsNoKey(t *testing.T) {
	good := someKeys(t)
	whole := good["RSA"].(*rsa.PublicKey)
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	times := func(n *big.Int, shift uint) *big.Int { return new(big.Int).Lsh(n, shift) }
	rsaOf := func(n *big.Int, e int) any { return &rsa.PublicKey{N: n, E: e} }
	one := big.NewInt(1)
	for name, c := range map[string]struct {
		key  any
		want bool
	}{
		"an RSA key":            {whole, true},
		"with the exponent 3":   {rsaOf(whole.N, 3), true},
		"an even modulus":       {rsaOf(times(whole.N, 1), whole.E), false},
		"a short modulus":       {rsaOf(new(big.Int).Or(times(one, 1023), one), whole.E), false},
		"a huge modulus":        {rsaOf(new(big.Int).Or(times(one, 8192), one), whole.E), false},
		"the exponent 1":        {rsaOf(whole.N, 1), false},
		"an even exponent":      {rsaOf(whole.N, 65536), false},
		"a huge exponent":       {rsaOf(whole.N, 1<<32+1), false},
		"a negative exponent":   {rsaOf(whole.N, -3), false},
		"a point":               {good["P-256"], true},
		"of a curve without it": {small.Public(), false},
	} {
		alg := "RSA-OAEP-256"
		if _, ok := c.key.(*ecdsa.PublicKey); ok {
			alg = "ECDH-ES"
		}
		if got := clients.Encrypts(jose.JSONWebKey{Key: c.key, Use: "enc"}, alg); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
