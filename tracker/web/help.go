package web

import (
	"net/http"
	"net/url"

	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// helpPage is the data of the help page.
type helpPage struct{ GuideURL string }

func (p *Pages) help(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, page.Page{Template: "help", Title: "help.title", Data: helpPage{GuideURL: p.GuideURL}})
}

// contactPage is the data of the contact page: mails that are begun for the person.
type contactPage struct {
	Support string
	Cases   []contactCase
}

// contactCase is one thing to write about.
type contactCase struct {
	Name string // key of its texts: contact.NAME and contact.NAME.how
	Mail string // mailto: URL with subject and first lines
}

// contact shows how to reach us, by subject. A mail about the mapping of an account
// begins with what the support has to know (S-183, S-188).
func (p *Pages) contact(w http.ResponseWriter, r *http.Request) error {
	about := ""
	if who := candidates.Of(r.Context()); who != nil {
		ids, err := p.Candidates.ExternalIDs(r.Context(), who.Candidate.ID)
		if err != nil {
			return err
		}
		csco, _ := ids.Of(candidates.SystemCSCO)
		about = p.text(r, "contact.about_me", map[string]any{"csco": csco.Value, "name": who.Candidate.NameIn(page.Language(r))})
	}
	data := contactPage{Support: p.Support}
	for _, name := range []string{"vue", "remap", "ids", "other"} {
		subject := p.text(r, "contact."+name, nil)
		data.Cases = append(data.Cases, contactCase{Name: name, Mail: mailTo(p.Support, subject, about)})
	}
	return p.show(w, r, page.Page{Template: "contact", Title: "contact.title", Data: data})
}

func (p *Pages) text(r *http.Request, key string, args map[string]any) string {
	return p.Catalog.Text(page.Language(r), key, args)
}

// mailTo begins a mail (RFC 6068). Spaces are %20: mail programs show a plus as it is.
func mailTo(to, subject, body string) string {
	link := "mailto:" + url.PathEscape(to) + "?subject=" + url.PathEscape(subject)
	if body != "" {
		link += "&body=" + url.PathEscape(body)
	}
	return link
}
