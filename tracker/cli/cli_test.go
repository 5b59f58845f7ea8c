package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app"
	"tegata/tracker/candidates"
	"tegata/tracker/cli"
)

// shell runs verbs against one configuration.
type shell struct {
	t       *testing.T
	environ []string
}

func newShell(t *testing.T, databaseURL string) shell {
	return shell{t, []string{
		"TEGATA_TRACKER_CONFIG=" + programtest.Root("configs/tracker.yaml"), "TEGATA_TRACKER_DATABASE_URL=" + databaseURL,
		"TEGATA_TRACKER_KEY_ENCRYPTION_KEY_FILE=" + filepath.Join(t.TempDir(), "kek"),
	}}
}

func (s shell) run(args ...string) (code int, out, problems string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &stdout, &stderr, s.environ)
	return code, stdout.String(), stderr.String()
}

func (s shell) sees(want string, args ...string) {
	s.t.Helper()
	if code, out, problems := s.run(args...); code != 0 || !strings.Contains(out, want) {
		s.t.Errorf("%v: code %d, %q %q; want %q", args, code, out, problems, want)
	}
}

func TestThePeopleOfTheTrackerAreListedAndShown(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		s := newShell(t, rawURL)
		if code, _, problems := s.run("candidate", "list"); code != 1 || !strings.Contains(problems, "run: tracker migrate") {
			t.Errorf("before the migration: code %d, %q; want what to do", code, problems)
		}
		s.sees("0002_candidates", "migrate")
		s.sees("nothing to do", "migrate")
		cfg, err := app.Load(programtest.Root("configs/tracker.yaml"), s.environ)
		if err != nil {
			t.Fatal(err)
		}
		services, err := app.Open(t.Context(), cfg, app.Options{Clock: clock.Hold(programtest.Began).Now})
		if err != nil {
			t.Fatal(err)
		}
		ada, err := services.Candidates.Arrive(t.Context(), candidates.Arrival{
			Issuer: "https://id.example", Subject: "sub-ada", GivenName: "Ada", FamilyName: "Love\x1b[31mlace", Email: "ada@example.org",
		})
		if err != nil {
			t.Fatal(err)
		}
		ids, err := services.Candidates.ExternalIDs(t.Context(), ada.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := services.Close(); err != nil {
			t.Fatal(err)
		}
		csco, _ := ids.Of(candidates.SystemCSCO)

		s.sees(ada.ID, "candidate", "list")
		s.sees(ada.ID, "account", "list", "--json")
		for _, name := range []string{ada.ID, csco.Value, "sub-ada"} {
			s.sees("ada@example.org", "candidate", "show", name)
		}
		if _, out, _ := s.run("candidate", "show", ada.ID); strings.Contains(out, "\x1b") {
			t.Error("a name can colour the terminal")
		}
		_, out, _ := s.run("candidate", "show", "--json", csco.Value)
		var shown struct {
			ExternalIDs []struct{ System, Value string } `json:"external_ids"`
		}
		if err := json.Unmarshal([]byte(out), &shown); err != nil || len(shown.ExternalIDs) != 2 {
			t.Errorf("--json gives %s, %v; want two external IDs", out, err)
		}
		if code, _, problems := s.run("candidate", "show", "nobody"); code != 1 || !strings.Contains(problems, "there is no candidate nobody") {
			t.Errorf("show nobody: code %d, %q", code, problems)
		}
		if code, _, _ := s.run("candidate", "list", "-n", "0"); code != 2 {
			t.Errorf("-n 0: code %d, want 2", code)
		}
		s.sees("candidate.created", "audit", "tail")
		s.sees("2 events in the chain", "audit", "verify")
	})
}

func TestVerbsThatLookMakeNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wrong", "tracker.db")
	s := newShell(t, "sqlite:"+path)
	for _, args := range [][]string{{"candidate", "list"}, {"keys", "stage", "ES256", "--dry-run"}, {"audit", "tail"}} {
		if code, _, problems := s.run(args...); code != 1 || !strings.Contains(problems, "there is no database at "+path+"; run: tracker migrate") {
			t.Errorf("%v: code %d, %q", args, code, problems)
		}
	}
	s.sees(" pending", "migrate", "--pending")
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestTheShippedConfigurationHasNoMistakes(t *testing.T) {
	s := newShell(t, dbtest.URL(t, dbtest.KindSQLite))
	s.sees("no mistakes", "config", "check")
	s.sees("issuer:", "config", "show")
	s.sees("tracker", "version")
}

func TestEveryMistakeIsListedAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tracker.yaml")
	text := `
public_url: http://tracker.example
issuer: http://id.example
programme: Login
csco: {prefix: "C-"}
vue_mapping: {booked_until: 27.9.2022}
session: {idle: 2d, absolute: 1h}
brnad: {}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, problems := shell{t, nil}.run("config", "check", "--config", file)
	if code != 2 {
		t.Errorf("code %d, want 2", code)
	}
	for _, want := range []string{"public_url", "issuer", "programme", "csco.prefix", "vue_mapping.booked_until", "session.idle", "brnad", "database.url", "key_encryption_key"} {
		if !strings.Contains(problems, want) {
			t.Errorf("the list does not name %s:\n%s", want, problems)
		}
	}
}
