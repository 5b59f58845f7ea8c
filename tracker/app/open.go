package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/keys"
	"tegata/shared/locale"
	"tegata/shared/page"
	"tegata/shared/program"
	"tegata/tracker/candidates"
	"tegata/tracker/schema"
	"tegata/tracker/sso"
	"tegata/tracker/web"
)

// Options is what tests and the command line choose; the zero value serves for real.
type Options = program.Options

// Services is everything that decides and remembers, without anything that listens:
// what the pages and the command line's verbs work with.
type Services struct {
	*program.Mechanisms
	Config  Config
	Catalog *locale.Catalog
	Brand   page.Brand

	Candidates *candidates.Service
	SSO        *sso.Service
}

// Open opens the database, migrates it and fills in every service. The caller closes.
func Open(ctx context.Context, cfg Config, o Options) (*Services, error) {
	mechanisms, err := program.Open(ctx, program.Setup{
		Name: "tracker", Config: cfg.Program, TLS: cfg.TLS, Hosts: cfg.Hosts(), Schema: schema.FS, Signs: signingAlgs,
	}, o)
	if err != nil {
		return nil, err
	}
	s := &Services{Mechanisms: mechanisms, Config: cfg}
	if err := s.fill(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
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
	s.Keys.MaxAge, s.Keys.Readers, s.Keys.Harm = keysFor, s.readers, harm{s}
	s.Keys.Columns = append(s.Keys.Columns, sso.SealedColumn)
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
