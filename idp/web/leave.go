package web

import (
	"html/template"
	"net/http"

	"tegata/idp/clients"
	"tegata/shared/page"
	"tegata/shared/serve"
)

// leaveData shows the clients' own log-out pages in frames, and then the way on.
type leaveData struct {
	Frames []clients.Frame
	Onward template.URL // ours, or registered and checked
}

// Leave shows the log-out pages of the clients that a session had let in, in frames,
// and goes onward when they are there, or after some seconds. OIDC Front-Channel
// Logout §3. The session has ended already. The page refreshes itself only where there
// is no script: a browser that does both calls the client twice.
func (p *Pages) Leave(w http.ResponseWriter, r *http.Request, frames []clients.Frame, onward string) error {
	for _, frame := range frames {
		serve.AllowFrame(r.Context(), frame.Address)
	}
	return p.Page.Show(w, r, page.Page{Template: "leave", Title: "leave.title", Data: leaveData{frames, template.URL(onward)}})
}
