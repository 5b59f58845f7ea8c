package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/idp/app"
	"tegata/idp/cli"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"idp": func() {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
	}})
}

// TestScripts runs the stories in testdata: each has an empty folder, the shipped
// configuration and a database of its own.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(e *testscript.Env) error { return setup(e, root) },
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"await": await, "allows": allows, "exits": exits, "gone": gone, "kid": kid},
	})
}

func setup(e *testscript.Env, root string) error {
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"ADDR": addr, "ROOT": root,
		"TEGATA_IDP_CONFIG":                  filepath.Join(root, "configs/idp.yaml"),
		"TEGATA_IDP_LISTEN":                  addr,
		"TEGATA_IDP_PUBLIC_URL":              "http://" + addr,
		"TEGATA_IDP_METRICS_LISTEN":          "",
		"TEGATA_IDP_DATABASE_URL":            "sqlite:" + filepath.Join(e.WorkDir, "idp.db"),
		"TEGATA_IDP_KEY_ENCRYPTION_KEY_FILE": filepath.Join(e.WorkDir, "kek"),
		"TEGATA_IDP_CLIENTS_FILE":            filepath.Join(root, "configs/clients.yaml"),
		"TEGATA_IDP_PEOPLE_FILE":             "",
		"TEGATA_IDP_HASHING_MEMORY_MIB":      "8",
	} {
		e.Setenv(name, value)
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := programtest.Take()
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await URL TEXT waits until the page at URL holds TEXT.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await URL TEXT")
	}
	got := ""
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(args[0])
		if err != nil {
			got = err.Error()
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if got = string(body); strings.Contains(got, args[1]) {
			return
		}
	}
	ts.Fatalf("%s never held %q, last: %s", args[0], args[1], got)
}

// exits CODE STDERR ARGS… runs idp and checks its exit code and what it says.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE STDERR ARGS…")
	}
	var out, errs bytes.Buffer
	code := cli.Main(args[2:], strings.NewReader(""), &out, &errs, environ(ts))
	if string(rune('0'+code)) != args[0] || !strings.Contains(errs.String(), args[1]) {
		ts.Fatalf("idp %v: exit code %d\n%s, want %s and %q", args[2:], code, errs.String(), args[0], args[1])
	}
}

// allows EMAIL CLIENT SCOPES lets somebody say yes to a client.
func allows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: allows EMAIL CLIENT SCOPES")
	}
	cfg, err := app.Load(ts.Getenv("TEGATA_IDP_CONFIG"), environ(ts))
	ts.Check(err)
	ctx := context.Background()
	s, err := app.Open(ctx, cfg, app.Options{Options: program.Options{Keep: true}})
	ts.Check(err)
	defer s.Close()
	a, err := s.Accounts.ByEmail(ctx, args[0])
	ts.Check(err)
	ts.Check(s.Interaction.Allow(ctx, a.ID, args[1], strings.Fields(args[2])))
}

// environ is the configuration of the script.
func environ(ts *testscript.TestScript) (all []string) {
	for _, name := range []string{"CONFIG", "LISTEN", "PUBLIC_URL", "METRICS_LISTEN", "DATABASE_URL", "KEY_ENCRYPTION_KEY_FILE",
		"CLIENTS_FILE", "PEOPLE_FILE", "HASHING_MEMORY_MIB"} {
		all = append(all, "TEGATA_IDP_"+name+"="+ts.Getenv("TEGATA_IDP_"+name))
	}
	return all
}
