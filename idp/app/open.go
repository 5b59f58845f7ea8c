package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	address "net/mail"
	"os"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/devices"
	"tegata/idp/interaction"
	"tegata/idp/notify"
	"tegata/idp/oidc"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/sealing"
	"tegata/idp/oidc/singlelogout"
	"tegata/idp/passwords"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/idp/web"
	"tegata/keys"
	"tegata/shared/locale"
	"tegata/shared/mail"
	"tegata/shared/outbox"
	"tegata/shared/page"
	"tegata/shared/program"
)

// Options is what tests and the command line choose; the zero value serves for real.
type Options struct {
	program.Options
	Mutual net.Listener    // nil: Config.TLS.Mutual.Listen
	Rules  *accounts.Rules // nil: accounts.DefaultRules
}

// Services is everything that decides and remembers, without anything that listens:
// what the pages, the protocol and the command line's verbs work with.
type Services struct {
	*program.Mechanisms
	Config  Config
	Catalog *locale.Catalog
	Brand   page.Brand

	Outbox      *outbox.Outbox
	Postbox     *notify.Postbox // nil outside of development
	Hasher      *passwords.Hasher
	Notify      *notify.Service
	Sessions    *sessions.Service
	Clients     *clients.Registry
	Connections *connections.Service
	Farewells   *singlelogout.Farewells
	Diary       *clients.Diary
	Accounts    *accounts.Service
	Interaction *interaction.Service
	Devices     *devices.Service
}

