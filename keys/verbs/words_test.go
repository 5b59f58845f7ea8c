package verbs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"tegata/keys"
	"tegata/shared/db"
)

// refuses wants that exit code and text on standard error, and none of those that help nobody.
func (s shell) refuses(code int, args []string, want string, never ...string) {
	s.t.Helper()
	got, _, problems := s.run("", args...)
	if got != code || !strings.Contains(problems, want) {
		s.t.Errorf("%v: code %d, want %d and %q:\n%s", args, got, code, want, problems)
	}
	for _, text := range never {
		if strings.Contains(problems, text) {
			s.t.Errorf("%v: %q in\n%s", args, text, problems)
		}
	}
}

func TestWhoMissesAKeyIsToldHowToComeToOne(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.refuses(1, []string{"rotate", "VAPID", "--yes"}, "there is no push key; make one: keys stage VAPID", "the ring has")
		s.refuses(1, []string{"rotate", "RS256"}, "there is no RS256 key; the ring has ES256, and idp signs with nothing else")
		s.ring.Needs = append(s.ring.Needs, "RS256") // since the last start
		s.refuses(1, []string{"rotate", "RS256"}, "there is no RS256 key; start idp, which makes it")
		if _, err := d.Exec(t.Context(), `delete from signing_keys`); err != nil { // migrated, never started
			t.Fatal(err)
		}
		for _, which := range []string{"ES256", "--all"} {
			s.refuses(1, []string{"rotate", which}, "the ring has no keys yet; start idp, which makes them", "none at all")
		}
		s.refuses(1, []string{"promote", "VAPID", "--yes"}, "keys stage VAPID")
	})
}

func TestAScheduleThatIsOffAsksForItsLength(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.refuses(2, []string{"schedule", "--before", "3d"}, "no schedule is kept; say how long a key signs, too: --every", "an hour at least")
		s.refuses(2, []string{"schedule", "--every", "5m"}, "a key has to sign for an hour at least")
		s.sees(0, []string{"schedule", "--every", "90d", "--before", "3d"}, "staged 3d before")
		s.sees(0, []string{"schedule", "--before", "4d"}, "staged 4d before")
	})
}

func TestTwoKindsOfExportAreNotAskedForAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.refuses(2, []string{"export", "--push", "--private"}, "give one of them", "flags in the group")
	})
}

func TestABackupThatDoesNotOpenIsExplained(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		folder := t.TempDir()
		file := func(name, text string) string {
			t.Helper()
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		own, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		other, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		var sealed bytes.Buffer
		if _, _, err := s.ring.Backup(t.Context(), &sealed, false, own.Recipient()); err != nil {
			t.Fatal(err)
		}
		whole, key := sealed.String(), file("own.txt", own.String())
		half := strings.Join(strings.Split(whole, "\n")[:5], "\n")
		for _, c := range []struct{ name, text, key, want string }{
			{"other", whole, file("other.txt", other.String()), "it was encrypted for another identity or passphrase"},
			{"nonsense", `{"keys": []}`, key, "that is no backup of keys: it is not encrypted with age"},
			{"half", half, key, "the backup cannot be read, it is damaged or not whole"},
			{"no identity", whole, file("none.txt", "hello"), "none.txt holds no age identity"},
		} {
			args := []string{"import", file(c.name+".age", c.text), "--identity-file", c.key}
			s.refuses(1, args, c.want, "failed to read header", "did not match any of the recipients")
		}
		s.sees(0, []string{"import", file("whole.age", whole), "--identity-file", key, "--dry-run"}, "is in the ring already")
	})
}

func TestNoChangeOfTheKeyEncryptionKeyIsSuggestedToWhoFinished(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, file := keyed(t, d)
		s.refuses(1, []string{"rewrap"}, "no change of the key-encryption key is under way; to begin one")
		s.sees(0, []string{"rewrap", "--generate", "--finish"}, "is needed for older backups only")
		if err := os.Rename(file+".old", file+".older"); err != nil { // to the backups
			t.Fatal(err)
		}
		code, _, problems := s.run("", "rewrap", "--finish")
		if code != 0 || !strings.Contains(problems, "no change of the key-encryption key is under way") || strings.Contains(problems, "--generate") {
			t.Errorf("code %d, want 0 and that nothing is under way:\n%s", code, problems)
		}
		if there(t, file+".next") {
			t.Error("another change was begun")
		}
		if s.key("ES256", keys.Active) == "" {
			t.Error("no key signs")
		}
	})
}
