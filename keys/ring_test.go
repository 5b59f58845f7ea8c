package keys_test

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// mechanisms are the migrations that both programs share.
func mechanisms(t *testing.T) fs.FS {
	t.Helper()
	return dbtest.Mechanisms(t)
}

var kek = []byte("0123456789abcdef0123456789abcdef")

func newRing(t *testing.T, d *db.DB, now clock.Clock) *keys.Ring {
	t.Helper()
	seal, err := secret.NewSealer(kek)
	if err != nil {
		t.Fatal(err)
	}
	return &keys.Ring{DB: d, Seal: seal, Clock: now, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond}
}

func start(t *testing.T, d *db.DB, algs ...string) (*keys.Ring, *clock.Held) {
	t.Helper()
	held := clock.Hold(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	r := newRing(t, d, held.Now)
	if err := r.Ensure(t.Context(), algs...); err != nil {
		t.Fatal(err)
	}
	return r, held
}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, mechanisms(t), test)
}

// states counts the keys of the algorithm by state, as the database has them.
func states(t *testing.T, r *keys.Ring, alg string) map[keys.State]int {
	t.Helper()
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := map[keys.State]int{}
	for _, k := range all {
		if k.Alg == alg {
			n[k.State]++
		}
	}
	return n
}

func TestTheFirstStartMakesOneActiveAndOneNextKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256", "RS256", "PS256", "EdDSA")
		for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
			if got := states(t, r, alg); got[keys.Active] != 1 || got[keys.Next] != 1 || len(got) != 2 {
				t.Errorf("%s: %v, want one active and one next key", alg, got)
			}
			checkSignature(t, r, alg)
		}
		if err := r.Ensure(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		if got := states(t, r, "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 {
			t.Errorf("after a second start: %v, want the same keys", got)
		}
		if err := r.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if err := r.Ensure(t.Context(), "HS256"); err == nil {
			t.Error("a key for HS256 was made")
		}
	})
}

// checkSignature signs with the active key and verifies by the served set.
func checkSignature(t *testing.T, r *keys.Ring, alg string) (kid string) {
	t.Helper()
	kid, key, err := r.Signer(t.Context(), alg)
	if err != nil {
		t.Fatal(err)
	}
	text := sha256.Sum256([]byte("hello"))
	signature, err := sign(alg, key, text[:])
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	set := served(t, r)
	found := set.Key(kid)
	if len(found) != 1 || !found[0].IsPublic() || found[0].Use != "sig" || found[0].Algorithm != alg {
		t.Fatalf("%s: the set has %+v for %s", alg, found, kid)
	}
	if !verifies(alg, found[0].Key, text[:], signature) {
		t.Errorf("%s: the signature does not fit the served key", alg)
	}
	if k, ok := r.Public(kid); !ok || k.KeyID != kid {
		t.Errorf("%s: Public does not know %s", alg, kid)
	}
	return kid
}

func sign(alg string, key crypto.Signer, digest []byte) ([]byte, error) {
	switch alg {
	case "PS256":
		return key.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case "EdDSA":
		return key.Sign(rand.Reader, digest, crypto.Hash(0))
	}
	return key.Sign(rand.Reader, digest, crypto.SHA256)
}

func verifies(alg string, key any, digest, signature []byte) bool {
	switch alg {
	case "ES256":
		return ecdsa.VerifyASN1(key.(*ecdsa.PublicKey), digest, signature)
	case "PS256":
		return rsa.VerifyPSS(key.(*rsa.PublicKey), crypto.SHA256, digest, signature, nil) == nil
	case "EdDSA":
		return ed25519.Verify(key.(ed25519.PublicKey), digest, signature)
	}
	return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, digest, signature) == nil
}

