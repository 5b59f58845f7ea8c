package cli_test

import (
	"strings"
	"testing"

	"tegata/shared/db/dbtest"
)

func TestTheKeysOfTheTrackerAreKeptByTheSameVerbs(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := newShell(t, url)
		s.sees("0001_mechanisms", "migrate")
		s.sees("is staged", "keys", "stage", "ES256")
		code, _, problems := s.run("keys", "promote", "ES256")
		if code != 1 || !strings.Contains(problems, "no running tracker has published it") || !strings.Contains(problems, "nobody has read the key set") {
			t.Errorf("promote: code %d, %q; want a refusal with its reasons", code, problems)
		}
		if strings.Contains(problems, "--vouch") {
			t.Errorf("%q: the provider is no client", problems)
		}
		if code, _, problems := s.run("keys", "stage", "RS256"); code != 2 || !strings.Contains(problems, "tracker signs nothing with RS256, only with ES256") {
			t.Errorf("stage RS256: code %d, %q; want that nothing here signs with it", code, problems)
		}
		s.sees("signs", "keys", "promote", "--force", "ES256")
		s.sees(`"state": "active"`, "keys", "list", "--json")
		s.sees("keys are in order", "keys", "verify")
		s.sees("ID tokens of sessions", "keys", "rewrap", "--generate", "--dry-run")
		s.sees("ID tokens of sessions", "keys", "rewrap", "--generate", "--finish")
		s.sees("keys are in order", "keys", "verify")
		s.sees("key.rotated", "audit", "tail")
		s.sees("kek.changed", "audit", "tail")
	})
}
