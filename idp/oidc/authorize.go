package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"tegata/idp/interaction"
	"tegata/idp/oidc/wire"
	"tegata/idp/sessions"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// authorize answers /oauth2/authorize: a request from a client, or a person who comes
// back from the pages with ?interaction=ID.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	params, err := parameters(w, r)
	if err != nil {
		p.refuseUnread(w, r, err)
		return
	}
	v, r, err := p.visitor(w, r, params.Get("client_id"))
	if err != nil {
		p.problem(w, r, err)
		return
	}
	if id := params.Get("interaction"); id != "" && !params.Has("client_id") {
		p.resume(w, r, v, id)
		return
	}
	a, err := p.understand(r.Context(), params)
	if a != nil {
		r.Form = a.params // what was pushed or signed counts on every page, and not what stands beside it
	}
	if err == nil {
		err = p.begin(w, r, v, a)
	}
	p.end(w, r, a, err)
}

// begin gives the code at once when nothing has to be asked: nothing is
// written then. Otherwise a conversation starts, in this browser.
func (p *Provider) begin(w http.ResponseWriter, r *http.Request, v visitor, a *authorization) error {
	ctx, asked := r.Context(), a.asked()
	if err := p.answerable(ctx, a); err != nil {
		return err
	}
	other, err := p.another(ctx, a, v.known.Account)
	if err != nil {
		return err
	}
	if v.session != nil && other {
		if slices.Contains(a.prompt, "none") {
			return wire.RefuseAs("login_required")
		}
		asked.Prompt = append(slices.Clone(asked.Prompt), "login")
	}
	step := p.Interaction.StepKnowing(v.session, asked, v.known)
	if err := refused(step); err != nil {
		return err
	}
	if a.loginHint() != "" {
		if step, err = p.heed(ctx, a, v, &asked, step); err != nil {
			return err
		}
	}
	if step == interaction.Done {
		g, err := p.give(ctx, a, v)
		if err != nil {
			return err
		}
		return p.answer(w, r, a, g)
	}
	if err := p.mayAsk(ctx, v.session); err != nil {
		return err
	}
	asked.Request, asked.ClientName = a.encode(), a.client.NameIn(p.language(r))
	it, err := p.Interaction.Begin(ctx, p.browser(w, r), asked)
	if err != nil {
		return err
	}
	see(w, a.firstPage(step)+"?interaction="+it.ID)
	return nil
}

// resume goes on where the pages stopped. The end of the conversation and the code
// are one fact: of two presses of a button one gets the code.
func (p *Provider) resume(w http.ResponseWriter, r *http.Request, v visitor, id string) {
	ctx, browser := r.Context(), p.Cookies.Read(r, sessions.BrowserCookieName)
	it, step, err := p.Interaction.Step(ctx, id, browser)
	if err != nil {
		p.end(w, r, nil, err)
		return
	}
	if step != interaction.Done && !step.Refuses() {
		see(w, page(step)+"?interaction="+url.QueryEscape(id))
		return
	}
	if it.Request == "" {
		p.end(w, r, nil, fault.New(fault.NotFound, "", "interaction.finished"))
		return
	}
	a, err := p.understandAgain(ctx, it.Request)
	if err == nil {
		err = p.only(ctx, a, it.Scopes)
	}
	if err == nil {
		var g given
		if g, err = p.finish(ctx, a, v, id, browser); err == nil {
			err = p.answer(w, r, a, g)
		}
	}
	p.end(w, r, a, err)
}

// finish spends the conversation and issues the code, or gives the refusal that the
// person chose. Both are kept, or none.
func (p *Provider) finish(ctx context.Context, a *authorization, v visitor, id, browser string) (g given, err error) {
	var no error
	other, err := p.another(ctx, a, v.known.Account)
	if err != nil {
		return given{}, err
	}
	if err := p.sealing.Ready(ctx); err != nil {
		return given{}, err
	}
	if err := p.answerable(ctx, a); err != nil { // the client may have changed its keys since
		return given{}, err
	}
	err = p.DB.Tx(ctx, func(ctx context.Context) error {
		_, step, err := p.Interaction.Finish(ctx, id, browser)
		if err != nil {
			return err
		}
		if no = refused(step); no == nil && other {
			no = wire.RefuseAs("login_required") // OIDC Core §3.1.2.2
		}
		if no != nil {
			return nil
		}
		g, err = p.give(ctx, a, v)
		return err
	})
	return g, errors.Join(err, no)
}

// issue makes the code for who is signed in, and names the grant that it will lead to.
func (p *Provider) issue(ctx context.Context, a *authorization, v visitor) (given, error) {
	for _, scope := range a.scopes {
		a.request.GrantScope(scope)
	}
	about, err := p.about(ctx, a, v)
	if err != nil {
		return given{}, err
	}
	about.grant = secret.NewID()
	response, err := p.engine.NewAuthorizeResponse(ctx, a.request, about)
	if err != nil {
		return given{}, err
	}
	return given{session: v.session, about: about, code: response.GetCode()}, nil
}

// answer sends what was made to the client.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, a *authorization, g given) error {
	parameters, err := p.parameters(r.Context(), a, g)
	if err != nil {
		return err
	}
	p.addSessionState(w, a, g.session)
	answer, err := a.back.Make(r, parameters...)
	if err != nil {
		return err
	}
	p.Count("code_issued")
	p.noteAuthorization(r.Context(), a, nil)
	p.watch(r.Context(), a)
	answer.Send(w)
	return nil
}

// visitor is who sits at the browser: nobody that we know, or somebody with a session,
// and what the steps for one client depend on.
type visitor struct {
	session *sessions.Session
	known   interaction.Known
}

// visitor finds out who sits there, and gives the request with the session in its
// context. A cookie whose session has ended makes a stranger, and clients' pages may
// notice. A database that does not answer makes nobody a stranger.
func (p *Provider) visitor(w http.ResponseWriter, r *http.Request, clientID string) (visitor, *http.Request, error) {
	token := p.Cookies.Read(r, sessions.CookieName)
	if token == "" {
		return visitor{}, r, nil
	}
	one, known, err := p.Interaction.ByToken(r.Context(), token, clientID)
	if fault.Is(err, fault.Denied) {
		p.ShowState(w, nil)
		return visitor{}, r, nil
	}
	if err != nil {
		return visitor{}, r, err
	}
	return visitor{&one, known}, r.WithContext(sessions.With(r.Context(), &one)), nil
}

// refused is the protocol's word for a conversation that ends without a code (OIDC Core
// §3.1.2.6). Where more than consent is missing, what would be asked first is told.
func refused(step interaction.Step) error {
	switch step {
	case interaction.RefuseLoginRequired:
		return wire.RefuseAs("login_required")
	case interaction.RefuseConsentRequired:
		return wire.RefuseAs("consent_required")
	case interaction.RefuseInteractionRequired:
		return wire.RefuseAs("interaction_required")
	case interaction.RefuseAccessDenied:
		return wire.RefuseAs("access_denied")
	}
	return nil
}

// page is the page that asks what comes next.
func page(step interaction.Step) string {
	switch step {
	case interaction.AskPassword:
		return pagePassword
	case interaction.AskAccount:
		return pageAccount
	case interaction.AskTerms:
		return pageTerms
	case interaction.AskConsent:
		return pageConsent
	}
	return pageLogin
}

// browser gives the cookie that ties conversations to this browser, making it when
// there is none yet.
func (p *Provider) browser(w http.ResponseWriter, r *http.Request) string {
	return p.Cookies.Keep(w, r, sessions.BrowserCookieName, interaction.NewBrowser)
}
