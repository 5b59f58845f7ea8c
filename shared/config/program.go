package config

import (
	"encoding/base64"
	"errors"
	"strings"

	"tegata/shared/db"
	"tegata/shared/secret"
)

// Program is the keys that both programs have. Embed it with `yaml:",inline"`.
type Program struct {
	// Development allows plain http, secrets in this file and made-up mail, and
	// refuses anything that another machine could reach.
	Development bool `yaml:"development"`
	// PublicURL is scheme and host as people and programs see them. Links and the
	// issuer are made from it, never from a header.
	PublicURL string `yaml:"public_url"`
	// Listen is the address for pages and protocol.
	Listen  string  `yaml:"listen"`
	Metrics Metrics `yaml:"metrics"`
	// Database holds everything that lasts.
	Database Database `yaml:"database"`
	// KeyEncryptionKey seals what the database must not show: 32 bytes in base64.
	KeyEncryptionKey Secret `yaml:"key_encryption_key" missing:"ok"`
	// NextKeyEncryptionKey is its successor while it is being changed, for programs that
	// do not find one beside the file.
	NextKeyEncryptionKey Secret  `yaml:"key_encryption_key_next"`
	Keys                 Keys    `yaml:"keys"`
	Log                  Log     `yaml:"log"`
	Tracing              Tracing `yaml:"tracing"`
	Proxies              Trusted `yaml:"proxies"`
}

// Keys is where signing keys lie.
type Keys struct {
	// SeenFile is where this machine remembers how far the database had come.
	SeenFile string `yaml:"seen_file"` // "": beside the key-encryption key
	PKCS11   PKCS11 `yaml:"pkcs11"`
}

// PKCS11 is a device that keeps signing keys.
type PKCS11 struct {
	Module string `yaml:"module"` // its library; "": keys lie in the database, sealed
	Token  string `yaml:"token"`  // the label of the token
	PIN    Secret `yaml:"pin" missing:"ok"`
}

// Metrics is where Prometheus reads.
type Metrics struct {
	Listen string `yaml:"listen"` // "" turns the listener off
}

// Database is where the data lies.
type Database struct {
	URL Secret `yaml:"url"` // sqlite:PATH or postgres://…
}

// Log is what is written to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // json, text
}

// Tracing is where OpenTelemetry spans go.
type Tracing struct {
	Endpoint string `yaml:"endpoint"` // OTLP over HTTP; "" turns traces off
}

// Trusted is whose X-Forwarded-* headers count.
type Trusted struct {
	Trusted []string `yaml:"trusted"` // addresses and networks
}

// HTTPS tells whether people reach us by https: cookies are then Secure.
func (c Program) HTTPS() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// KEK gives the key-encryption key. In development it is made when its file does not
// exist yet.
func (c Program) KEK() ([]byte, error) {
	if text := c.KeyEncryptionKey.Reveal(); text != "" {
		return parseKEK(text)
	}
	if c.Development && c.KeyEncryptionKey.File != "" {
		return secret.ReadOrCreateKeyFile(c.KeyEncryptionKey.File)
	}
	return nil, errors.New("key_encryption_key is not set")
}

// NextKEK gives the successor of the key-encryption key; nil when none is set.
func (c Program) NextKEK() ([]byte, error) {
	if text := c.NextKeyEncryptionKey.Reveal(); text != "" {
		return parseKEK(text)
	}
	return nil, nil
}

var errKEK = errors.New("want 32 bytes in base64, as `openssl rand -base64 32` prints them")

func parseKEK(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, errKEK
	}
	return key, nil
}

// Check finds what is wrong with these keys, the rules of development among it.
func (c Program) Check(p *Problems) {
	p.URL("public_url", c.PublicURL, c.Development, true)
	p.Address("listen", c.Listen, c.Development)
	if c.Metrics.Listen != "" {
		p.Address("metrics.listen", c.Metrics.Listen, c.Development)
		if c.Metrics.Listen == c.Listen {
			p.Add("metrics.listen", "is the public address; metrics must not be public")
		}
	}
	c.checkDatabase(p)
	c.checkKEK(p)
	c.checkKeys(p)
	p.OneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	p.OneOf("log.format", c.Log.Format, "json", "text")
	if c.Tracing.Endpoint != "" {
		p.URL("tracing.endpoint", c.Tracing.Endpoint, true, false)
	}
	p.Networks("proxies.trusted", c.Proxies.Trusted)
}

func (c Program) checkDatabase(p *Problems) {
	const path = "database.url"
	s := c.Database.URL
	scheme, rest, _ := strings.Cut(s.Reveal(), ":")
	switch {
	case s.Reveal() == "":
		p.Secret(path, s, c.Development, true)
	case scheme == "sqlite" && strings.Trim(rest, "/") != "":
		if err := db.OthersOut(s.Reveal()); err != nil {
			p.Add(path, "%v", err)
		}
	case scheme == "postgres" || scheme == "postgresql":
		c.checkPostgres(p, path)
	default:
		p.Add(path, "want sqlite:PATH or postgres://…")
	}
}

func (c Program) checkPostgres(p *Problems, path string) {
	password, err := db.CheckPostgres(c.Database.URL.Reveal())
	if err != nil {
		p.Add(path, "cannot be read as the URL of a PostgreSQL, or names a file that cannot be") // without the text: it may hold a password
		return
	}
	if password && c.Database.URL.Written && !c.Development {
		p.Add(path, "a password must not stand here; use url_file, the environment or a PostgreSQL passfile")
	}
}

func (c Program) checkKeys(p *Problems) {
	device := c.Keys.PKCS11
	if device.Module == "" {
		if device.Token != "" || device.PIN.Reveal() != "" {
			p.Add("keys.pkcs11.module", "is missing, but there is a token or a PIN")
		}
		return
	}
	p.File("keys.pkcs11.module", device.Module, true)
	p.Text("keys.pkcs11.token", device.Token, 1, 32)
	p.Secret("keys.pkcs11.pin", device.PIN, c.Development, true)
}

func (c Program) checkKEK(p *Problems) {
	if !c.KeyEncryptionKey.Missing() || !c.Development { // else it is made on the first start
		c.checkOneKEK(p, "key_encryption_key", c.KeyEncryptionKey, true)
	}
	c.checkOneKEK(p, "key_encryption_key_next", c.NextKeyEncryptionKey, false)
}

func (c Program) checkOneKEK(p *Problems, path string, s Secret, needed bool) {
	p.Secret(path, s, c.Development, needed)
	if s.Reveal() == "" {
		return
	}
	if _, err := parseKEK(s.Reveal()); err != nil {
		if s.File != "" {
			p.Add(path+"_file", "%s: %v", s.File, err)
			return
		}
		p.Add(path, "%v", err)
	}
}
