package web

import (
	"html/template"
	"net/http"

	"tegata/idp/clients"
	"tegata/idp/oidc/reply"
	"tegata/shared/page"
	"tegata/shared/serve"
)

// stopData tells that a request cannot be carried out, and takes the answer to the client if
// the person wants that.
type stopData struct {
	Client string
	About  aboutClient
	To     template.URL // the client's, checked against its registration
	Post   bool         // the answer is posted there
	Fields [][2]string
}

// Stop shows that a request of an unverified client ends here: oidc.Stop. It has no script
// and does not refresh itself, or a link to us would lead wherever a stranger registered
// (RFC 9700 §4.11.2). The way on is the finished answer and no address of ours, so that
// nobody can put another one into it.
func (p *Pages) Stop(w http.ResponseWriter, r *http.Request, client *clients.Client, answer reply.Answer, status int) error {
	data := stopData{Client: client.NameIn(p.Page.Language(r)), About: about(client)}
	address, linked := answer.Link()
	if !linked {
		address, data.Fields = answer.Form()
		data.Post = true
		serve.AllowFormAction(r.Context(), address)
	}
	data.To, data.About.Return = template.URL(address), clients.Host(address)
	return p.Page.Show(w, r, page.Page{Template: "stop", Title: "stop.title", Status: status, Data: data})
}
