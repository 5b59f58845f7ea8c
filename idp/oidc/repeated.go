package oidc

import (
	"maps"
	"net/http"

	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// refuseUnread answers an authorization request whose parameters could not be read: the
// client, where all that is wrong is a parameter that came twice and it is sure who asks
// and where answers go (RFC 6749 §4.1.2.1), otherwise the person.
func (p *Provider) refuseUnread(w http.ResponseWriter, r *http.Request, unread error) {
	a := p.repeating(r, unread)
	if a == nil {
		p.noteUnreadable(r, unread)
		p.problem(w, r, unread)
		return
	}
	_, r, err := p.visitor(w, r, a.client.ID) // session_state is part of the answer
	if err != nil {
		p.problem(w, r, err)
		return
	}
	p.end(w, r, a, wire.Refuse("invalid_request", "A parameter is there twice.").Because(unread))
}

// repeating reads a request that has a parameter twice, as if all such had been left out;
// nil where its client or redirect URI is one of them or is not good. Of a request that
// refers to another one, the person is told: what counts stands elsewhere.
func (p *Provider) repeating(r *http.Request, unread error) *authorization {
	wrong := fault.Of(unread)
	if wrong == nil || wrong.Field == "" || r.Form.Has("request") || r.Form.Has("request_uri") {
		return nil
	}
	params := maps.Clone(r.Form)
	for name := wire.Twice(params); name != ""; name = wire.Twice(params) {
		delete(params, name)
	}
	client, err := p.Clients.ByID(r.Context(), params.Get("client_id"))
	if err != nil {
		return nil
	}
	a := &authorization{params: params, client: client, twice: wrong.Field}
	if !p.answersTo(a) {
		return nil
	}
	if checkSizes(p, a) != nil {
		a.back.State = "" // nothing that is wrong goes back
	}
	return a
}
