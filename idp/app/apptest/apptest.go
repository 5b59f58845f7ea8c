// Package apptest starts the real provider for tests: in this process, on a port of
// its own, with a clock that stands still and a postbox instead of a mail relay.
//
//	Start       a running provider; it stops with the test
//	IDP.Mail    the newest mail to an address, once it is there
//	IDP.People  who can log in: testdata/people.yaml
package apptest

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/app"
	"tegata/idp/notify"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
)

// kekFile is the name of the file with the key-encryption key.
const kekFile = "kek"

// Options chooses what differs from the development configuration.
type Options struct {
	Database string       // a database URL; "" is a fresh SQLite file
	Clock    *clock.Held  // nil is one that stands at programtest.Began
	Listener net.Listener // nil is a free port
	Mutual   net.Listener // asks callers for a certificate; nil when there is none
	Clients  string       // text of a clients file; "" is configs/clients.yaml
	Rules    *accounts.Rules
	Log      *slog.Logger // nil is programtest.Log
	Settings []string     // more of the environment: TEGATA_IDP_DPOP_NONCE=true
}

// IDP is a running provider.
type IDP struct {
	*app.App
	URL   string // its issuer
	Clock *clock.Held
}

// Start runs the provider until the test ends, on a fresh SQLite file with signing keys
// that other tests of the package have too (template.go).
func Start(t testing.TB, o Options) *IDP {
	t.Helper()
	if o.Listener == nil {
		o.Listener = programtest.Listen(t)
	}
	if o.Clock == nil {
		o.Clock = clock.Hold(programtest.Began)
	}
	cfg := Config(t, o)
	lay(t, o, cfg)
	return Run(t, cfg, o)
}

// Run is Start with a configuration of the test's own. Of o it takes clock, listeners,
// log and rules.
func Run(t testing.TB, cfg app.Config, o Options) *IDP {
	t.Helper()
	if o.Log == nil {
		o.Log = programtest.Log(t)
	}
	a := programtest.Run(t, func(ctx context.Context) (*app.App, error) {
		return app.New(ctx, cfg, app.Options{
			Options: program.Options{Clock: o.Clock.Now, Listener: o.Listener, Log: o.Log}, Mutual: o.Mutual, Rules: o.Rules,
		})
	})
	return &IDP{App: a, URL: cfg.PublicURL, Clock: o.Clock}
}

// Config is the development configuration with everything in a temporary folder.
func Config(t testing.TB, o Options) app.Config {
	t.Helper()
	if o.Database == "" {
		o.Database = dbtest.URL(t, "sqlite")
	}
	cfg, err := app.Load(programtest.Root("configs/idp.yaml"), Environ(t, o, programtest.Port(o.Listener), t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Environ is what makes the development configuration one for tests: the port, and
// everything that lasts in folder. It serves the real binary as well.
func Environ(t testing.TB, o Options, port, folder string) []string {
	return append([]string{
		"TEGATA_IDP_PUBLIC_URL=http://localhost:" + port,
		"TEGATA_IDP_METRICS_LISTEN=",
		"TEGATA_IDP_DATABASE_URL=" + o.Database,
		"TEGATA_IDP_KEY_ENCRYPTION_KEY_FILE=" + filepath.Join(folder, kekFile),
		"TEGATA_IDP_CLIENTS_FILE=" + clientsFile(t, o),
		"TEGATA_IDP_PEOPLE_FILE=" + programtest.Root("testdata/people.yaml"),
		"TEGATA_IDP_HASHING_MEMORY_MIB=8", // tests hash a lot
	}, o.Settings...)
}

func clientsFile(t testing.TB, o Options) string {
	if o.Clients == "" {
		return programtest.Root("configs/clients.yaml")
	}
	path := filepath.Join(t.TempDir(), "clients.yaml")
	if err := os.WriteFile(path, []byte(o.Clients), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Mail waits for the newest mail to an address, at most as long as a patient person.
func (i *IDP) Mail(t testing.TB, to string) notify.Letter {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if letters := i.Mails(t, to); len(letters) > 0 && i.settled(t) {
			return i.Mails(t, to)[0]
		}
	}
	t.Fatalf("no mail to %s", to)
	return notify.Letter{}
}

// Mails gives what has arrived at an address, the newest first.
func (i *IDP) Mails(t testing.TB, to string) []notify.Letter {
	t.Helper()
	all, err := i.Postbox.All(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var mine []notify.Letter
	for _, l := range all {
		if l.To == to {
			mine = append(mine, l)
		}
	}
	return mine
}

// settled tells whether no mail is on its way any more.
func (i *IDP) settled(t testing.TB) bool {
	counts, err := i.Outbox.Counts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return counts["queued"]+counts["sending"] == 0
}
