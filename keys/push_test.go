package keys_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"testing"

	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

func TestThePushKeyIsNobodyElsesBusiness(t *testing.T) { // RFC 8292
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256", keys.Push)
		kid, key, err := r.Signer(t.Context(), keys.Push)
		if err != nil {
			t.Fatal(err)
		}
		digest := make([]byte, 32)
		signature, err := key.Sign(rand.Reader, digest, crypto.SHA256)
		if err != nil || !ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), digest, signature) {
			t.Errorf("the key does not sign: %v", err)
		}
		if _, ok := r.Public(kid); ok || len(served(t, r).Keys) != 2 {
			t.Error("the push key is published")
		}
		if got := states(t, r, keys.Push); got[keys.Active] != 1 || got[keys.Next] != 0 {
			t.Errorf("%v, want one active key", got)
		}
		findings(t, r, "")
	})
}

// Browsers take the key as a point of P-256 in 65 bytes. RFC 8292 §3.2
func TestThePushKeyIsGivenAsBrowsersTakeIt(t *testing.T) {
	r, _ := start(t, dbtest.SQLite(t, mechanisms(t)), "ES256", keys.Push)
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		text := k.ApplicationServerKey()
		if k.Alg != keys.Push {
			if text != "" {
				t.Errorf("%s is given as a push key", k.Alg)
			}
			continue
		}
		point, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(point) != 65 || point[0] != 4 {
			t.Fatalf("%d bytes %v, want an uncompressed point", len(point), err)
		}
		public, err := ecdh.P256().NewPublicKey(point)
		want, _ := k.Public.Key.(*ecdsa.PublicKey).ECDH()
		if err != nil || !public.Equal(want) {
			t.Errorf("the point is not the key: %v", err)
		}
	}
}

func TestAPushKeyIsReplacedWithoutASuccessorInWaiting(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		ctx := t.Context()
		first, made, err := r.Stage(ctx, keys.Push, false)
		if err != nil || !made || first.State != keys.Active {
			t.Fatalf("%+v %t %v, want the first push key to sign at once", first, made, err)
		}
		second, made, err := r.Stage(ctx, keys.Push, false)
		if err != nil || !made || second.State != keys.Next {
			t.Fatalf("%+v %t %v, want the second one to wait", second, made, err)
		}
		done, err := r.Promote(ctx, keys.Promotion{Alg: keys.Push})
		if err != nil || done.Now.KID != second.KID || done.Next != nil {
			t.Fatalf("%+v %v, want it to sign: nobody has to fetch it", done, err)
		}
		held.Move(keys.Handover)
		done, err = r.Promote(ctx, keys.Promotion{Alg: keys.Push, Force: true})
		if err != nil || done.Now.KID == second.KID || done.Next != nil {
			t.Fatalf("%+v %v, want a fresh one", done, err)
		}
		h := &harm{}
		r.Harm = h
		if _, err := r.Revoke(ctx, keys.Revocation{KID: done.Now.KID}); err != nil {
			t.Fatal(err)
		}
		if got := states(t, r, keys.Push); got[keys.Active] != 1 || got[keys.Next] != 0 || len(h.ended) != 0 {
			t.Errorf("%v, ended %v, want one active key and no session ended", got, h.ended)
		}
		if len(served(t, r).Keys) != 2 {
			t.Error("a push key is published")
		}
	})
}
