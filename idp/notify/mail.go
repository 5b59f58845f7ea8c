package notify

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	texttemplate "text/template"
	"time"

	"tegata/shared/locale"
	"tegata/shared/outbox"
)

//go:embed templates
var templates embed.FS

//go:embed locales
var locales embed.FS

// Locales holds the catalogs of this package, for locale.Load.
func Locales() fs.FS {
	sub, err := fs.Sub(locales, "locales")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

var (
	htmlMail = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/mail.html"))
	textMail = texttemplate.Must(texttemplate.ParseFS(templates, "templates/mail.txt"))
)

// link is words with where they lead.
type link struct{ Label, URL string }

// page is what the two templates of a mail are filled with; empty parts are left out.
type page struct {
	Language    string
	Brand       string
	Subject     string
	Preview     string // what lists of mails show after the subject; never a code, they lie on locked screens
	Greeting    string
	Heading     string
	Lead        string
	Button      link
	ButtonFails string
	CodeLead    string
	Code        string // grouped for reading
	Validity    string
	NotYou      string // what to do when it was somebody else
	ListLead    string
	List        []link
	Notes       []string
	Support     []link
	Signature   string
}

// Send composes one mail of the outbox and hands it to the transport.
func (s *Service) Send(ctx context.Context, m outbox.Message) error {
	var n note
	if err := m.Read(&n); err != nil {
		return outbox.Refused(err)
	}
	l, err := s.compose(n)
	if err != nil {
		return outbox.Refused(err)
	}
	l.ID, l.Kind, l.To, l.At = m.ID, m.Kind, m.To, m.CreatedAt
	return s.Transport(ctx, l)
}

// compose makes the letter of a note.
func (s *Service) compose(n note) (Letter, error) {
	write := words{s, n.Language}
	var p page
	switch n.Mail {
	case "activation":
		p = write.activation(n)
	case "already":
		p = write.already()
	default:
		return Letter{}, fmt.Errorf("notify: no mail is called %q", n.Mail)
	}
	var text, html bytes.Buffer
	if err := textMail.Execute(&text, p); err != nil {
		return Letter{}, err
	}
	if err := htmlMail.Execute(&html, p); err != nil {
		return Letter{}, err
	}
	return Letter{
		Language: n.Language, Subject: p.Subject, Text: text.String(), HTML: html.String(),
		Links: p.links(), Code: n.Code,
	}, nil
}

// links gives every address of the mail once, the button's first.
func (p page) links() []string {
	var all []string
	seen := map[string]bool{"": true}
	for _, l := range append(append([]link{p.Button}, p.List...), p.Support...) {
		if !seen[l.URL] {
			seen[l.URL] = true
			all = append(all, l.URL)
		}
	}
	return all
}

// words writes in one language.
type words struct {
	*Service
	lang string
}

// t gives the sentence for a key.
func (w words) t(key string, more ...any) string {
	args := map[string]any{"brand": w.Brand.in(w.lang)}
	for i := 0; i+1 < len(more); i += 2 {
		args[more[i].(string)] = more[i+1]
	}
	return w.Catalog.Text(w.lang, key, args)
}

func (w words) link(key, path string) link { return link{w.t(key), w.PublicURL + path} }

// page has what all mails have.
func (w words) page(subject, lead string) page {
	return page{
		Language: w.lang, Brand: w.Brand.in(w.lang), Subject: w.t(subject), Heading: w.t(subject),
		Greeting: w.t("mail.greeting"), Lead: w.t(lead), ButtonFails: w.t("mail.button_fails"), Signature: w.t("mail.signature"),
		Support: []link{w.link("mail.help", "/help"), w.link("mail.support", "/contact")},
	}
}

// activation is the mail of S-033 to S-037 and S-040.
func (w words) activation(n note) page {
	p := w.page("mail.activation.subject", "mail.activation.lead")
	zone, err := time.LoadLocation(n.Zone)
	if err != nil {
		zone = time.UTC
	}
	p.Heading, p.Preview = w.t("mail.activation.welcome"), w.t("mail.activation.preview")
	p.Button = w.link("mail.activation.button", "/activate?token="+n.Token)
	p.CodeLead, p.Code = w.t("mail.activation.code"), Grouped(n.Code)
	p.Validity = w.t("mail.activation.validity", "at", locale.DateTime(w.lang, n.ExpiresAt, zone))
	p.NotYou = w.t("mail.activation.not_you")
	p.ListLead = w.t("mail.activation.list")
	p.List = []link{
		w.link("mail.activation.list_log_in", "/login"),
		w.link("mail.activation.list_profile", "/"),
		w.link("mail.activation.list_customer", "/help#customer"),
		w.link("mail.activation.list_partner", "/help#partner"),
		w.link("mail.activation.list_supply", "/help#supply-chain"),
	}
	p.Notes = []string{w.t("mail.activation.keep")}
	return p
}

// already is the mail of S-025.
func (w words) already() page {
	p := w.page("mail.already.subject", "mail.already.lead")
	p.Preview, p.NotYou = w.t("mail.already.preview"), w.t("mail.already.not_you")
	p.Button = w.link("mail.already.button", "/login")
	p.ListLead = w.t("mail.already.list")
	p.List = []link{w.link("mail.already.reset", "/forgot-password")}
	return p
}

// Grouped writes a code as people read it: 1234 5678.
func Grouped(code string) string {
	if len(code) < 6 {
		return code
	}
	half := (len(code) + 1) / 2
	return code[:half] + " " + code[half:]
}
