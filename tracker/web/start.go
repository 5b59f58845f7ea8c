package web

import (
	"net/http"

	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// startPage is the data of the start page.
type startPage struct {
	Login     string
	Reachable bool
	SignedOut bool
}

// start says what this is and where to log in. Whoever is signed in goes home.
func (p *Pages) start(w http.ResponseWriter, r *http.Request) error {
	if candidates.Of(r.Context()) != nil {
		return p.Set.See(w, r, "/home")
	}
	return p.Set.Show(w, r, page.Page{
		Template: "start", Title: "start.title",
		Data: startPage{
			Login: p.Login(""), Reachable: p.Reachable(), SignedOut: r.URL.Query().Get("state") == p.SignedOut,
		},
	})
}