func served(t *testing.T, r *keys.Ring) jose.JSONWebKeySet {
	t.Helper()
	text, _ := r.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"d":`) {
		t.Fatal("the set holds private parts")
	}
	return set
}

func TestARotationMovesEachKeyOneStateOn(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256", "RS256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		before, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := before[1]
		_, tag := r.JWKS()
		held.Move(time.Hour)

		old, now, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		if old.KID != before[0].KID || now.KID != next.KID || now.State != keys.Active || !now.ActivatedAt.Equal(held.Now()) {
			t.Errorf("%s → %s, want %s → %s", old.KID, now.KID, before[0].KID, next.KID)
		}
		if got := states(t, r, "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 || got[keys.Retired] != 1 {
			t.Errorf("%v, want one of each", got)
		}
		if got := states(t, r, "RS256"); got[keys.Retired] != 0 {
			t.Errorf("RS256: %v, want it untouched", got)
		}
		if kid := checkSignature(t, r, "ES256"); kid != next.KID {
			t.Errorf("signs with %s, want %s", kid, next.KID)
		}
		if _, ok := r.Public(old.KID); !ok || len(served(t, r).Keys) != 5 {
			t.Error("the retired key is not served any more")
		}
		if _, now := r.JWKS(); now == tag {
			t.Error("the entity tag stayed")
		}
		if events := recorded(t, r, "key.rotated"); len(events) != 1 || events[0].Details["retired"] != old.KID {
			t.Errorf("audit %+v, want the rotation", events)
		}
		if _, _, err := r.Rotate(t.Context(), "EdDSA"); !fault.Is(err, fault.NotFound) {
			t.Errorf("without a key: %v, want not found", err)
		}
	})
}

func TestARetiredKeyCannotSignAgainAndGoesInTheEnd(t *testing.T) { // A-041, F-21
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		var private []byte
		if err := d.Row(t.Context(), `select private from signing_keys where kid = $1`, db.Args(old.KID), &private); err != nil {
			t.Fatal(err)
		}
		if text, err := r.Seal.Open("signing key", old.KID, private); err != nil || string(text) != `{"alg":"ES256","state":"retired"}` {
			t.Errorf("%q %v, want a statement in the place of the private half", text, err)
		}
		held.Move(keys.Handover + keys.DefaultKeep - time.Microsecond)
		if n, err := r.Purge(t.Context()); n != 0 || err != nil {
			t.Errorf("purged %d %v too early", n, err)
		}
		if _, ok := r.Public(old.KID); !ok {
			t.Error("not known any more before its time")
		}
		held.Move(time.Microsecond)
		if _, ok := r.Public(old.KID); ok {
			t.Error("still known after its time")
		}
		if n, err := r.Purge(t.Context()); n != 1 || err != nil {
			t.Errorf("purged %d %v, want 1", n, err)
		}
		if n := len(served(t, r).Keys); n != 2 {
			t.Errorf("%d keys served, want 2", n)
		}
	})
}

func TestAnotherKeyEncryptionKeyIsNamed(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	start(t, d, "ES256")
	seal, _ := secret.NewSealer([]byte("another key-encryption key of 32"))
	other := &keys.Ring{DB: d, Seal: seal, Clock: clock.System}
	if err := other.Ensure(t.Context(), "ES256"); err == nil || !strings.Contains(err.Error(), "key-encryption key") {
		t.Errorf("got %v, want an error about the key-encryption key", err)
	}
	if _, _, err := other.Signer(t.Context(), "ES256"); !fault.Is(err, fault.Busy) {
		t.Errorf("got %v, want busy", err)
	}
}

func TestBeforeTheFirstReadTheRingIsEmptyAndNotReady(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r := newRing(t, d, clock.System)
	if err := r.Ready(t.Context()); err == nil {
		t.Error("ready")
	}
	if _, ok := r.Public("x"); ok || len(served(t, r).Keys) != 0 {
		t.Error("keys out of nothing")
	}
	if _, _, err := r.Signer(t.Context(), "ES256"); err == nil {
		t.Error("a signer out of nothing")
	}
}

func TestNodesThatStartAtOnceMakeOneRing(t *testing.T) {
	races(t, func(t *testing.T, nodes []*keys.Ring, rounds int) {
		for range rounds {
			if _, err := nodes[0].DB.Exec(t.Context(), `delete from signing_keys`); err != nil {
				t.Fatal(err)
			}
			for i, r := range nodes { // as after a start: they have seen nothing
				nodes[i] = newRing(t, r.DB, clock.System)
			}
			together(t, nodes, func(r *keys.Ring) error { return r.Ensure(t.Context(), "ES256", "EdDSA") })
			for _, alg := range []string{"ES256", "EdDSA"} {
				if got := states(t, nodes[0], alg); got[keys.Active] != 1 || got[keys.Next] != 1 {
					t.Fatalf("%s: %v, want one active and one next key", alg, got)
				}
			}
			oneVoice(t, nodes)
		}
	})
}

func TestNodesThatRotateAtOnceGetOneResult(t *testing.T) {
	races(t, func(t *testing.T, nodes []*keys.Ring, rounds int) {
		together(t, nodes, func(r *keys.Ring) error { return r.Ensure(t.Context(), "ES256") })
		for range rounds {
			forgetEnded(t, nodes[0])
			before := states(t, nodes[0], "ES256")[keys.Retired]
			together(t, nodes, func(r *keys.Ring) error {
				old, now, err := r.Rotate(t.Context(), "ES256")
				if err == nil && old.KID == now.KID {
					t.Errorf("%s was rotated to itself", old.KID)
				}
				return err
			})
			got := states(t, nodes[0], "ES256")
			rotations := got[keys.Retired] - before
			if got[keys.Active] != 1 || got[keys.Next] != 1 || rotations < 1 || rotations > len(nodes) {
				t.Fatalf("%v after %d retired, want one active, one next", got, before)
			}
			oneVoice(t, nodes)
		}
	})
}

// races runs a race of four nodes 200 times where they share a handle of a SQLite
// database, which is cheap; fewer times with handles of their own, whose locks wait for
// each other, and on PostgreSQL. TEGATA_RACE_ROUNDS asks for another number everywhere.
func races(t *testing.T, race func(t *testing.T, nodes []*keys.Ring, rounds int)) {
	asked := os.Getenv("TEGATA_RACE_ROUNDS")
	most, err := strconv.Atoi(asked)
	if asked != "" && (err != nil || most < 1) {
		t.Fatalf("TEGATA_RACE_ROUNDS is %q, want a number", asked)
	}
	t.Run("one handle", func(t *testing.T) {
		d, all := dbtest.SQLite(t, mechanisms(t)), make([]*keys.Ring, 4)
		for i := range all {
			all[i] = newRing(t, d, clock.System)
		}
		race(t, all, cmp.Or(most, 200))
	})
	dbtest.EachURL(t, func(t *testing.T, url string) { race(t, nodes(t, url, 4), cmp.Or(most, 60)) })
}

// forgetEnded keeps the ring small, so that late rounds cost no more than early ones.
func forgetEnded(t *testing.T, r *keys.Ring) {
	t.Helper()
	if _, err := r.DB.Exec(t.Context(), `delete from signing_keys where state in ('retired', 'revoked')`); err != nil {
		t.Fatal(err)
	}
}

// nodes gives rings with database handles of their own.
func nodes(t *testing.T, url string, n int) []*keys.Ring {
	t.Helper()
	all := make([]*keys.Ring, n)
	for i := range all {
		all[i] = newRing(t, dbtest.Open(t, url, mechanisms(t)), clock.System)
	}
	return all
}

func together(t *testing.T, nodes []*keys.Ring, do func(*keys.Ring) error) {
	t.Helper()
	var wg sync.WaitGroup
	for _, r := range nodes {
		wg.Go(func() {
			if err := do(r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// oneVoice checks that all nodes sign with the same key once they have looked.
func oneVoice(t *testing.T, nodes []*keys.Ring) {
	t.Helper()
	kids := map[string]bool{}
	for _, r := range nodes {
		if err := r.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		kids[checkSignature(t, r, "ES256")] = true
	}
	if len(kids) != 1 {
		t.Errorf("%d keys sign, want one", len(kids))
	}
}

func TestARunningProgramPicksARotationUp(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		nodes := nodes(t, url, 2)
		server, command := nodes[0], nodes[1]
		if err := server.Ensure(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { server.Watch(ctx) })
		_, now, err := command.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(30 * time.Second)
		for kid := ""; kid != now.KID; {
			if time.Now().After(deadline) {
				t.Fatalf("still signs with %s, want %s", kid, now.KID)
			}
			if kid, _, err = server.Signer(t.Context(), "ES256"); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		wg.Wait()
		if err := server.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWatchNotesWhatIsPublishedAndPurges(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, held := start(t, d, "ES256")
	if _, _, err := r.Rotate(t.Context(), "ES256"); err != nil {
		t.Fatal(err)
	}
	held.Move(keys.Handover + keys.DefaultKeep)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.Watch(ctx) })
	for deadline := time.Now().Add(30 * time.Second); ; {
		all, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 2 && all[0].PublishedAt != nil && all[1].PublishedAt != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, want two published keys", all)
		}
	}
	stop()
	wg.Wait()
}

func BenchmarkSigner(b *testing.B) {
	d := dbtest.SQLite(b, dbtest.Mechanisms(b))
	seal, _ := secret.NewSealer(kek)
	r := &keys.Ring{DB: d, Seal: seal, Clock: clock.System, Log: slog.New(slog.DiscardHandler)}
	if err := r.Ensure(b.Context(), "ES256"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Signer(b.Context(), "ES256"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestARotationThatBreaksOffChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		before, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.Audit = &audit.Log{DB: dbtest.SQLite(t, nil), Clock: held.Now} // has no table: the last step fails
		if _, _, err := r.Rotate(t.Context(), "ES256"); err == nil {
			t.Fatal("rotated without an audit entry")
		}
		after, err := r.List(t.Context())
		if err != nil || len(after) != 2 || after[0].KID != before[0].KID || after[0].State != keys.Active || after[1].State != keys.Next {
			t.Errorf("%+v %v, want the ring as it was", after, err)
		}
		checkSignature(t, r, "ES256")
	})
}
