package oidc

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/requestobject"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// pushedRequests is the purpose of pushed authorization requests.
const pushedRequests once.Purpose = "pushed_request"

// pushedPrefix begins every request_uri of ours. RFC 9126 §2.2.
const pushedPrefix = "urn:ietf:params:oauth:request_uri:"

// pushed is a request that waits for its browser. It is kept without what proved the
// client.
type pushed struct {
	Client     string     `json:"client"`
	Registered int64      `json:"registered"` // which of those that had the id
	Params     url.Values `json:"params"`
	Signed     bool       `json:"signed,omitempty"`
}

// errPushedOver answers a request_uri that was good once.
var errPushedOver = wire.Refuse("invalid_request_uri", "The request_uri has expired or was used.").For(clients.ReasonPushedOver)

// pushedAs is the answer to a pushed request. RFC 9126 §2.2.
type pushedAs struct {
	URI     string `json:"request_uri"`
	Expires int64  `json:"expires_in"`
}

// push answers POST /oauth2/par. RFC 9126 §2.
func (p *Provider) push(ctx context.Context, w http.ResponseWriter, work *work) (func(), error) {
	uri, err := p.keepPushed(ctx, w, work)
	return func() { wire.WriteJSON(w, http.StatusCreated, pushedAs{uri, int64(p.Lifetimes.Pushed / time.Second)}) }, err
}

// keepPushed proves the client, looks at the request like authorize would, so that
// mistakes show before anybody is asked anything, and keeps it.
func (p *Provider) keepPushed(ctx context.Context, w http.ResponseWriter, work *work) (uri string, err error) {
	r := work.arrived
	if err := wire.ReadForm(w, r); err != nil {
		return "", err
	}
	if work.proof, err = p.proofs().Read(w, r, pathPushed, ""); err != nil {
		return "", err
	}
	if err := p.prove(ctx, work, r.PostForm); err != nil {
		return "", err
	}
	if err := p.mayPush(ctx, work.client); err != nil {
		return "", err
	}
	a, refused := p.understandPushed(ctx, r.PostForm, work)
	err = p.DB.Tx(ctx, func(ctx context.Context) error {
		if err := p.remember(ctx, work, p.Clock()); err != nil || refused != nil {
			return err
		}
		token, err := p.Once.Issue(ctx, once.New{
			Purpose: pushedRequests, Lives: p.Lifetimes.Pushed,
			Payload: pushed{Client: a.client.ID, Registered: registeredAt(a.client), Params: a.params, Signed: a.signed},
		}, p.Clock())
		uri = pushedPrefix + token.String()
		return err
	})
	if err == nil {
		err = refused
	}
	return uri, err
}

// understandPushed checks the request of a proven client. Nobody is in front of a
// browser yet, so everything that is wrong is for the client.
func (p *Provider) understandPushed(ctx context.Context, form url.Values, work *work) (*authorization, error) {
	if form.Has("request_uri") {
		return nil, wire.Refuse("invalid_request", "A request_uri cannot be pushed.") // RFC 9126 §2.1
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(form)), tooLong) {
		return nil, wire.Refuse("invalid_request", "A parameter is too long.")
	}
	a := &authorization{client: work.client.Client, params: maps.Clone(form), pushing: true}
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		a.params.Del(name)
	}
	a.params.Set("client_id", a.client.ID)
	if a.params.Has("request") {
		if err := p.openRequest(ctx, a, clients.RulesRFC9101); err != nil { // RFC 9126 §3
			return nil, err
		}
	}
	if err := bindPushed(a.params, work.proof); err != nil {
		return nil, err
	}
	err := p.check(ctx, a)
	if fault.Is(err, fault.Invalid) {
		return nil, wire.Refuse("invalid_request", "The redirect_uri is missing or not registered.").Because(err)
	}
	return a, err
}

// tooLong finds a value of a parameter that no honest request needs; request objects
// have a bound of their own.
func tooLong(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return len(v) > requestobject.MaxLength })
}

