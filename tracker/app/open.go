package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"tegata/keys"
	"tegata/keys/hsm"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/limit"
	"tegata/shared/locale"
	"tegata/shared/once"
	"tegata/shared/page"
	"tegata/shared/secret"
	"tegata/tracker/candidates"
	"tegata/tracker/schema"
	"tegata/tracker/sso"
	"tegata/tracker/web"
)

// Options is what tests and the command line choose; the zero value serves for real.
type Options struct {
	Clock    clock.Clock  // nil: the machine's
	Log      *slog.Logger // nil: slog.Default
	Listener net.Listener // nil: Config.Listen
	Version  string
	Keep     bool // leave the schema as it is: for verbs that only look
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

// Services is everything that decides and remembers, without anything that listens:
// what the pages and the command line's verbs work with.
type Services struct {
	Config  Config
	Clock   clock.Clock
	Log     *slog.Logger
	Catalog *locale.Catalog
	Brand   page.Brand

	DB         *db.DB
	Seal       *secret.Sealer
	Once       once.Store
	Limit      limit.Limiter
	Audit      audit.Log
	Keys       *keys.Ring
	Candidates *candidates.Service
	SSO        *sso.Service

	device *hsm.Device // nil without one
}

// Open opens the database, migrates it and fills in every service. The caller closes.
func Open(ctx context.Context, cfg Config, o Options) (*Services, error) {
	o = o.orDefault()
	kek, err := cfg.KEK()
	if err != nil {
		return nil, fmt.Errorf("key_encryption_key: %w", err)
	}
	seal, err := secret.NewSealer(kek)
	if err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, cfg.Database.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("database.url: %w", err)
	}
	s := &Services{Config: cfg, Clock: o.Clock, Log: o.Log, DB: d, Seal: seal}
	if err := s.prepare(ctx, o.Keep); err != nil {
		d.Close()
		return nil, err
	}
	return s, nil
}

func (s *Services) prepare(ctx context.Context, keep bool) error {
	if !keep {
		applied, err := s.DB.Migrate(ctx, schema.FS, s.Clock())
		if err != nil {
			return err
		}
		for _, name := range applied {
			s.Log.Info("migrated", "migration", name)
		}
	}
	if err := s.fill(); err != nil {
		return err
	}
	return s.unlock(ctx)
}

// readers is the one who verifies what the tracker signs: the provider.
func (s *Services) readers(context.Context, string) ([]keys.Reader, error) {
	return []keys.Reader{{ID: s.Config.Issuer, Name: "the OpenID Provider", Anyone: true}}, nil
}

// fill is the wiring diagram of the services.
func (s *Services) fill() (err error) {
	if s.Brand, err = page.ReadBrand(s.Config.Brand.Folder); err != nil {
		return fmt.Errorf("brand.folder: %w", err)
	}
	if s.Catalog, err = locale.Load(page.Locales(), web.Locales()); err != nil {
		return err
	}
	d, now := s.DB, s.Clock
	s.Once = once.Store{DB: d, Seal: s.Seal}
	s.Limit = limit.Limiter{DB: d}
	s.Audit = audit.Log{DB: d, Clock: now}
	s.Keys = &keys.Ring{
		DB: d, Seal: s.Seal, Clock: now, Audit: &s.Audit, Log: s.Log, Needs: signingAlgs,
		MaxAge: keysFor, Readers: s.readers, Harm: harm{s}, KeyFile: s.Config.KeyEncryptionKey.File, SeenFile: s.Config.Keys.SeenFile, Columns: []secret.Column{sso.SealedColumn},
	}
	s.Candidates = &candidates.Service{
		DB: d, Audit: s.Audit, Clock: now,
		CSCOPrefix: s.Config.CSCO.Prefix, Languages: s.Catalog.Languages(), Country: locale.IsCountry,
	}
	s.SSO = &sso.Service{
		Provider: &sso.Provider{
			Issuer: s.Config.Issuer, ClientID: s.Config.ClientID, RedirectURI: s.Config.PublicURL + "/callback",
			Clock: now, PlainHTTP: s.Config.Development,
		},
		PublicURL: s.Config.PublicURL, Tickets: s.Once, Candidates: s.Candidates, Signer: s.Keys.Signer,
		DB: d, Seal: s.Seal, Audit: s.Audit, Clock: now,
		Idle: time.Duration(s.Config.Session.Idle), Absolute: time.Duration(s.Config.Session.Absolute),
	}
	return nil
}

// unlock makes the keys usable: the device that holds them, and the key-encryption key
// that the database is sealed by.
func (s *Services) unlock(ctx context.Context) (err error) {
	if c := s.Config.Keys.PKCS11; c.Module != "" {
		s.device, err = hsm.Open(hsm.Config{Module: c.Module, Token: c.Token, PIN: c.PIN.Reveal()})
		if err != nil {
			return fmt.Errorf("keys.pkcs11: %w", err)
		}
		s.Keys.Device = s.device
	}
	return s.Keys.Unlock(ctx)
}

// Close ends the connections to the database and to the device.
func (s *Services) Close() error {
	if s.device == nil {
		return s.DB.Close()
	}
	return errors.Join(s.DB.Close(), s.device.Close())
}
