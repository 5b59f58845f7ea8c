package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/db"
	"tegata/shared/secret"
)

// forge puts a row with a key of somebody else's in the place of a key of that state,
// private is the SQL of what is in the place of the private half.
func forge(t *testing.T, d *db.DB, state keys.State, private string) (kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := jose.JSONWebKey{Key: key.Public(), Algorithm: "ES256", Use: "sig"}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	text, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{
		`insert into signing_keys (kid, alg, state, public, private, sealed_by, device, generation, created_at, staged_at, published_at, activated_at, retired_at, purge_after)
			select $1, alg, '` + string(state) + `', $2, ` + private + `, sealed_by, '', generation + 1, created_at, staged_at, published_at, activated_at, retired_at, purge_after
			from signing_keys where state = 'retired' and kid <> $1 limit 1`,
		`insert into ended_keys (kid, alg, ended_at) select $1, alg, ended_at from ended_keys where kid <> $2 limit 1`,
	} {
		if _, err := d.Exec(t.Context(), one, public.KeyID, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	return public.KeyID
}

// isServed tells whether the kid is in the set, in whatever way one may ask for it.
func isServed(t *testing.T, r *keys.Ring, kid string) bool {
	t.Helper()
	_, known := r.Public(kid)
	set, err := r.Set(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jwks, _ := r.JWKS()
	inSet, inJWKS := len(set.Key(kid)) > 0, strings.Contains(string(jwks), kid)
	if known != inSet || known != inJWKS {
		t.Errorf("%s: known %t, in the set %t, served %t", kid, known, inSet, inJWKS)
	}
	return known || inSet || inJWKS
}

// wrong gives what Verify finds wrong about the key.
func wrong(t *testing.T, r *keys.Ring, kid string) (texts string) {
	t.Helper()
	found, err := r.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !f.OK && f.Key == kid {
			texts += f.Text + "\n"
		}
	}
	return texts
}

// older writes the ring as the version before statements would have left it.
func older(t *testing.T, d *db.DB, r *keys.Ring) {
	t.Helper()
	type line struct {
		kid, state string
		box        []byte
	}
	all, err := db.Collect(t.Context(), d, `select kid, state, private from signing_keys`, nil, func(scan db.Scan) (l line, err error) {
		return l, scan(&l.kid, &l.state, &l.box)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		box, by := []byte{}, ""
		if l.state == "active" || l.state == "next" {
			der, err := r.Seal.Open("signing key", l.kid, l.box)
			if err != nil {
				t.Fatal(err)
			}
			private, err := x509.ParsePKCS8PrivateKey(der) // what an older version does
			if err != nil {
				t.Fatalf("an older version cannot read it: %v", err)
			}
			if der, err = x509.MarshalPKCS8PrivateKey(private); err == nil {
				box, err = r.Seal.Seal("signing key", l.kid, der)
			}
			if err != nil {
				t.Fatal(err)
			}
			by = r.Seal.ID()
		}
		if _, err := d.Exec(t.Context(), `update signing_keys set private = $1, sealed_by = $2 where kid = $3`, box, by, l.kid); err != nil {
			t.Fatal(err)
		}
	}
}

// forgeries are what somebody without the key-encryption key can put there.
var forgeries = map[string]string{
	"nothing":                 `substr(private, 1, 0)`,
	"another key's statement": `(select private from signing_keys where state = 'retired' and kid <> $1 limit 1)`,
}

func TestAKeyThatSomebodyPutInTheDatabaseIsNotPublished(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		if !isServed(t, r, old.KID) || wrong(t, r, old.KID) != "" {
			t.Error("the key that retired is not served, or wrong")
		}
		for name, private := range forgeries {
			kid := forge(t, d, keys.Retired, private)
			again, _ := start(t, d, "ES256") // a program that starts now
			for _, r := range []*keys.Ring{r, again} {
				round(t, r)
				if isServed(t, r, kid) {
					t.Errorf("with %s in the place of the private half: the key is published", name)
				}
			}
			if got := wrong(t, r, kid); !strings.Contains(got, "not published") {
				t.Errorf("with %s: verify says %q", name, got)
			}
			if _, err := r.Retire(t.Context(), keys.Retirement{KID: kid, Purge: true, Force: true}); err != nil || wrong(t, r, kid) != "" {
				t.Errorf("%v, want that it can be deleted as verify advises", err)
			}
		}
	})
}

func TestANextKeyThatSomebodyPutThereIsNotPublished(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		old, now, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		all, err := r.List(t.Context())
		if err == nil {
			held.Move(time.Minute)
			_, err = r.Retire(t.Context(), keys.Retirement{KID: all[1].KID})
		}
		if err != nil {
			t.Fatal(err)
		}
		kid := forge(t, d, keys.Next, `(select private from signing_keys where state = 'active')`)
		round(t, r)
		if isServed(t, r, kid) || !isServed(t, r, old.KID) || !isServed(t, r, now.KID) {
			t.Error("want our keys published, and only these")
		}
	})
}

