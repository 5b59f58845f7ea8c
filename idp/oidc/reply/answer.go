package reply

import "net/http"

// Answer is what goes back to the client, complete: nothing can go wrong with it any more.
type Answer struct {
	back       Reply
	parameters [][2]string
}

// Send sends the browser on with the answer. A redirect is 303: a browser that posted a
// password must not post it again to the client (RFC 9700 §4.12).
func (a Answer) Send(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if a.back.Mode == FormPost {
		a.back.post(w, a.parameters)
		return
	}
	w.Header().Set("Location", a.back.redirect(a.parameters))
	w.WriteHeader(http.StatusSeeOther)
}

// Link is the address that takes the answer along, for a page whose reader decides whether
// to go there; ok is false for an answer that has to be posted, by Form.
func (a Answer) Link() (address string, ok bool) {
	if a.back.Mode == FormPost {
		return "", false
	}
	return a.back.redirect(a.parameters), true
}

// Form is where a form posts the answer to, and the names and values of its fields.
func (a Answer) Form() (address string, fields [][2]string) { return a.back.URI, a.parameters }
