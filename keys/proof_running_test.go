package keys_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/keys"
	"tegata/shared/db"
)

// A program that runs knows its keys, and that says nothing of what stands in their rows now.
func TestARowThatChangesUnderARunningProgramIsNotPublished(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		all, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := all[1].KID // nothing signs with it, so nobody would notice
		forged, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: next, Algorithm: "ES256", Use: "sig"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Exec(t.Context(), `update signing_keys set generation = generation + 7, public = $2 where kid = $1`, next, string(forged)); err != nil {
			t.Fatal(err)
		}
		round(t, r)
		if isServed(t, r, next) {
			t.Error("another public half is published under the kid of the next key")
		}
		for _, text := range []string{
			`delete from signing_keys where state = 'next'`,
			`update signing_keys set generation = generation + 17, state = 'next' where state = 'retired'`,
		} {
			if _, err := d.Exec(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		round(t, r)
		if isServed(t, r, old.KID) {
			t.Error("a key that retired is published as the next one")
		}
	})
}

// What else stands in a public half, certificates and addresses of some, is not published.
func TestOnlyTheKeyItselfIsPublished(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		if _, err := d.Exec(t.Context(), `update signing_keys set generation = generation + 7, public = replace(public, '{', '{"x5u":"https://mallory.example/",')`); err != nil {
			t.Fatal(err)
		}
		round(t, r)
		if set, _ := r.JWKS(); strings.Contains(string(set), "mallory") || !strings.Contains(string(set), `"kid"`) {
			t.Errorf("served: %s", set)
		}
	})
}

// A next key that nothing proves never signs, and does not keep a compromised one in office.
func TestANextKeyThatNothingProvesNeverSigns(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		all, err := r.List(t.Context())
		if err == nil {
			_, err = d.Exec(t.Context(), `update signing_keys set private = (select k.private from signing_keys k where k.state = 'active'), generation = generation + 7 where state = 'next'`)
		}
		if err != nil {
			t.Fatal(err)
		}
		round(t, r)
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true}); err == nil || !strings.Contains(err.Error(), "keys verify") {
			t.Errorf("promoted: %v", err)
		}
		if _, err := r.Revoke(t.Context(), keys.Revocation{KID: all[0].KID}); err != nil {
			t.Fatal(err)
		}
		kid, _, err := r.Signer(t.Context(), "ES256")
		if err != nil || kid == all[0].KID || kid == all[1].KID {
			t.Errorf("%s signs, %v; want a fresh key", kid, err)
		}
		checkSignature(t, r, "ES256")
	})
}
