package app

import (
	"regexp"
	"time"

	"tegata/shared/config"
)

// EnvPrefix begins the variables that stand for keys: TEGATA_TRACKER_LISTEN.
const EnvPrefix = "TEGATA_TRACKER"

// Config is the tracker's configuration; configs/tracker.yaml explains each key.
type Config struct {
	config.Program `yaml:",inline"`

	TLS        config.TLS     `yaml:"tls"`
	Issuer     string         `yaml:"issuer"`
	ClientID   string         `yaml:"client_id"`
	Programme  string         `yaml:"programme"`
	CSCO       CSCO           `yaml:"csco"`
	VUEMapping VUEMapping     `yaml:"vue_mapping"`
	Session    config.Session `yaml:"session"`
	Brand      Brand          `yaml:"brand"`
	GuideURL   string         `yaml:"account_guide_url"`
}

// CSCO is how the numbers look that the tracker gives.
type CSCO struct {
	Prefix string `yaml:"prefix"`
}

// VUEMapping is about exams booked before the tracker knew accounts (S-188).
type VUEMapping struct {
	BookedUntil string `yaml:"booked_until"` // YYYY-MM-DD, that day included; "" for never
}

// Brand is name, logo and colours.
type Brand struct {
	Folder string `yaml:"folder"` // "" is the built-in brand
}

// Defaults is the configuration of an empty file: nothing that names a place or a
// secret, and safe values for the rest.
func Defaults() Config {
	var c Config
	c.Listen = "127.0.0.1:9100"
	c.TLS = config.DefaultTLS()
	c.Log = config.Log{Level: "info", Format: "json"}
	c.ClientID = "tegata-tracker"
	c.Programme = "cisco"
	c.CSCO = CSCO{Prefix: "CSCO"}
	c.VUEMapping = VUEMapping{BookedUntil: "2022-09-27"}
	c.Session = config.Session{Idle: config.Duration(2 * time.Hour), Absolute: config.Duration(12 * time.Hour)}
	return c
}

// Load reads the file at path and the environment. The error lists every mistake.
func Load(path string, environ []string) (Config, error) {
	return config.Load(path, environ, EnvPrefix, Defaults())
}

var (
	programmeForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)
	prefixForm    = regexp.MustCompile(`^[A-Z]{1,8}$`)
)

// taken are the first parts of paths that a programme cannot have.
var taken = map[string]bool{
	"static": true, "welcome": true, "personal": true, "home": true, "help": true, "contact": true, "login": true,
	"logout": true, "callback": true, "language": true, "certifications": true, "testing-history": true,
	"transcripts": true, "schedule": true, "healthz": true, "readyz": true,
}

// Validate finds every mistake.
func (c Config) Validate() []config.Problem {
	var p config.Problems
	c.Program.Check(&p)
	c.TLS.Check(&p, c.Program)
	p.URL("issuer", c.Issuer, c.Development, false)
	p.Text("client_id", c.ClientID, 1, 200)
	if !programmeForm.MatchString(c.Programme) || taken[c.Programme] {
		p.Add("programme", "%q cannot be the first part of an address; want small letters such as cisco", c.Programme)
	}
	if !prefixForm.MatchString(c.CSCO.Prefix) {
		p.Add("csco.prefix", "%q: want one to eight capital letters", c.CSCO.Prefix)
	}
	if day := c.VUEMapping.BookedUntil; day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			p.Add("vue_mapping.booked_until", "%q: want a day such as 2022-09-27, or \"\"", day)
		}
	}
	c.Session.Check(&p)
	if c.Brand.Folder != "" {
		p.Folder("brand.folder", c.Brand.Folder)
	}
	if c.GuideURL != "" {
		p.Link("account_guide_url", c.GuideURL)
	}
	return p
}

// Guide is where people read about their account: the provider's guide unless another
// place is configured.
func (c Config) Guide() string {
	if c.GuideURL != "" {
		return c.GuideURL
	}
	return c.Issuer + "/guide"
}
