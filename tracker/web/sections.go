package web

import (
	"net/http"

	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// sectionPage is the data of a part of the menu that has nothing to show yet.
type sectionPage struct {
	Text, Next string // message keys: what is here, and what leads to more
}

// section is such a part. What it says is true for everybody who holds nothing yet.
func (p *Pages) section(name string) handle {
	key := "section." + name
	return func(w http.ResponseWriter, r *http.Request, _ *candidates.SignedIn) error {
		return p.show(w, r, page.Page{
			Template: "section", Title: key + ".title", Data: sectionPage{Text: key + ".text", Next: key + ".next"},
		})
	}
}
