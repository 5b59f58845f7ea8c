package keys_test

import (
	"crypto"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

func TestANodeThatWasPausedNeverSignsWithARetiredKey(t *testing.T) { // F-20
	dbtest.EachURL(t, func(t *testing.T, url string) {
		nodes := nodes(t, url, 2)
		paused, other := nodes[1], nodes[0]
		for _, r := range nodes {
			if err := r.Ensure(t.Context(), "ES256"); err != nil {
				t.Fatal(err)
			}
		}
		_, inHand, err := paused.Signer(t.Context(), "ES256") // and the process stops here
		if err != nil {
			t.Fatal(err)
		}
		old, now, err := other.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		if !old.RetiredAt.After(time.Now().Add(keys.Handover - 5*time.Second)) {
			t.Errorf("retired at %v, want after every node knows", old.RetiredAt)
		}
		paused.Forget(10 * time.Minute)
		if _, err := inHand.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !fault.Is(err, fault.Busy) {
			t.Errorf("signed with the key in hand: %v, want busy", err)
		}
		paused.Forget(10 * time.Minute)
		if kid := checkSignature(t, paused, "ES256"); kid != now.KID {
			t.Errorf("signs with %s, want %s", kid, now.KID)
		}
		if _, ok := paused.Public(old.KID); !ok {
			t.Error("does not know the retired key, whose tokens live")
		}
		other.Forget(10 * time.Minute)
		if _, err := other.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAPausedNodeServesTheKeySetOfToday(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		nodes := nodes(t, url, 2)
		for _, r := range nodes {
			if err := r.Ensure(t.Context(), "ES256"); err != nil {
				t.Fatal(err)
			}
		}
		all, _ := nodes[0].List(t.Context())
		if _, err := nodes[0].Revoke(t.Context(), keys.Revocation{KID: all[0].KID}); err != nil {
			t.Fatal(err)
		}
		nodes[1].Forget(time.Hour)
		set := served(t, nodes[1])
		if len(set.Key(all[0].KID)) != 0 {
			t.Error("serves a revoked key")
		}
	})
}

func TestARestoredBackupIsRefusedUntilRecovered(t *testing.T) {
	folder := t.TempDir()
	file, backup, kek := filepath.Join(folder, "db"), filepath.Join(folder, "backup"), filepath.Join(folder, "kek")
	if _, err := secret.ReadOrCreateKeyFile(kek); err != nil {
		t.Fatal(err)
	}
	d := dbtest.Open(t, "sqlite:"+file, mechanisms(t))
	clearRing(t, d)
	if _, err := openRing(t.Context(), d, kek); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil { // folds the journal into the file
		t.Fatal(err)
	}
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backup, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := openRing(t.Context(), dbtest.Open(t, "sqlite:"+file, mechanisms(t)), kek)
	if err != nil {
		t.Fatal(err)
	}
	old, _, err := r.Rotate(t.Context(), "ES256")
	if err != nil {
		t.Fatal(err)
	}

	restored := dbtest.Open(t, "sqlite:"+backup, mechanisms(t))
	if _, err := openRing(t.Context(), restored, kek); err == nil || !strings.Contains(err.Error(), "keys recover") {
		t.Fatalf("got %v, want a refusal that says what to do", err)
	}
	seal, _ := secret.NewSealer(mustRead(t, kek))
	h := &harm{}
	r = &keys.Ring{DB: restored, Seal: seal, Clock: clock.System, KeyFile: kek, Harm: h}
	if _, _, err := r.Rotate(t.Context(), "ES256"); err == nil {
		t.Error("rotated a ring that was restored")
	}
	done, err := r.Recover(t.Context(), false)
	if err != nil || done.Was == nil || len(done.Revoked) != 2 || len(h.ended) != 1 {
		t.Fatalf("%+v %v", done, err)
	}
	again, err := openRing(t.Context(), restored, kek)
	if err != nil {
		t.Fatal(err)
	}
	if kid := checkSignature(t, again, "ES256"); kid == old.KID {
		t.Error("the retired key is back")
	}
	if _, ok := again.Public(old.KID); ok {
		t.Error("the retired key is served")
	}
	findings(t, again, "")

	// A new database on the same machine is no backup.
	if _, err := openRing(t.Context(), dbtest.SQLite(t, mechanisms(t)), kek); err != nil {
		t.Errorf("a new database: %v", err)
	}
}

func TestAnOlderBackupWithoutAnyRotationIsNoticed(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, kek := ringUnderNewKey(t, d)
	round(t, r)
	if _, err := d.Exec(t.Context(), `update key_ring set beat_at = beat_at - 3600000000`); err != nil {
		t.Fatal(err)
	}
	if _, err := openRing(t.Context(), d, kek); err == nil {
		t.Error("an hour is missing and nobody minds")
	}
	if err := os.Remove(kek + ".seen"); err != nil {
		t.Fatal(err)
	}
	if _, err := openRing(t.Context(), d, kek); err != nil {
		t.Errorf("without a memory: %v", err)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	key, err := secret.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
