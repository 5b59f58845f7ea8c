package web

import (
	"encoding/json"
	"net/http"
	"time"

	"tegata/idp/notify"
	"tegata/shared/page"
)

// postboxData is what a development run would have sent, the newest first.
type postboxData struct{ Letters []notify.Letter }

// showPostbox shows /dev/postbox.
func (p *Pages) showPostbox(w http.ResponseWriter, r *http.Request) error {
	letters, err := p.Postbox.All(r.Context())
	if err != nil {
		return err
	}
	return p.Page.Show(w, r, page.Page{Template: "postbox", Title: "postbox.title", Wide: true, Data: postboxData{letters}})
}

// posted is one message of /dev/postbox.json.
type posted struct {
	Kind    string    `json:"kind"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Links   []string  `json:"links"`
	Code    string    `json:"code"`
	At      time.Time `json:"at"`
}

// postboxJSON is the same for programs.
func (p *Pages) postboxJSON(w http.ResponseWriter, r *http.Request) error {
	letters, err := p.Postbox.All(r.Context())
	if err != nil {
		return err
	}
	all := make([]posted, len(letters))
	for i, l := range letters {
		all[i] = posted{l.Kind, l.To, l.Subject, l.Text, append([]string{}, l.Links...), l.Code, l.At}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return json.NewEncoder(w).Encode(all)
}