func TestARevokedKeyDoesNotComeBackByAChangeOfItsRow(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		for _, private := range []string{`private`, `substr(private, 1, 0)`} {
			all, err := r.List(t.Context())
			if err == nil {
				_, err = r.Revoke(t.Context(), keys.Revocation{KID: all[0].KID})
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Exec(t.Context(), `update signing_keys set state = 'retired', private = `+private+`, generation = generation + 7 where kid = $1`, all[0].KID); err != nil {
				t.Fatal(err)
			}
			again, _ := start(t, d, "ES256")
			for _, r := range []*keys.Ring{r, again} {
				round(t, r)
				if isServed(t, r, all[0].KID) {
					t.Errorf("private = %s: the key is published again", private)
				}
			}
			if wrong(t, r, all[0].KID) == "" {
				t.Errorf("private = %s: verify finds nothing", private)
			}
		}
	})
}

func TestWhatProvesAKeyOutlivesAChangeOfTheKeyEncryptionKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		successor := []byte("another key-encryption key of 32")
		to, err := r.Seal.Learn(successor)
		if err == nil {
			_, err = r.Rewrap(t.Context(), keys.Rewrapping{To: to, Wait: time.Nanosecond})
		}
		if err != nil {
			t.Fatal(err)
		}
		again := newRing(t, d, held.Now)
		if again.Seal, err = secret.NewSealer(successor); err != nil {
			t.Fatal(err)
		}
		if err := again.Ensure(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		if !isServed(t, again, old.KID) || wrong(t, again, old.KID) != "" {
			t.Error("the key that retired before is not published")
		}
	})
}

func TestWhatAnOlderVersionRetiredIsSealedOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		before, held := start(t, d, "ES256", "RS256")
		old, _, err := before.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		older(t, d, before)
		if got := wrong(t, before, old.KID); got != "" || !isServed(t, before, old.KID) {
			t.Errorf("before a program of this version started, verify says %q", got)
		}
		r := newRing(t, d, held.Now)
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		if err := r.Ensure(t.Context(), "ES256", "RS256"); err != nil {
			t.Fatal(err)
		}
		if !isServed(t, r, old.KID) || wrong(t, r, old.KID) != "" {
			t.Error("what an older version retired is not published any more, or wrong")
		}
		events, err := r.Audit.Tail(t.Context(), 5, "")
		if err != nil || len(events) != 1 || events[0].Action != "key.adopted" || events[0].Details["kid"] != old.KID {
			t.Errorf("%+v %v, want one key adopted", events, err)
		}
		kid := forge(t, d, keys.Retired, `substr(private, 1, 0)`)
		again, _ := start(t, d, "ES256", "RS256")
		for _, r := range []*keys.Ring{r, again} {
			round(t, r)
			if isServed(t, r, kid) || wrong(t, r, kid) == "" {
				t.Error("the ring was taken over, and still a row without a statement is believed")
			}
		}
	})
}

func TestAKeyThatAnOlderVersionBesideUsRetiresIsPublishedStill(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		all, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range all { // as an older version does
			to := map[keys.State]string{
				keys.Active: `state = 'retired', private = substr(private, 1, 0), sealed_by = '', retired_at = created_at, purge_after = $2`,
				keys.Next:   `state = 'active', activated_at = $2`,
			}[k.State]
			if _, err := d.Exec(t.Context(), `update signing_keys set generation = generation + 5, `+to+` where kid = $1`, k.KID, r.Clock().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			round(t, r)
			if !isServed(t, r, all[0].KID) {
				t.Error("tokens of the last minutes are refused")
			}
		}
		again, _ := start(t, d, "ES256")
		if !isServed(t, again, all[0].KID) || wrong(t, again, all[0].KID) != "" {
			t.Error("whoever saw it sign did not seal what it knew")
		}
	})
}
