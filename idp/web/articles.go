package web

import (
	"html/template"
	"net/http"
	"net/url"

	"tegata/shared/page"
)

// guideVersion is the edition of the guide (S-031); a new text gets a new one.
const guideVersion = "1.0"

// articleData is a page to read.
type articleData struct {
	Body    template.HTML
	Version string // of texts that people agree to or may cite
	Back    wayBack
}

// wayBack leads from a page to read to where somebody came from.
type wayBack struct{ Href, Text string }

// back is the log-in for strangers, with the conversation they left, else the profile.
func (p *Pages) back(r *http.Request) wayBack {
	lang := page.Language(r)
	if signedIn(r) != nil && interactionID(r) == "" {
		return wayBack{"/profile", p.text(lang, "profile.home")}
	}
	return wayBack{within("/login", interactionID(r)), p.text(lang, "articles.back")}
}

// article shows a text of the catalogs. The way back keeps the conversation that a
// person left to read it (S-054).
func (p *Pages) article(title, body string) action {
	return func(w http.ResponseWriter, r *http.Request) error {
		lang := page.Language(r)
		return p.Page.Show(w, r, page.Page{Template: "article", Title: title, Data: articleData{
			Body:    prose(p.text(lang, body)),
			Version: p.version(lang, title),
			Back:    p.back(r),
		}})
	}
}

// version is the line that names the edition of a text.
func (p *Pages) version(lang, title string) string {
	switch title {
	case "terms.title", "privacy.title":
		return p.text(lang, "terms.version", "version", p.TermsVersion)
	case "guide.title":
		return p.text(lang, "guide.version", "version", guideVersion)
	}
	return ""
}

// text is a text of the catalogs with the names of this installation put in; more
// are names and their values in turn.
func (p *Pages) text(lang, key string, more ...string) string {
	names := p.Page.Brand.Names(lang)
	names["url"], names["sender"] = p.Issuer, p.sender()
	for i := 0; i+1 < len(more); i += 2 {
		names[more[i]] = more[i+1]
	}
	return p.Page.Catalog.Text(lang, key, names)
}

// section is one part of the help page; pages link to its anchor (S-174).
type section struct {
	ID, Title string
	Body      template.HTML
}

// helpSections are the anchors of the help page with their titles and texts.
var helpSections = []struct{ id, title, body string }{
	{"login", "help.login.title", "help.login.body"},
	{"sign-up", "help.sign_up.title", "help.sign_up.body"},
	{"forgot-password", "help.forgot_password.title", "help.forgot_password.body"},
	{"reset", "help.reset.title", "help.reset.body"},
	{"profile", "help.profile.title", "help.profile.body"},
	{"change", "help.change.title", "help.change.body"},
	{"forgot-email", "help.forgot_email.title", "help.forgot_email.body"},
	{"email-change", "help.email_change.title", "help.email_change.body"},
	{"customer", "help.customer.title", "help.customer.body"}, // these three are linked from the activation mail (S-035)
	{"partner", "help.partner.title", "help.partner.body"},
	{"supply-chain", "help.supply_chain.title", "help.supply_chain.body"},
}

// helpData is the help page.
type helpData struct {
	Lead     template.HTML
	Sections []section
	Back     wayBack
}

// showHelp shows /help.
func (p *Pages) showHelp(w http.ResponseWriter, r *http.Request) error {
	lang := page.Language(r)
	data := helpData{Lead: prose(p.text(lang, "help.lead")), Back: p.back(r)}
	for _, s := range helpSections {
		data.Sections = append(data.Sections, section{s.id, p.text(lang, s.title), prose(p.text(lang, s.body))})
	}
	return p.Page.Show(w, r, page.Page{Template: "help", Title: "help.title", Data: data})
}

// contactData is the page with the ways to reach support (S-180).
type contactData struct {
	About   string // one more sentence for where the person came from
	Rows    []contactRow
	Address string
	See     template.HTML
}

// contactRow is one subject and the link that begins a mail about it, with the lines
// that support needs filled in (S-175).
type contactRow struct{ Subject, Mail string }

// aboutWords are the sentences for the places that lead here.
var aboutWords = map[string]string{
	"signup":   "contact.about_signup",
	"password": "contact.about_password",
	"email":    "contact.about_email",
}

// showContact shows /contact.
func (p *Pages) showContact(w http.ResponseWriter, r *http.Request) error {
	lang := page.Language(r)
	data := contactData{Address: p.Page.Brand.Support.Email, See: prose(p.text(lang, "contact.see_help"))}
	if key, known := aboutWords[r.URL.Query().Get("about")]; known {
		data.About = p.text(lang, key)
	}
	for _, key := range []string{"contact.row_signup", "contact.row_login", "contact.row_email", "contact.row_privacy", "contact.row_other"} {
		data.Rows = append(data.Rows, p.contactRow(lang, p.text(lang, key)))
	}
	return p.Page.Show(w, r, page.Page{Template: "contact", Title: "contact.title", Data: data})
}

func (p *Pages) contactRow(lang, subject string) contactRow {
	return contactRow{Subject: subject, Mail: "mailto:" + p.Page.Brand.Support.Email +
		"?subject=" + url.PathEscape(p.text(lang, "contact.mail_subject", "subject", subject)) +
		"&body=" + url.PathEscape(p.text(lang, "contact.mail_body"))}
}
