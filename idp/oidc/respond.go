package oidc

import (
	"errors"
	"net/http"

	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// toPerson tells whether the fault is about the conversation: one that began in
// another browser, is over, or was finished twice. The client has its answer already,
// or will get one from the other browser.
func toPerson(err error) bool {
	var own *wire.Refusal
	if errors.As(err, &own) {
		return false
	}
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Denied, fault.Expired, fault.Conflict:
		return true
	}
	return false
}

// problem tells a person that this cannot go on. Nobody is redirected.
func (p *Provider) problem(w http.ResponseWriter, r *http.Request, err error) {
	p.Count("authorization_problem")
	p.Log.InfoContext(r.Context(), "request without a client to answer", "error", err.Error())
	if p.Problem != nil {
		p.Problem(w, r, err)
		return
	}
	status := http.StatusBadRequest
	if fault.KindOf(err) == fault.Internal {
		status = http.StatusInternalServerError
	}
	http.Error(w, http.StatusText(status), status)
}

// language is that of the pages that a person sees next.
func (p *Provider) language(r *http.Request) string {
	if p.Language == nil {
		return ""
	}
	return p.Language(r)
}

// keep is a page where the language that the request asks for is not lost.
func (p *Provider) keep(r *http.Request, path string) string {
	if p.Keep == nil {
		return path
	}
	return p.Keep(r, path)
}

// see sends the browser to one of our own pages.
func see(w http.ResponseWriter, path string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
