// Package app puts the provider together: every dependency is filled in here.
//
//	Config   what configs/idp.yaml may say (config.go)
package app

import (
	"net/mail"
	"runtime"
	"slices"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/registration"
	"tegata/shared/config"
	"tegata/shared/page"
)

// EnvPrefix begins the variables that stand for keys: TEGATA_IDP_LISTEN.
const EnvPrefix = "TEGATA_IDP"

// Config is the provider's configuration; configs/idp.yaml explains each key.
type Config struct {
	config.Program `yaml:",inline"`

	TLS         TLS            `yaml:"tls"`
	ClientsFile string         `yaml:"clients_file"`
	DPoP        DPoP           `yaml:"dpop"`
	Brand       Brand          `yaml:"brand"`
	Mail        Mail           `yaml:"mail"`
	Hashing     Hashing        `yaml:"hashing"`
	Session     config.Session `yaml:"session"`
	Terms       Terms          `yaml:"terms"`
	PeopleFile  string         `yaml:"people_file"`

	ResponseTypes []string     `yaml:"response_types"` // what clients may ask for at all
	Registration  Registration `yaml:"registration"`
}

// Registration is who may register a client (RFC 7591).
type Registration struct {
	Mode     string `yaml:"mode"`      // closed, invited, open
	PerPlace int    `yaml:"per_place"` // when open: clients in an hour from one address

	ForgetUnused config.Duration `yaml:"forget_unused"` // clients that never got tokens; 0: never
}

// DPoP is how clients prove the key that their tokens are bound to (RFC 9449).
type DPoP struct {
	Nonce bool `yaml:"nonce"` // proofs have to carry a nonce of ours
}

// Brand is name, logo and colours.
type Brand struct {
	Folder string `yaml:"folder"` // "" is the built-in brand
}

// Mail is how messages leave.
type Mail struct {
	Transport string `yaml:"transport"` // postbox (development), smtp
	From      string `yaml:"from"`
	SMTP      SMTP   `yaml:"smtp"`
}

// SMTP is the relay that takes our mail.
type SMTP struct {
	Host     string        `yaml:"host"`
	Port     int           `yaml:"port"`
	Username string        `yaml:"username"`
	Password config.Secret `yaml:"password"`
	TLS      string        `yaml:"tls"` // starttls, implicit, opportunistic, plain
}

// Hashing is what a password costs.
type Hashing struct {
	MemoryMiB int `yaml:"memory_mib"` // of one hash
	Parallel  int `yaml:"parallel"`   // hashes at a time; 0 is one per core
}

// Terms is what people agree to when they sign up (S-029).
type Terms struct {
	Version    string `yaml:"version"`
	URL        string `yaml:"url"`
	PrivacyURL string `yaml:"privacy_url"`
}

// Defaults is the configuration of an empty file: nothing that names a place or a
// secret, and safe values for the rest.
func Defaults() Config {
	var c Config
	c.Listen = "127.0.0.1:9000"
	c.TLS = TLS{TLS: config.DefaultTLS(), Mutual: config.ClientCertificates{Mode: "off"}}
	c.Log = config.Log{Level: "info", Format: "json"}
	c.Mail = Mail{SMTP: SMTP{Port: 587, TLS: "starttls"}}
	c.Hashing = Hashing{MemoryMiB: 19}
	c.ResponseTypes = []string{"code"}
	c.Registration = Registration{Mode: registration.Closed, PerPlace: 10, ForgetUnused: config.Duration(90 * 24 * time.Hour)}
	c.Session = config.Session{Idle: config.Duration(12 * time.Hour), Absolute: config.Duration(7 * 24 * time.Hour)}
	return c
}

// Load reads the file at path and the environment. The error lists every mistake.
func Load(path string, environ []string) (Config, error) {
	return config.Load(path, environ, EnvPrefix, Defaults())
}

// Issuer names the provider in tokens; it is the public URL. OIDC Core §2.
func (c Config) Issuer() string { return c.PublicURL }

