// Package program is what idp and tracker start, run and stop alike. Each embeds it in
// its own services and keeps what only it has.
//
//	Open        database, sealer, once, limits, audit log and key ring: the Mechanisms (mechanisms.go; absent.go when the device is away)
//	NewServer   certificate, metrics, traces and the port they are for (server.go)
//	Server.Run  serves with the work beside it, and stops in order (run.go)
//
// It stands above keys, since a program has a key ring, and right below idp/app and
// tracker/app: nothing else knows it. programtest runs a whole program inside a test.
package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"

	"tegata/keys"
	"tegata/keys/hsm"
	"tegata/shared/audit"
	"tegata/shared/certs"
	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db"
	"tegata/shared/limit"
	"tegata/shared/once"
	"tegata/shared/secret"
	"tegata/shared/serve"
)

// Options is what tests and the command line choose; the zero value serves for real.
type Options struct {
	Clock    clock.Clock  // nil: the machine's
	Log      *slog.Logger // nil: slog.Default
	Listener net.Listener // nil: the address of the configuration
	Version  string
	Keep     bool // leave the schema as it is, and go on without the PKCS #11 device: for verbs
}

func (o Options) orDefault() Options {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Setup is what a program says about itself.
type Setup struct {
	Name   string // "idp", for metrics and traces
	Config config.Program
	TLS    config.TLS
	Hosts  []string // that our certificate must be for
	Schema fs.FS    // its migrations
	Signs  []string // the algorithms of its own keys
}

// Mechanisms is what decides and remembers in every program, each thing once.
type Mechanisms struct {
	Clock clock.Clock
	Log   *slog.Logger
	DB    *db.DB
	Seal  *secret.Sealer
	Once  once.Store
	Limit limit.Limiter
	Audit audit.Log
	Keys  *keys.Ring // the program adds who reads the keys, and what depends on them

	setup   Setup
	options Options
	device  *hsm.Device // nil without one
}

// Open opens the database, migrates it, and makes sealed values and keys usable. The
// caller closes.
func Open(ctx context.Context, setup Setup, o Options) (*Mechanisms, error) {
	o = o.orDefault()
	kek, err := setup.Config.KEK()
	if err != nil {
		return nil, fmt.Errorf("key_encryption_key: %w", err)
	}
	seal, err := secret.NewSealer(kek)
	if err != nil {
		return nil, err
	}
	next := ""
	if kek, err = setup.Config.NextKEK(); err == nil && kek != nil {
		next, err = seal.Learn(kek)
	}
	if err != nil {
		return nil, fmt.Errorf("key_encryption_key_next: %w", err)
	}
	d, err := db.Open(ctx, setup.Config.Database.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("database.url: %w", err)
	}
	m := &Mechanisms{
		Clock: o.Clock, Log: o.Log, DB: d, Seal: seal,
		Once: once.Store{DB: d, Seal: seal}, Limit: limit.Limiter{DB: d}, Audit: audit.Log{DB: d, Clock: o.Clock},
		setup: setup, options: o,
	}
	m.Keys = &keys.Ring{
		DB: d, Seal: seal, Clock: o.Clock, Audit: &m.Audit, Log: o.Log, Needs: setup.Signs,
		KeyFile: setup.Config.KeyEncryptionKey.File, NextKEK: next, SeenFile: setup.Config.Keys.SeenFile,
		Columns: []secret.Column{certs.SealedColumn},
	}
	if err := m.prepare(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Mechanisms) prepare(ctx context.Context) error {
	if !m.options.Keep {
		applied, err := m.DB.Migrate(ctx, m.setup.Schema, m.Clock())
		if err != nil {
			return err
		}
		for _, name := range applied {
			m.Log.Info("migrated", "migration", name)
		}
	}
	return m.unlock(ctx)
}

// unlock makes the keys usable: the device that holds them, and the key-encryption key
// that the database is sealed by.
func (m *Mechanisms) unlock(ctx context.Context) error {
	if m.setup.Config.Keys.PKCS11.Module != "" {
		if err := m.openDevice(); err != nil {
			return fmt.Errorf("keys.pkcs11: %w", err)
		}
	}
	return m.Keys.Unlock(ctx)
}

// openDevice opens the device. A program does not start without it, since a wrong PIN or
// label should show; verbs do, since a key is revoked whether or not the device is there.
func (m *Mechanisms) openDevice() error {
	c := m.setup.Config.Keys.PKCS11
	device, err := hsm.Open(hsm.Config{Module: c.Module, Token: c.Token, PIN: c.PIN.Reveal(), Log: m.Log})
	switch {
	case err == nil:
		m.device, m.Keys.Device = device, device
	case m.options.Keep:
		m.Log.Warn("the PKCS #11 device cannot be used; what needs it is refused, the rest goes on", "cause", err)
		m.Keys.Device = absent{err}
	default:
		return err
	}
	return nil
}

// Close ends the connections to the database and to the device.
func (m *Mechanisms) Close() error {
	if m.device == nil {
		return m.DB.Close()
	}
	return errors.Join(m.DB.Close(), m.device.Close())
}

// deviceAway is 1 while the device cannot be used, 0 without one.
func (m *Mechanisms) deviceAway() float64 {
	if m.device != nil && m.device.Away() {
		return 1
	}
	return 0
}

// Complain logs what went wrong in the background; the end of the program is no mistake.
func (m *Mechanisms) Complain(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		m.Log.Error("background work failed", "what", what, "cause", err)
	}
}

// checks is what /readyz asks.
func (m *Mechanisms) checks() []serve.Check {
	return []serve.Check{
		{Name: "database", Run: m.DB.Ping},
		{Name: "migrations", Run: func(ctx context.Context) error {
			n, err := m.DB.Pending(ctx, m.setup.Schema)
			if err == nil && n != 0 {
				err = errors.New("the database and this program are of different versions")
			}
			return err
		}},
		{Name: "keys", Run: m.Keys.Ready},
	}
}
