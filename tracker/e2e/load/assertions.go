package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertions are client assertions (RFC 7523 §2.2) of the signing client, made before
// the measurement: signing one costs as much as checking it.
type assertions struct {
	key  *ecdsa.PrivateKey
	made []string
	next atomic.Int64
	jti  atomic.Int64
}

// generate makes the client's key and gives its public half as a JWKS.
func (a *assertions) generate() (jwks []byte, err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &a.key.PublicKey, KeyID: "load", Algorithm: "ES256", Use: "sig"}}})
}

// sign makes n new assertions in place of those that are left: they are good for
// minutes only.
func (t *target) sign(n int) error {
	a := &t.assertions
	a.made = make([]string, n)
	a.next.Store(0)
	var (
		group sync.WaitGroup
		wrong [2]error
	)
	for half := range wrong {
		group.Go(func() {
			for i := half; i < n && wrong[half] == nil; i += len(wrong) {
				a.made[i], wrong[half] = a.one(t.issuer)
			}
		})
	}
	group.Wait()
	if wrong[0] != nil {
		return wrong[0]
	}
	return wrong[1]
}

func (a *assertions) one(issuer string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: a.key, KeyID: "load"}}, nil)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(map[string]any{
		"iss": clientSigner, "sub": clientSigner, "aud": issuer, "iat": now.Unix(), "exp": now.Add(4 * time.Minute).Unix(),
		"jti": fmt.Sprintf("%d-%d", now.UnixNano(), a.jti.Add(1)),
	}).Serialize()
}

// assert is client_credentials of the client that signs.
func (c *caller) assert() (err error) {
	a := &c.to.assertions
	i := int(a.next.Add(1) - 1)
	var text string
	if i < len(a.made) {
		text = a.made[i]
	} else if text, err = a.one(c.to.issuer); err != nil { // faster than we thought
		return err
	}
	form := "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" + text
	got, err := c.post(c.to.at.token, "", []byte(form))
	return want(got, err, 200, `"access_token"`)
}
