package web

import (
	"net/http"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// doctorData is what the developer of a client sees of its last requests.
type doctorData struct {
	Client, ID string
	Off        bool   // the client is switched off: the reader has to know why nothing works
	Until      string // how long the link is good
	Registered []fact
	Requests   []visit
	Refused    int   // how many of them
	Clock      *hand // nil when nothing measured it
}

// fact is a line of the client's registration.
type fact struct {
	Name   string // message key
	Values []string
}

// hand is how far the client's clock is ahead, by the newest measurement.
type hand struct {
	Verdict, Seconds, By, At string // of them the first and the third are message keys
	Good                     bool
}

// visit is one request in words.
type visit struct {
	At, Endpoint, Outcome string
	OK                    bool
	Clock                 string // seconds, with a sign
	Reason                string
	Diff                  *diff
}

// diff is an address that came beside the expected one that is most like it.
type diff struct {
	Start, Expected, Given, End string
	None                        bool // nothing could have been expected
}

// showDoctor shows /doctor: the last requests of the client that the token was made
// for, to whoever has the link: also while the client is switched off, since every
// other answer hides that from its developer. The link ends when the client is deleted.
func (p *Pages) showDoctor(w http.ResponseWriter, r *http.Request) error {
	id, until, err := clients.Shared(r.Context(), p.Once, p.Limit, r.URL.Query().Get("token"), p.Clock())
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Expired, fault.Conflict:
		return fault.Wrap(fault.NotFound, "doctor.over", err)
	}
	if err != nil {
		return err
	}
	client, err := p.Clients.Find(r.Context(), id)
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
	data := doctorData{
		Client: client.NameIn(lang), ID: id, Off: client.Disabled,
		Until: locale.DateTime(lang, until, nil), Registered: registration(&client),
	}
	for _, one := range all {
		v := p.visit(lang, one)
		data.Requests = append(data.Requests, v)
		if !v.OK {
			data.Refused++
		}
		if v.Clock != "" && data.Clock == nil {
			verdict, seconds := one.ClockVerdict()
			data.Clock = &hand{verdict, seconds, "doctor.by." + one.Details["clock_by"], v.At, one.ClockIsGood()}
		}
	}
	return p.Page.Show(w, r, page.Page{Template: "doctor", Title: "doctor.title", Wide: true, Data: data})
}

// registration is what a developer compares requests with. Nothing in it is secret.
func registration(c *clients.Client) []fact {
	pkce := map[bool]string{true: "S256", false: ""}[c.RequirePKCE]
	var facts []fact
	for _, f := range []fact{
		{"doctor.redirect_uris", c.RedirectURIs},
		{"doctor.post_logout", c.PostLogoutRedirectURIs},
		{"doctor.authentication", []string{string(c.AuthMethod)}},
		{"doctor.grant_types", c.GrantTypes},
		{"doctor.scopes", []string{strings.Join(c.Scopes, " ")}},
		{"doctor.pkce", []string{pkce}},
		{"doctor.id_token", []string{c.IDTokenAlg}},
	} {
		f.Values = slices.DeleteFunc(slices.Clone(f.Values), func(v string) bool { return v == "" })
		if len(f.Values) > 0 {
			facts = append(facts, f)
		}
	}
	return facts
}

func (p *Pages) visit(lang string, r clients.Request) visit {
	v := visit{
		At: r.At.UTC().Format("2006-01-02 15:04:05Z"), Endpoint: r.Endpoint, Outcome: r.Outcome, OK: r.Outcome == "ok", Clock: r.Clock(),
	}
	v.Reason = r.Told(p.Page.Catalog, lang)
	if given, expected, ok := r.Compared(); ok {
		d := diff{None: expected == ""}
		d.Start, d.Expected, d.Given, d.End = clients.Diff(given, expected)
		v.Diff = &d
	}
	return v
}
