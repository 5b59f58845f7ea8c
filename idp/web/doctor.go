package web

import (
	"net/http"
	"strings"

	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// doctorData is what the developer of a client sees of its last requests.
type doctorData struct {
	Client, ID string
	Until      string // how long the link is good
	Registered []string
	Requests   []visit
}

// visit is one request in words.
type visit struct {
	At, Endpoint, Outcome string
	OK                    bool
	Clock                 string // seconds, with a sign
	Reason                string
	Diff                  *diff
}

// diff is an address that came beside the registered one that is most like it.
type diff struct{ Start, Registered, Given, End string }

// showDoctor shows /doctor: the last requests of the client that the token was made
// for, to whoever has the link.
func (p *Pages) showDoctor(w http.ResponseWriter, r *http.Request) error {
	id, until, err := clients.Shared(r.Context(), p.Once, p.Limit, r.URL.Query().Get("token"), p.Clock())
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Expired, fault.Conflict:
		return fault.Wrap(fault.NotFound, "doctor.over", err)
	}
	if err != nil {
		return err
	}
	client, err := p.Clients.ByID(r.Context(), id)
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.NotFound, "doctor.over", err)
	}
	if err != nil {
		return err
	}
	all, err := p.Diary.Last(r.Context(), id)
	if err != nil {
		return err
	}
	lang := page.Language(r)
	data := doctorData{Client: client.NameIn(lang), ID: id, Until: locale.DateTime(lang, until, nil), Registered: client.RedirectURIs}
	for _, one := range all {
		data.Requests = append(data.Requests, p.visit(lang, one))
	}
	return p.Page.Show(w, r, page.Page{Template: "doctor", Title: "doctor.title", Wide: true, Data: data})
}

func (p *Pages) visit(lang string, r clients.Request) visit {
	v := visit{
		At: r.At.UTC().Format("2006-01-02 15:04:05Z"), Endpoint: r.Endpoint, Outcome: r.Outcome, OK: r.Outcome == "ok", Clock: r.Details["clock"],
	}
	if v.Clock != "" && !strings.HasPrefix(v.Clock, "-") {
		v.Clock = "+" + v.Clock
	}
	if r.Reason != clients.ReasonNone {
		args := map[string]any{}
		for name, value := range r.Details {
			args[name] = value
		}
		v.Reason = p.Page.Catalog.Text(lang, "doctor.reason."+r.Reason, args)
	}
	if r.Reason == clients.ReasonRedirectURI {
		var d diff
		d.Start, d.Registered, d.Given, d.End = clients.Diff(r.Details["given"], r.Details["registered"])
		v.Diff = &d
	}
	return v
}
