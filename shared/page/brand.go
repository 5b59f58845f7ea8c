package page

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed brand
var defaultBrand embed.FS

// Words is a text in several languages; English speaks for those that are missing.
type Words map[string]string

// In gives the text in lang.
func (w Words) In(lang string) string {
	if s, ok := w[lang]; ok {
		return s
	}
	return w["en"]
}

// Brand is what an operator may change about the look: brand.yaml of a folder, and
// the files it names. The embedded brand/brand.yaml explains every key.
type Brand struct {
	Name      Words             `yaml:"name"`
	Programs  map[string]Words  `yaml:"programs"`
	Regions   map[string]string `yaml:"regions"`
	Character string            `yaml:"character"`
	PoweredBy Words             `yaml:"powered_by"`
	Support   Support           `yaml:"support"`
	Footer    []BrandLink       `yaml:"footer"`
	Accent    Accent            `yaml:"accent"`
	Logo      string            `yaml:"logo"`

	logo []byte
}

// Support is where people find help.
type Support struct {
	Email string `yaml:"email"`
	Href  string `yaml:"href"`
}

// BrandLink is one link of the footer.
type BrandLink struct {
	Text Words  `yaml:"text"`
	Href string `yaml:"href"`
}

// Accent is the one colour besides paper and ink, for light and dark paper.
type Accent struct {
	Light string `yaml:"light"`
	Dark  string `yaml:"dark"`
}

// brandView is the brand in one language, for templates.
type brandView struct {
	Name, Product, Region, Character, PoweredBy string
	Email, Help                                 string
	Footer                                      []FooterLink

	args map[string]any
}

// FooterLink is a link of the footer in the reader's language.
type FooterLink struct{ Href, Text string }

// ReadBrand reads the brand in a folder; "" means the embedded one.
func ReadBrand(folder string) (Brand, error) {
	if folder == "" {
		return readBrand(sub(defaultBrand, "brand"))
	}
	return readBrand(os.DirFS(folder))
}

var (
	hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	script    = regexp.MustCompile(`(?i)<script|\son[a-z]+\s*=|javascript:`)
)

func readBrand(folder fs.FS) (Brand, error) {
	var b Brand
	raw, err := fs.ReadFile(folder, "brand.yaml")
	if err != nil {
		return b, fmt.Errorf("brand: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(raw, &b, yaml.Strict()); err != nil {
		return b, fmt.Errorf("brand.yaml: %w", err)
	}
	if b.logo, err = fs.ReadFile(folder, b.Logo); err != nil {
		return b, fmt.Errorf("brand: logo: %w", err)
	}
	return b, b.check()
}

// check refuses what would break pages or open them to script.
func (b Brand) check() error {
	switch {
	case b.Name["en"] == "" || len(b.Programs) == 0:
		return fmt.Errorf("brand.yaml: name and programs need at least an English text")
	case !hexColour.MatchString(b.Accent.Light) || !hexColour.MatchString(b.Accent.Dark):
		return fmt.Errorf("brand.yaml: accent: colours are written #rrggbb")
	case !strings.HasSuffix(b.Logo, ".svg") || script.Match(b.logo):
		return fmt.Errorf("brand.yaml: logo: want an .svg file without script")
	}
	for _, l := range append(b.Footer, BrandLink{Href: b.Support.Href}) {
		if !safeHref(l.Href) {
			return fmt.Errorf("brand.yaml: %q is no link we can show", l.Href)
		}
	}
	return nil
}

// in gives the brand in one language for one program; base goes before relative links.
func (b Brand) in(lang, program, base string) brandView {
	region := b.Regions[lang]
	if region == "" {
		region = strings.ToUpper(lang)
	}
	v := brandView{
		Name: b.Name.In(lang), Product: b.Programs[program].In(lang), Region: region, Character: b.Character,
		PoweredBy: b.PoweredBy.In(lang), Email: b.Support.Email, Help: absolute(base, b.Support.Href), args: b.Names(lang),
	}
	v.args["product"] = v.Product
	for _, l := range b.Footer {
		v.Footer = append(v.Footer, FooterLink{absolute(base, l.Href), l.Text.In(lang)})
	}
	return v
}

// Names gives what sentences may say about us: {brand}, and each program's name by
// its key ({idp}, {tracker}), {support} for the mail address. Mails use it too.
func (b Brand) Names(lang string) map[string]any {
	names := map[string]any{"brand": b.Name.In(lang), "support": b.Support.Email}
	for program, words := range b.Programs {
		names[program] = words.In(lang)
	}
	return names
}

func absolute(base, href string) string {
	if strings.HasPrefix(href, "/") {
		return strings.TrimSuffix(base, "/") + href
	}
	return href
}
