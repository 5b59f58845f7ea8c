package verbs_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/shared/db"
)

// keyed is start with the key-encryption key in a file, which is given too.
func keyed(t *testing.T, d *db.DB) (s shell, file string) {
	t.Helper()
	s = start(t, d, "ES256")
	file = filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ring.KeyFile = file
	return s, file
}

func there(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestARestoredBackupGetsNoNewKeyEncryptionKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, file := keyed(t, d)
		s.sees(0, []string{"rotate", "ES256", "--force"}) // and the machine remembers
		text, err := os.ReadFile(file + ".seen")
		if err != nil {
			t.Fatal(err)
		}
		var seen map[string]map[string]any
		if err := json.Unmarshal(text, &seen); err != nil {
			t.Fatal(err)
		}
		for _, one := range seen {
			one["generation"] = one["generation"].(float64) + 1
		}
		if text, err = json.Marshal(seen); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file+".seen", text, 0o600); err != nil {
			t.Fatal(err)
		}
		s.sees(1, []string{"rewrap", "--generate"}, "run: keys recover")
		if there(t, file+".next") {
			t.Error("a key was made for a database that is refused")
		}
	})
}

func TestADryRunGivesADatabaseNoIdentity(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, file := keyed(t, d)
		s.sees(0, []string{"rewrap", "--generate", "--dry-run"}, "signing keys")
		s.sees(1, []string{"recover", "--dry-run"}, "the database is not behind")
		s.run("", "verify")
		var identity string
		if err := d.Row(t.Context(), `select identity from key_ring where id = 1`, nil, &identity); err != nil || identity != "" {
			t.Errorf("%q %v, want none", identity, err)
		}
		if there(t, file+".next") || there(t, file+".seen") {
			t.Error("a file was made")
		}
	})
}

// The old key of the last change must be moved away first: backups need it.
func TestTheSecondChangeIsRefusedBeforeItBegins(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, file := keyed(t, d)
		s.sees(0, []string{"rewrap", "--generate", "--finish"}, "is needed for older backups only")
		s.sees(0, []string{"rewrap", "--finish"}, "nothing is left to do here")
		for _, flag := range []string{"--json=false", "--json", "--dry-run"} {
			out := s.sees(1, []string{"rewrap", "--generate", "--finish", flag}, file+".old", "move it away first")
			if strings.Contains(out, "signing keys") || there(t, file+".next") {
				t.Errorf("%s: printed %q, new key made: %t; want nothing to have begun", flag, out, there(t, file+".next"))
			}
		}
		if err := os.Rename(file+".old", file+".older"); err != nil {
			t.Fatal(err)
		}
		s.sees(0, []string{"rewrap", "--generate"}, "run: idp keys rewrap --finish")
		if err := os.Link(file, file+".old"); err != nil { // --finish broke off after its first step
			t.Fatal(err)
		}
		s.sees(0, []string{"rewrap", "--finish"}, "is needed for older backups only")
		if there(t, file+".next") || !there(t, file+".old") {
			t.Error("the new key is not in the place of the old one")
		}
	})
}
