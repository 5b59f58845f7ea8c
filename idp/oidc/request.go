package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/interaction"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/reply"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// What a request may bring along, in bytes.
const (
	maxState = 2048
	maxNonce = 1024
	maxOther = 8192
)

// noRedirectURI is what a person is told of a request that names no address for answers.
const noRedirectURI = "oidc.no_redirect_uri"

// authorization is an authorization request that was understood: who asks, where the
// answer goes, and what is wanted. RFC 6749 §4.1.1, OIDC Core §3.1.2.1.
type authorization struct {
	params url.Values
	client *clients.Client
	back   reply.Reply // how answers travel
	kind   string      // the response type

	scopes    []string // known here and allowed to the client; others are ignored
	prompt    []string
	maxAge    *time.Duration
	wanted    []string // subjects of whom the person has to be one, by id_token_hint or claims; none: anybody
	claims    claims.Parameter
	resources []string       // RFC 8707
	details   target.Details // RFC 9396
	target    string         // target_link_uri, when it is the client's own
	request   fosite.AuthorizeRequester

	pushing bool         // the client pushes it right now
	pushed  *once.Ticket // the row it was pushed into, which ends with the code
	signed  bool         // it came as a request object of the client
	resumed bool         // the person comes back from our pages, and did something there
	waits   bool         // its refusal waits until the person sends it on
	twice   string       // the parameter that came twice, of a request that is refused for it
}

// parameters reads a request from the query or from a form. RFC 6749 §3.1 and OIDC
// Core §3.1.2.1 allow both, and no parameter twice: not in one and not across both.
func parameters(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost && r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, wire.MaxForm)
	}
	if err := r.ParseForm(); err != nil {
		if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
			return nil, err // the page for that says so
		}
		return nil, fault.Wrap(fault.Invalid, "oidc.bad_request", err)
	}
	for _, values := range r.Form {
		if slices.ContainsFunc(values, func(v string) bool { return len(v) > maxOther }) {
			return nil, fault.New(fault.Invalid, "", "oidc.bad_request")
		}
	}
	if name := wire.Twice(r.Form); name != "" {
		return nil, fault.New(fault.Invalid, name, "oidc.bad_request")
	}
	wire.OmitEmpty(r.Form)
	return r.Form, nil
}

// understand reads an authorization request. An error that is no refusal must not
// reach the client: it is unknown, or the address for answers is not its own, so a
// person has to be told instead (RFC 6749 §4.1.2.1). With a refusal the request's
// reply says where it goes.
func (p *Provider) understand(ctx context.Context, params url.Values) (*authorization, error) {
	client, err := p.clientOf(ctx, params.Get("client_id"))
	if err != nil {
		return nil, err
	}
	a := &authorization{params: params, client: client}
	if err := p.gather(ctx, a); err != nil {
		return a, err
	}
	return a, p.check(ctx, a)
}

func (p *Provider) clientOf(ctx context.Context, id string) (*clients.Client, error) {
	client, err := p.Clients.ByID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		p.noteDisabled(id, "authorize", "invalid_request", err)
		return client, fault.Wrap(fault.Invalid, "oidc.unknown_client", err)
	}
	return client, err
}

// check looks at a request whose parameters are all there. Its reply stays empty when
// the address for answers is not the client's.
func (p *Provider) check(ctx context.Context, a *authorization) error {
	if !p.answersTo(a) {
		if !a.params.Has("redirect_uri") {
			return fault.New(fault.Invalid, "redirect_uri", noRedirectURI)
		}
		return fault.New(fault.Invalid, "redirect_uri", "oidc.bad_redirect_uri")
	}
	for _, check := range checks {
		if err := check(p, a); err != nil {
			return err
		}
	}
	if err := p.readTargets(ctx, a); err != nil {
		return err
	}
	return p.hand(ctx, a)
}

// hand gives fosite a request of its own making: what was checked, and nothing else.
// prompt, max_age and hints stay out, since it would check them too late and by the
// machine's clock; state stays out, since it would insist on one.
func (p *Provider) hand(ctx context.Context, a *authorization) error {
	if !a.wants("code") {
		return nil
	}
	form := url.Values{
		"client_id": {a.client.ID}, "redirect_uri": {a.back.URI}, "response_type": {"code"},
		"scope": {strings.Join(a.scopes, " ")},
	}
	for _, name := range []string{"code_challenge", "code_challenge_method"} {
		if v := a.params.Get(name); v != "" {
			form[name] = []string{v}
		}
	}
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: pathAuthorize}, Form: form, PostForm: url.Values{}}).WithContext(ctx)
	request, err := p.engine.NewAuthorizeRequest(ctx, r)
	if err != nil && !errors.Is(err, fosite.ErrInvalidState) { // fosite's last check
		return err
	}
	a.request = bare{request}
	return nil
}

// bare is a request that hand made, of nothing but what was checked. fosite makes three
// copies of a request without its secrets, one for each record that it would store.
type bare struct{ fosite.AuthorizeRequester }

// Sanitize has nothing to take out.
func (b bare) Sanitize([]string) fosite.Requester { return b }

// asked is the request as the conversation with the person sees it; Request and ClientName
// are added where one begins.
func (a *authorization) asked() interaction.Asked {
	asked := interaction.Asked{
		ClientID: a.client.ID, Target: a.target,
		LoginHint: a.loginHint(), UILocales: a.params.Get("ui_locales"),
		Prompt: a.prompt, MaxAge: a.maxAge, Scopes: a.told(), NeedsConsent: !a.client.FirstParty,
	}
	if len(asked.LoginHint) > 254 || strings.ContainsFunc(asked.LoginHint, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		asked.LoginHint = "" // no address
	}
	if len(a.details) > 0 && !a.client.FirstParty && !slices.Contains(a.prompt, "consent") {
		asked.Prompt = append(slices.Clone(asked.Prompt), "consent") // allowed once is not allowed again
	}
	if a.asksAgain() {
		asked.Prompt = append(slices.Clone(asked.Prompt), "consent")
	}
	return asked
}

// asksAgain tells whether what the person allowed before counts for nothing. Anybody can
// say that they are a public client (RFC 6749 §10.2, RFC 8252 §8.6). Of an unverified one
// people are told each time who it is; but a request that may show nothing has nobody to
// tell, and yields what was allowed to this registration alone. A-061.
func (a *authorization) asksAgain() bool {
	if a.client.FirstParty {
		return false
	}
	return a.client.Public() || a.client.Unverified && !slices.Contains(a.prompt, "none")
}

// readTargets reads resource and authorization_details at the authorization endpoint.
func (p *Provider) readTargets(ctx context.Context, a *authorization) error {
	most, err := p.targets.Begin(ctx, a.client, a.params["resource"], a.scopes, a.params.Get("authorization_details"))
	if err != nil {
		return err
	}
	a.resources, a.details = most.Resources, most.Details
	if err := a.checkFrontTarget(); err != nil {
		return err
	}
	return p.targets.Reach(ctx, a.scopes, a.resources)
}