// HashesAtOnce is how many passwords are hashed at a time.
func (c Config) HashesAtOnce() int {
	if c.Hashing.Parallel > 0 {
		return c.Hashing.Parallel
	}
	return runtime.GOMAXPROCS(0)
}

// Validate finds every mistake.
func (c Config) Validate() []config.Problem {
	var p config.Problems
	c.Program.Check(&p)
	c.TLS.check(&p, c.Program)
	c.checkClients(&p)
	c.checkBrand(&p)
	c.checkMail(&p)
	p.Between("hashing.memory_mib", c.Hashing.MemoryMiB, 8, 4096)
	p.Between("hashing.parallel", c.Hashing.Parallel, 0, 256)
	c.Session.Check(&p)
	c.checkProtocol(&p)
	p.Text("terms.version", c.Terms.Version, 1, 32)
	p.Link("terms.url", c.Terms.URL)
	p.Link("terms.privacy_url", c.Terms.PrivacyURL)
	c.checkPeople(&p)
	return p
}

func (c Config) checkMail(p *config.Problems) {
	m := c.Mail
	if m.Transport == "" {
		p.Add("mail.transport", "is missing; want smtp (or postbox in development)")
	} else {
		p.OneOf("mail.transport", m.Transport, "postbox", "smtp")
	}
	if m.Transport == "postbox" && !c.Development {
		p.Add("mail.transport", "postbox keeps mail to itself and is for development: true; want smtp")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		p.Add("mail.from", "%q is no mail address such as Tegata <no-reply@example.com>", m.From)
	}
	if m.Transport != "postbox" {
		m.SMTP.check(p, c.Development, m.Transport == "smtp")
	}
}

// check looks at what is there. What is missing is a mistake when the relay is in use: of a
// transport that does not exist nobody can tell.
func (s SMTP) check(p *config.Problems, development, inUse bool) {
	least := 0
	if inUse {
		least = 1
	}
	p.Text("mail.smtp.host", s.Host, least, 253)
	p.Between("mail.smtp.port", s.Port, 1, 65535)
	p.OneOf("mail.smtp.tls", s.TLS, "starttls", "implicit", "opportunistic", "plain")
	p.Secret("mail.smtp.password", s.Password, development, inUse && s.Username != "")
	if s.Username == "" && s.Password.Reveal() != "" {
		p.Add("mail.smtp.username", "is missing, but there is a password")
	}
	if s.TLS == "plain" && s.Username != "" && !development {
		p.Add("mail.smtp.tls", "plain would send the password in the clear; want starttls or implicit")
	}
}

func (c Config) checkProtocol(p *config.Problems) {
	for _, one := range c.ResponseTypes {
		p.OneOf("response_types", one, clients.ResponseTypes...)
	}
	if !slices.Contains(c.ResponseTypes, "code") {
		p.Add("response_types", "has to have code")
	}
	p.OneOf("registration.mode", c.Registration.Mode, registration.Closed, registration.Invited, registration.Open)
	p.Between("registration.per_place", c.Registration.PerPlace, 1, 10_000)
	if c.Registration.ForgetUnused != 0 {
		p.Lasts("registration.forget_unused", c.Registration.ForgetUnused, time.Hour, 3650*24*time.Hour)
	}
}

func (c Config) checkBrand(p *config.Problems) {
	before := len(*p)
	if c.Brand.Folder == "" {
		return
	}
	if p.Folder("brand.folder", c.Brand.Folder); len(*p) > before {
		return
	}
	if _, err := page.ReadBrand(c.Brand.Folder); err != nil {
		p.Add("brand.folder", "%v", err)
	}
}

func (c Config) checkPeople(p *config.Problems) {
	switch {
	case c.PeopleFile == "":
	case !c.Development:
		p.Add("people_file", "made-up people with known passwords are for development: true; remove the key")
	default:
		p.File("people_file", c.PeopleFile, true)
	}
}
