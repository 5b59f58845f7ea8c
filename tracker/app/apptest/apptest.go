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
	"testing"

	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app"
)

// Options chooses what differs from the development configuration.
type Options struct {
	Issuer      string       // of the provider; "" is one that does not answer
	Clock       *clock.Held  // nil is one that stands at programtest.Began
	DatabaseURL string       // "" is a fresh SQLite file
	Listener    net.Listener // nil is a free port
	Log         *slog.Logger // nil is programtest.Log
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
		o.Listener = programtest.Listen(t)
	}
	if o.Clock == nil {
		o.Clock = clock.Hold(programtest.Began)
	}
	if o.Log == nil {
		o.Log = programtest.Log(t)
	}
	cfg := Config(t, o)
	a := programtest.Run(t, func(ctx context.Context) (*app.App, error) {
		return app.New(ctx, cfg, app.Options{Clock: o.Clock.Now, Listener: o.Listener, Log: o.Log})
	})
	return &Tracker{App: a, URL: cfg.PublicURL, Clock: o.Clock}
}

// Config is the development configuration with everything in a temporary folder.
func Config(t testing.TB, o Options) app.Config {
	t.Helper()
	cfg, err := app.Load(programtest.Root("configs/tracker.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.PublicURL = "http://localhost:" + programtest.Port(o.Listener)
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
