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
	"runtime"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/app"
	"tegata/idp/notify"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
)

// Began is where the clock of every test stands at first.
var Began = time.Date(2026, 4, 6, 1, 30, 0, 0, time.UTC)

// Options chooses what differs from the development configuration.
type Options struct {
	Database string       // a database URL; "" is a fresh SQLite file
	Clock    *clock.Held  // nil is one that stands at Began
	Listener net.Listener // nil is a free port
	Clients  string       // text of a clients file; "" is configs/clients.yaml
	Rules    *accounts.Rules
	Settings []string // more of the environment: TEGATA_IDP_DPOP_NONCE=true
}

// IDP is a running provider.
type IDP struct {
	*app.App
	URL   string // its issuer
	Clock *clock.Held
}

// Start runs the provider until the test ends.
func Start(t testing.TB, o Options) *IDP {
	t.Helper()
	if o.Listener == nil {
		o.Listener = Listen(t)
	}
	if o.Clock == nil {
		o.Clock = clock.Hold(Began)
	}
	cfg := Config(t, o)
	ctx, stop := context.WithCancel(context.Background())
	a, err := app.New(ctx, cfg, app.Options{Clock: o.Clock.Now, Listener: o.Listener, Log: logger(t), Rules: o.Rules})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("idp stopped with: %v", err)
		}
	})
	return &IDP{App: a, URL: cfg.PublicURL, Clock: o.Clock}
}

// Config is the development configuration with everything in a temporary folder.
func Config(t testing.TB, o Options) app.Config {
	t.Helper()
	if o.Database == "" {
		o.Database = dbtest.URL(t, "sqlite")
	}
	cfg, err := app.Load(Root("configs/idp.yaml"), Environ(t, o, Port(o.Listener), t.TempDir()))
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
		"TEGATA_IDP_KEY_ENCRYPTION_KEY_FILE=" + filepath.Join(folder, "kek"),
		"TEGATA_IDP_CLIENTS_FILE=" + clientsFile(t, o),
		"TEGATA_IDP_PEOPLE_FILE=" + Root("testdata/people.yaml"),
		"TEGATA_IDP_HASHING_MEMORY_MIB=8", // tests hash a lot
	}, o.Settings...)
}

func clientsFile(t testing.TB, o Options) string {
	if o.Clients == "" {
		return Root("configs/clients.yaml")
	}
	path := filepath.Join(t.TempDir(), "clients.yaml")
	if err := os.WriteFile(path, []byte(o.Clients), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Listen takes a free port of this machine.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Root gives the path of a file of the repository.
func Root(path string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../..", path)
}

// Port gives the port of a listener.
func Port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// logger shows the program's log when the test fails or -v is given.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
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
