package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/reply"
	"tegata/idp/oidc/wire"
	"tegata/idp/sessions"
	"tegata/shared/fault"
)

// Stop shows a person that a request cannot be carried out, with a button that takes the
// answer to the client. Nothing leaves the page by itself.
type Stop = func(w http.ResponseWriter, r *http.Request, client *clients.Client, answer reply.Answer, status int) error

// end answers a request that did not get its code: to the client where that is safe,
// to the person otherwise.
func (p *Provider) end(w http.ResponseWriter, r *http.Request, a *authorization, err error) {
	if err == nil {
		return
	}
	if a == nil || a.back.URI == "" || toPerson(err) {
		p.noteAuthorization(r.Context(), a, err)
		if own := (*wire.Refusal)(nil); errors.As(err, &own) && own.Code != "server_error" {
			err = fault.Wrap(fault.Invalid, "oidc.bad_request", err) // there is nobody else to tell
		}
		p.problem(w, r, err)
		return
	}
	p.refuse(w, r, a, err)
}

// refuse tells the client that there is no code: at once, or when the person says so. Where
// the answer cannot be made, there is only the person to tell (RFC 6749 §4.1.2.1).
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, a *authorization, err error) {
	ctx, refusal := r.Context(), wire.RefusalOf(err)
	a.waits = a.mustWait()
	p.addSessionState(w, a, sessions.Of(ctx))
	answer, unsaid := a.back.Refuse(r, refusal)
	level := p.Log.InfoContext
	if refusal.Code == "server_error" && unsaid == nil { // else the page of what went wrong logs it
		level = p.Log.ErrorContext
	}
	level(ctx, "authorization refused", "client", a.client.ID, "refusal", refusal.Code, "error", err.Error())
	if unsaid != nil {
		unsaid = unanswerable(unsaid)
		p.Count("authorization_refused." + wire.RefusalOf(unsaid).Code)
		p.noteAuthorization(ctx, a, unsaid)
		p.endPushed(ctx, a)
		p.problem(w, r, unsaid)
		return
	}
	p.Count("authorization_refused." + refusal.Code)
	p.noteAuthorization(ctx, a, err)
	if a.waits {
		p.stop(w, r, a, answer, refusal)
		return
	}
	p.endPushed(ctx, a)
	answer.Send(w)
}

// mustWait tells whether the answer waits until the person sends it. Anybody can register a
// client that is unverified, with any address, and make a request that is refused: whoever
// followed a link to us would be taken there. RFC 9700 §4.11.2 wants people to be
// authenticated first, and to be asked where the address is not trusted, but for requests
// that may show nothing. Who did something on our pages knows that we send them back.
func (a *authorization) mustWait() bool {
	silent := slices.Equal(strings.Fields(a.params.Get("prompt")), []string{"none"})
	return a.client.Unverified && !a.resumed && !silent
}

// stop shows the page that the answer waits on. A request that was pushed stays: it has no
// answer yet, and a page that is loaded again says the same.
func (p *Provider) stop(w http.ResponseWriter, r *http.Request, a *authorization, answer reply.Answer, refusal *wire.Refusal) {
	status := http.StatusBadRequest
	switch refusal.Code {
	case "server_error":
		status = http.StatusInternalServerError
	case "temporarily_unavailable":
		status = http.StatusServiceUnavailable
	}
	if p.Stop == nil {
		p.problem(w, r, fault.New(fault.Invalid, "", "oidc.bad_request"))
		return
	}
	if err := p.Stop(w, r, a.client, answer, status); err != nil {
		p.problem(w, r, err)
	}
}

// answerable refuses a client to whom nothing can be said, before anybody is asked anything
// and anything is made: it wants its answers encrypted and has no key for that.
func (p *Provider) answerable(ctx context.Context, a *authorization) error {
	if a.back.Sign == nil {
		return nil
	}
	_, err := p.encrypted(ctx, a.client, a.client.AnswerEncryption(), "{}")
	return err
}

// noAnswer is what a person is told of a client that cannot be answered.
const noAnswer = "oidc.no_answer"

// unanswerable is the fault of an answer that could not be made: the client's, when its key
// is missing, else ours.
func unanswerable(err error) error {
	if own := (*wire.Refusal)(nil); errors.As(err, &own) && own.Code != "server_error" {
		return fault.Wrap(fault.Invalid, noAnswer, err)
	}
	return err
}
