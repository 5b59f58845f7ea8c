// Package apptest starts the real tracker for tests: in this process, on a port of its
// own, with a clock that stands still. It needs no provider before somebody logs in.
//
//	Start   a running tracker; it stops with the test
//	Config  the development configuration with everything in a temporary folder
package apptest

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db/dbtest"
	"tegata/tracker/app"
)

// Began is where the clock of every test stands at first.
var Began = time.Date(2026, 4, 6, 1, 30, 0, 0, time.UTC)

// Options chooses what differs from the development configuration.
type Options struct {
	Issuer      string       // of the provider; "" is one that does not answer
	Clock       *clock.Held  // nil is one that stands at Began
	DatabaseURL string       // "" is a fresh SQLite file
	Listener    net.Listener // nil is a free port
	Change      func(*app.Config)
}

// Tracker is a running tracker.
type Tracker struct {
	*app.App
	URL   string // its public URL
	Clock *clock.Held
}

// Start runs the tracker until the test ends.
func Start(t testing.TB, o Options) *Tracker {
	t.Helper()
	if o.Listener == nil {
		o.Listener = Listen(t)
	}
	if o.Clock == nil {
		o.Clock = clock.Hold(Began)
	}
	cfg := Config(t, o)
	ctx, stop := context.WithCancel(context.Background())
	a, err := app.New(ctx, cfg, app.Options{Clock: o.Clock.Now, Listener: o.Listener, Log: logger(t)})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("tracker stopped with: %v", err)
		}
	})
	return &Tracker{App: a, URL: cfg.PublicURL, Clock: o.Clock}
}

// Config is the development configuration with everything in a temporary folder.
func Config(t testing.TB, o Options) app.Config {
	t.Helper()
	cfg, err := app.Load(Root("configs/tracker.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(o.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cfg.PublicURL = "http://localhost:" + port
	cfg.Metrics.Listen = ""
	cfg.KeyEncryptionKey = config.SecretFile(filepath.Join(t.TempDir(), "kek"))
	cfg.Issuer = o.Issuer
	if o.Issuer == "" {
		cfg.Issuer = "http://localhost:1"
	}
	if o.DatabaseURL == "" {
		o.DatabaseURL = dbtest.URL(t, dbtest.KindSQLite)
	}
	cfg.Database.URL = config.NewSecret(o.DatabaseURL)
	if o.Change != nil {
		o.Change(&cfg)
	}
	return cfg
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

// logger shows the program's log when the test fails or -v is given.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
