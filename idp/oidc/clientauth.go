package oidc

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/jwks"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
)

// authenticate proves the client of a token request to fosite.
func (p *Provider) authenticate(ctx context.Context, _ *http.Request, form url.Values) (fosite.Client, error) {
	w := workOf(ctx)
	if err := p.prove(ctx, w, form); err != nil {
		return nil, err
	}
	return w.client, nil
}

// prove proves the client of a request, by exactly the method it registered: it is the
// work's client then. RFC 6749 §2.3, OIDC Core §9.
func (p *Provider) prove(ctx context.Context, w *work, form url.Values) error {
	given, err := clientauth.Read(w.arrived, form)
	if err != nil {
		return err
	}
	client, err := p.prover.Find(ctx, given)
	if err != nil {
		return err
	}
	w.claimed = claim{client, given, w.arrived.URL.Path}
	proof, err := p.prover.Prove(ctx, w.arrived, client, given)
	if err != nil {
		p.clientRefused(ctx, client.ID, given.Method, err)
		return err
	}
	p.Keys.Seen(ctx, client.ID, client.Public())
	w.client, w.assertion = &registered{client}, proof
	return nil
}

// readProven reads the form of a request and proves the client that sent it.
func (p *Provider) readProven(ctx context.Context, w http.ResponseWriter, work *work) (url.Values, error) {
	if err := wire.ReadForm(w, work.arrived); err != nil {
		return nil, err
	}
	form := work.arrived.PostForm
	return form, p.prove(ctx, work, form)
}

// clientRefused counts and remembers that somebody failed to be a known client. At
// most one a minute is written for each client, so that nobody can fill the log.
func (p *Provider) clientRefused(ctx context.Context, id string, method clients.AuthMethod, err error) {
	p.Count("client_refused." + string(method))
	if wire.RefusalOf(err).Code != "invalid_client" || !p.quiet.first(id, p.Clock()) {
		return
	}
	failed := p.Audit.Record(ctx, audit.Event{
		Action: "client.refused", Client: id,
		Details: map[string]string{"method": string(method), "why": wire.RefusalOf(err).Why},
	})
	if failed != nil {
		p.Log.ErrorContext(ctx, "audit event lost", "action", "client.refused", "error", failed.Error())
	}
}

// quiet lets one event per client and minute through.
type quiet struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (q *quiet) first(id string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at, ok := q.last[id]; ok && now.Sub(at) < time.Minute {
		return false
	}
	if q.last == nil || len(q.last) > 10_000 {
		q.last = map[string]time.Time{}
	}
	q.last[strings.Clone(id)] = now
	return true
}

// searchKeys tells whether one of the client's keys serves, of those with that kid if it is
// not "". Where the client publishes its keys, those that are there now are asked about too.
func (p *Provider) searchKeys(ctx context.Context, client *clients.Client, kid string, serves func([]jose.JSONWebKey) bool) (bool, error) {
	if client.JWKS != nil {
		return serves(jwks.Named(client.JWKS, kid)), nil
	}
	return p.remote.Search(ctx, client.JWKSURI, kid, serves, func() error { return p.mayFetch(ctx, fetchesKeys, client.ID) })
}