// Open opens the database, migrates it and fills in every service. The caller closes.
func Open(ctx context.Context, cfg Config, o Options) (*Services, error) {
	mechanisms, err := program.Open(ctx, program.Setup{
		Name: "idp", Config: cfg.Program, TLS: cfg.TLS.TLS, Hosts: cfg.Hosts(cfg.TLS.Mutual.PublicURL),
		Schema: schema.FS, Signs: signingAlgs,
	}, o.Options)
	if err != nil {
		return nil, err
	}
	s := &Services{Mechanisms: mechanisms, Config: cfg}
	if err := s.fill(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// fill is the wiring diagram of the services.
func (s *Services) fill(o Options) (err error) {
	if s.Brand, err = page.ReadBrand(s.Config.Brand.Folder); err != nil {
		return fmt.Errorf("brand.folder: %w", err)
	}
	s.Catalog, err = locale.Load(append([]fs.FS{page.Locales(), notify.Locales()}, web.Locales()...)...)
	if err != nil {
		return err
	}
	d, now := s.DB, s.Clock
	s.Keys.Keep = max(keys.DefaultKeep, time.Duration(s.Config.Session.Absolute)+24*time.Hour)
	s.Keys.MaxAge, s.Keys.Readers, s.Keys.Harm = oidc.KeysFor, s.readers, harm{s}
	s.Keys.Columns = append(s.Keys.Columns, passwords.SealedColumn, outbox.SealedColumn, sealing.SealedColumn)
	s.Outbox = &outbox.Outbox{DB: d, Clock: now, Log: s.Log, Seal: s.Seal}
	transport, err := s.transport()
	if err != nil {
		return err
	}
	s.Notify = &notify.Service{
		Outbox: s.Outbox, Catalog: s.Catalog, Brand: notify.Brand{Name: s.Brand.Name},
		PublicURL: s.Config.PublicURL, Transport: transport,
	}
	s.Outbox.Senders = map[string]outbox.Sender{notify.Kind: s.Notify.Send}
	params := passwords.DefaultParams
	params.Memory = uint32(s.Config.Hashing.MemoryMiB) << 10
	s.Hasher = &passwords.Hasher{Seal: s.Seal, Params: params, Parallel: s.Config.HashesAtOnce()}
	s.Sessions = &sessions.Service{
		Store: sessions.Store{DB: d}, Audit: s.Audit, Clock: now,
		Idle: time.Duration(s.Config.Session.Idle), Absolute: time.Duration(s.Config.Session.Absolute),
	}
	s.Clients = &clients.Registry{Store: clients.Store{DB: d}, Clock: now}
	s.Connections = &connections.Service{DB: d, Audit: s.Audit, Clock: now}
	s.Farewells = &singlelogout.Farewells{
		Issuer: s.Config.Issuer(), Clients: s.Clients, Connections: s.Connections, Outbox: s.Outbox, Clock: now,
		Signer: &jws.Signer{Keys: s.Keys}, Outbound: singlelogout.Client(s.Config.Development),
	}
	s.Diary = &clients.Diary{DB: d, Clock: now, Log: s.Log}
	s.Sessions.Ended, s.Connections.Withdrawn = s.Farewells.Queue, s.Farewells.Withdrawn
	s.Outbox.Senders[singlelogout.Kind] = s.Farewells.Send
	rules := accounts.DefaultRules()
	if o.Rules != nil {
		rules = *o.Rules
	}
	s.Accounts = &accounts.Service{
		Store: accounts.Store{DB: d}, Passwords: passwords.Store{DB: d}, Hasher: s.Hasher,
		Once: s.Once, Limit: s.Limit, Audit: s.Audit, Notify: s.Notify, Clock: now,
		Rules: rules, Terms: s.Config.Terms.Version,
	}
	s.Interaction = &interaction.Service{
		Store: interaction.Store{DB: d}, Accounts: s.Accounts, Sessions: s.Sessions, Audit: s.Audit, Clock: now,
	}
	s.Devices = &devices.Service{
		Store: devices.Store{DB: d}, Once: s.Once, Limit: s.Limit, Interaction: s.Interaction, Audit: s.Audit, Clock: now, Log: s.Log,
	}
	return nil
}

// transport is how letters leave: the postbox in development, a relay otherwise.
func (s *Services) transport() (notify.Transport, error) {
	m := s.Config.Mail
	if m.Transport == "postbox" {
		s.Postbox = &notify.Postbox{Store: notify.Store{DB: s.DB}, Clock: s.Clock}
		return s.Postbox.Deliver, nil
	}
	from, err := address.ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	return notify.Relay(mail.SMTP{
		Host: m.SMTP.Host, Port: m.SMTP.Port, Username: m.SMTP.Username, Password: m.SMTP.Password.Reveal(),
		TLS: mail.TLS(m.SMTP.TLS), From: from.Address, FromName: from.Name,
	}), nil
}

// prepare makes what must be there before the first request: signing keys, the
// clients of the file, and in development people to log in as.
func (s *Services) prepare(ctx context.Context) error {
	if err := s.Keys.Ensure(ctx, signingAlgs...); err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	file, err := clients.ReadFile(s.Config.ClientsFile, s.Config.Development)
	if err != nil {
		return fmt.Errorf("clients_file: %w", err)
	}
	if err := s.Clients.Sync(ctx, file); err != nil {
		return fmt.Errorf("clients_file: %w", err)
	}
	resources, err := clients.ReadResources(s.Config.ClientsFile, s.Config.Development)
	if err != nil {
		return fmt.Errorf("clients_file: %w", err)
	}
	if err := s.Clients.SyncResources(ctx, resources); err != nil {
		return fmt.Errorf("clients_file: %w", err)
	}
	if err := s.warn(ctx, file, resources); err != nil {
		return err
	}
	if s.Config.PeopleFile == "" {
		return nil
	}
	return s.seed(ctx)
}

// warn logs what of the file cannot be used as it stands: what is switched off, clients that
// do not exist, ports and keys that lead nowhere. Each says by itself which of these it is.
func (s *Services) warn(ctx context.Context, file []clients.Client, resources []clients.Resource) error {
	ids, err := s.Clients.IDs(ctx)
	if err != nil {
		return err
	}
	for _, one := range s.Config.CheckFiled(file, resources, ids) {
		s.Log.WarnContext(ctx, "an entry of clients_file cannot be used", "where", one.Where(), "why", one.Message)
	}
	return nil
}

// seed opens the accounts of the people file, those that are not there yet.
func (s *Services) seed(ctx context.Context) error {
	f, err := os.Open(s.Config.PeopleFile)
	if err != nil {
		return fmt.Errorf("people_file: %w", err)
	}
	defer f.Close()
	people, err := accounts.ReadPeople(f)
	if err != nil {
		return fmt.Errorf("people_file: %w", err)
	}
	_, err = s.Accounts.Seed(ctx, people)
	return err
}