// pull puts the request that was pushed in the place of what the browser brought:
// nothing beside request_uri counts (RFC 9126 §4, A-027). It may be pulled again until
// its code is issued, since people reload pages.
func (p *Provider) pull(ctx context.Context, a *authorization, uri string) error {
	ticket, err := p.Once.Look(ctx, pushedRequests, strings.TrimPrefix(uri, pushedPrefix), p.Clock())
	over := fault.Is(err, fault.Expired) || fault.Is(err, fault.Conflict)
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Invalid, "oidc.bad_request", err)
	}
	if err != nil && !over {
		return err
	}
	var kept pushed
	if err := ticket.Read(&kept); err != nil {
		return err
	}
	if kept.Client != a.client.ID || kept.Registered != registeredAt(a.client) {
		return fault.New(fault.Invalid, "request_uri", "oidc.bad_request")
	}
	a.params, a.signed, a.pushed = kept.Params, kept.Signed, &ticket
	if over {
		p.answersTo(a)
		return errPushedOver.Because(err)
	}
	return nil
}

// spendPushed ends the request_uri with the answer to it. The person may have taken
// longer than it lives; it still counts once.
func (p *Provider) spendPushed(ctx context.Context, ticket *once.Ticket) error {
	if ticket == nil {
		return nil
	}
	now := p.Clock()
	if !now.Before(ticket.ExpiresAt) {
		now = ticket.ExpiresAt.Add(-time.Microsecond)
	}
	_, err := p.Once.SpendGuessed(ctx, *ticket, now)
	if fault.Is(err, fault.Conflict) {
		return errPushedOver
	}
	return err
}

// cameBy is the member of a stored request that says how it came. What a browser sends
// under that name is dropped before a request is stored.
const cameBy = "tegata:came_by"

// encode gives the request as the conversation keeps it.
func (a *authorization) encode() string {
	params := maps.Clone(a.params)
	params.Del(cameBy)
	if a.signed {
		params.Add(cameBy, "signed")
	}
	if a.pushed != nil {
		params.Add(cameBy, "pushed "+a.pushed.ID+" "+strconv.FormatInt(a.pushed.ExpiresAt.UnixMicro(), 10))
	}
	return params.Encode()
}

// understandAgain reads a request that encode wrote.
func (p *Provider) understandAgain(ctx context.Context, stored string) (*authorization, error) {
	params, err := url.ParseQuery(stored)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "interaction.unreadable", err)
	}
	a := &authorization{params: params, resumed: true}
	for _, how := range params[cameBy] {
		switch words := strings.Fields(how); {
		case len(words) == 1:
			a.signed = true
		case len(words) == 3:
			at, err := strconv.ParseInt(words[2], 10, 64)
			if err != nil {
				return nil, err
			}
			a.pushed = &once.Ticket{ID: words[1], Purpose: pushedRequests, ExpiresAt: time.UnixMicro(at)}
		}
	}
	params.Del(cameBy)
	if a.client, err = p.clientOf(ctx, params.Get("client_id")); err != nil {
		return nil, err
	}
	return a, p.check(ctx, a)
}

var errNotPushed = wire.Refuse("invalid_request", "The client has to push its requests (RFC 9126).").For(clients.ReasonPushedMissing)

// checkPushed holds clients to pushing that said they would. RFC 9126 §6.
func checkPushed(_ *Provider, a *authorization) error {
	if a.client.RequirePushed && a.pushed == nil && !a.pushing {
		return errNotPushed
	}
	return nil
}

// endPushed uses up the request_uri of a request that was refused: its answer is given.
func (p *Provider) endPushed(ctx context.Context, a *authorization) {
	if err := p.spendPushed(ctx, a.pushed); err != nil && !errors.Is(err, errPushedOver) {
		p.Log.ErrorContext(ctx, "a pushed request could not be ended", "error", err.Error())
	}
}
