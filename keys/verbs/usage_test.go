package verbs_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/keys"
	"tegata/shared/db"
)

// An operator who forgets --private must not believe that the escrow exists.
func TestAnExportRefusesWhatOnlyABackupOfPrivateKeysNeeds(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		file := filepath.Join(t.TempDir(), "keys.age")
		for _, flags := range [][]string{
			{"--recipient", "age1nonsense"}, {"--passphrase-file", "pass"}, {"-o", file}, {"--push", "-o", file},
			{"--recipient", "age1nonsense", "-o", file, "--dry-run"},
		} {
			if out := s.sees(2, append([]string{"export"}, flags...), "needs --private"); out != "" {
				t.Errorf("%v: printed %q, want nothing", flags, out)
			}
		}
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("%s is there: %v", file, err)
		}
		s.sees(0, []string{"export", "--json"}, `"kty"`)
	})
}

func TestAnAlgorithmThatIsNamedTwiceIsRotatedOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		next := s.key("ES256", keys.Next)
		out := s.sees(0, []string{"rotate", "ES256", "ES256", "--force"}, next+" signs")
		if strings.Count(out, " signs") != 1 || s.key("ES256", keys.Active) != next {
			t.Errorf("%s signs after\n%s, want the key that was staged before: %s", s.key("ES256", keys.Active), out, next)
		}
		s.sees(1, []string{"rotate", "ES256", "ES256"}, "1 of 1 not promoted")
		if out := s.sees(0, []string{"stage", "ES256", "ES256"}); strings.Count(out, "is staged already") != 1 {
			t.Errorf("stage tells twice:\n%s", out)
		}
	})
}

func TestARotationRightAfterAPromotionSaysWhatItDid(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.sees(0, []string{"promote", "ES256", "--force"}, " signs, ", " is retired")
		signs := s.key("ES256", keys.Active)
		s.sees(0, []string{"rotate", "ES256", "--force", "--dry-run"}, "would: "+signs+" signs", "only that is staged now")
		out := s.sees(0, []string{"rotate", "ES256", "--force"}, signs+" signs", "a moment ago, without a new key: only ", "wait ten seconds")
		if next := s.key("ES256", keys.Next); next == "" || !strings.Contains(out, next) {
			t.Errorf("%q is staged, told\n%s", next, out)
		}
		s.sees(0, []string{"rotate", "ES256", "--force"}, signs+" signs", "a moment ago, and nothing more now")
	})
}

func TestAKidWithADashIsAskedForAfterTheFlags(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		kid := s.key("ES256", keys.Next)
		for _, args := range [][]string{
			{"revoke", "--", kid, "--dry-run"}, {"revoke", "--dry-run", "-Iqz"}, {"retire", "--", kid, "--dry-run"}, {"retire", "--dry-run", "-Iqz"},
		} {
			s.sees(2, args, "flags first, then -- KID", "Run: keys "+args[0]+" --help")
		}
		s.sees(2, []string{"revoke"}, "want a kid or --all")
		s.sees(2, []string{"retire", "one", "two"}, "accepts 1 arg(s), received 2")
		s.sees(0, []string{"retire", "--dry-run", "--", kid}, "would: ")
	})
}

func TestFlagsAndNamesThatDoNothingAreRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		for _, verb := range []string{"promote", "rotate", "stage"} {
			s.sees(2, []string{verb, "FOO"}, "there is no algorithm FOO; want one of ES256, RS256, PS256, EdDSA, VAPID")
		}
		s.sees(1, []string{"promote", "RS256"}, "there is no RS256 key; the ring has ES256")
		s.sees(2, []string{"retire", "--force", "--", s.key("ES256", keys.Next)}, "--force needs --purge")
	})
}

func TestVouchingIsOfferedWhereItHelps(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		read := func(by ...keys.Reader) {
			s.ring.Readers = func(context.Context, string) ([]keys.Reader, error) { return by, nil }
		}
		never := func(why string) {
			t.Helper()
			s.sees(1, []string{"promote", "ES256"}, "1 of 1 not promoted; when you know better: --force")
			if _, _, problems := s.run("", "promote", "ES256"); strings.Contains(problems, "--vouch") {
				t.Errorf("%s:\n%s", why, problems)
			}
		}
		client, provider := keys.Reader{ID: "conf2", Active: true, Takes: []string{"ID tokens"}}, keys.Reader{ID: "https://id.example", Anyone: true}
		read(client)
		s.sees(1, []string{"promote", "ES256"}, "1 of 1 not promoted; when you know better: --vouch CLIENT or --force")
		s.sees(0, []string{"promote", "ES256", "--vouch", "conf2", "--dry-run"}, "signs")
		read(provider)
		never("the only reader is no client")
		read(client, provider)
		never("a client is not all that is missing")
		s.sees(0, []string{"retire", "--", s.key("ES256", keys.Next)}, "is retired")
		s.sees(0, []string{"stage", "ES256"}, "is staged")
		read()
		never("nobody is to be vouched for")
		read(client)
		never("caches have to expire, whoever is vouched for")
		s.sees(1, []string{"promote", "ES256", "--vouch", "conf2"}, "1 of 1 not promoted; when you know better: --force")
	})
}

// What does not exist yet has no kid and no times: null, not the zero of some type.
func TestADryRunMakesNothingUp(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		type key struct {
			KID, CreatedAt, StagedAt, SealedBy, Device *string
			State                                      keys.State
		}
		read := func(into any, args ...string) {
			t.Helper()
			out := s.sees(0, append(args, "--dry-run", "--json"))
			if strings.Contains(out, "0001-01-01") || strings.Contains(out, `"kid": ""`) {
				t.Errorf("%v: zero values in\n%s", args, out)
			}
			plain := strings.NewReplacer("created_at", "CreatedAt", "staged_at", "StagedAt", "sealed_by", "SealedBy").Replace(out)
			if err := json.Unmarshal([]byte(plain), into); err != nil {
				t.Fatalf("%v: %v in\n%s", args, err, out)
			}
		}
		var staged []struct{ Key key }
		read(&staged, "stage", "VAPID")
		if k := staged[0].Key; k.KID != nil || k.CreatedAt != nil || k.StagedAt != nil || k.SealedBy != nil || k.Device != nil || k.State != keys.Active {
			t.Errorf("%+v, want an active key of which nothing else is known", k)
		}
		type promoted struct{ Retired, Active, Next *key }
		var rotated, fresh []promoted
		was, next := s.key("ES256", keys.Active), s.key("ES256", keys.Next)
		read(&rotated, "rotate", "ES256", "--force")
		one := rotated[0]
		if *one.Retired.KID != was || one.Retired.State != keys.Retired || *one.Active.KID != next || one.Active.State != keys.Active {
			t.Errorf("%+v %+v, want the keys as they would be", one.Retired, one.Active)
		}
		if one.Next == nil || one.Next.KID != nil || one.Next.State != keys.Next {
			t.Errorf("next: %+v, want one without a kid", one.Next)
		}
		s.sees(0, []string{"retire", "--", next})
		read(&fresh, "rotate", "ES256", "--force")
		if one := fresh[0]; one.Active == nil || one.Active.KID != nil || one.Active.State != keys.Active || one.Next == nil {
			t.Errorf("%+v, want fresh keys without a kid", one)
		}
		read(&fresh, "promote", "ES256", "--force")
		if fresh[0].Next != nil {
			t.Errorf("next: %+v, want none: promote stages nothing", fresh[0].Next)
		}
		if s.key("ES256", keys.Active) != was {
			t.Error("a dry run changed the ring")
		}
	})
}
