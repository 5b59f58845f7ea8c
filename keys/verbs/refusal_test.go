package verbs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tegata/keys"
	"tegata/shared/db"
)

// A script that asked for JSON reads why nothing was done where it reads all else.
func TestARefusalIsJSONWhereJSONWasAskedFor(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := keyed(t, d)
		active := s.key("ES256", keys.Active)
		for _, c := range []struct {
			args []string // without --json
			code int
			want string
		}{
			{[]string{"retire", "--", "nosuchkid"}, 1, "there is no key nosuchkid"},
			{[]string{"revoke", "--", "nosuchkid"}, 1, "there is no key nosuchkid"},
			{[]string{"retire", "--", active}, 1, "signs; use: keys promote ES256"},
			{[]string{"revoke", "--", active}, 2, "without a terminal use --yes"},
			{[]string{"revoke"}, 2, "want a kid or --all"},
			{[]string{"rewrap"}, 1, "no change of the key-encryption key is under way"},
			{[]string{"recover"}, 1, "the database is not behind"},
			{[]string{"rotate", "RS256"}, 1, "there is no RS256 key"},
			{[]string{"rotate"}, 2, "want algorithms or --all"},
			{[]string{"stage", "FOO"}, 2, "there is no algorithm FOO"},
			{[]string{"schedule", "--every", "1s"}, 2, "an hour at least"},
			{[]string{"export", "--push"}, 1, "there is no push key"},
			{[]string{"export", "--private"}, 2, "want --recipient or --passphrase-file"},
			{[]string{"import", "/nowhere"}, 2, "want --identity-file"},
			{[]string{"list", "--colour"}, 2, "unknown flag: --colour"},
			{[]string{"list", "of-keys"}, 2, "of-keys"},
		} {
			plain, out, prose := s.run("", c.args...)
			if plain != c.code || !strings.Contains(prose, c.want) || strings.Contains(out, "problem") {
				t.Errorf("%v: code %d, %q %q; want %d and the sentence alone", c.args, plain, out, prose, c.code)
			}
			asked := append([]string{c.args[0], "--json"}, c.args[1:]...)
			code, out, same := s.run("", asked...)
			var got struct{ Problem string }
			if err := json.Unmarshal([]byte(out), &got); err != nil || code != c.code || !strings.Contains(got.Problem, c.want) || same != prose {
				t.Errorf("%v: code %d, want %d and the problem %q as JSON (%v):\n%s%s", asked, code, c.code, c.want, err, out, same)
			}
		}
		if s.key("ES256", keys.Active) != active {
			t.Error("something was changed")
		}
	})
}

// What was printed already stays the only JSON.
func TestWhatIsToldInJSONIsNotFollowedByARefusal(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.sees(0, []string{"rotate", "ES256", "--force"})
		if _, err := d.Exec(t.Context(), `update signing_keys set retired_at = null where state = 'retired'`); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"promote", "--json", "ES256"}, {"verify", "--json"}} {
			var list []map[string]any
			if err := json.Unmarshal([]byte(s.sees(1, args)), &list); err != nil || len(list) == 0 {
				t.Errorf("%v: %v %v, want one list", args, list, err)
			}
		}
	})
}
