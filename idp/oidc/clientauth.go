package oidc

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
	"tegata/shared/fault"
)

// credentials is what a request brings along to prove a client.
type credentials struct {
	method    clients.AuthMethod
	id        string
	secret    string
	raw       raw // of the Authorization header
	assertion asserted
}

// raw is what the Authorization header has, letter by letter. RFC 6749 §2.3.1 wants
// both halves form-encoded there; many clients (Authlib, for one) leave that out, so
// that a "+" or "%" of theirs is itself.
type raw struct{ id, secret string }

// authenticate proves the client of a request, by exactly the method it registered,
// and notes it in the request's work. RFC 6749 §2.3, OIDC Core §9.
func (p *Provider) authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	given, err := readCredentials(r, form)
	if err != nil {
		return nil, err
	}
	client, err := p.Clients.ByID(ctx, given.id)
	if fault.Is(err, fault.NotFound) && given.raw.id != "" && given.raw.id != given.id {
		client, err = p.Clients.ByID(ctx, given.raw.id)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, wire.RefuseAs("invalid_client")
	}
	if err != nil {
		return nil, err
	}
	w := workOf(ctx)
	w.claimed = claim{client, given, r.URL.Path}
	proof, err := p.prove(ctx, r, client, given)
	if err != nil {
		p.clientRefused(ctx, client.ID, given.method, err)
		return nil, err
	}
	p.Keys.Seen(ctx, client.ID, client.Public())
	w.client, w.assertion = &registered{client}, proof
	return w.client, nil
}

// readCredentials finds the one way in which a request proves its client; two at once
// are refused (RFC 6749 §2.3), and so are two different client ids.
func readCredentials(r *http.Request, form url.Values) (credentials, error) {
	var all []credentials
	if header := r.Header.Get("Authorization"); header != "" {
		c, ok := basic(r)
		if !ok {
			return credentials{}, wire.Refuse("invalid_client", "The Authorization header is not a Basic one that can be read.")
		}
		all = append(all, c)
	}
	if form.Has("client_secret") {
		all = append(all, credentials{method: clients.ClientSecretPost, id: form.Get("client_id"), secret: form.Get("client_secret")})
	}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		if form.Get("client_assertion_type") != assertionType {
			return credentials{}, wire.Refuse("invalid_client", "This client_assertion_type does not exist here.")
		}
		a, ok := parseAssertion(form.Get("client_assertion"))
		if !ok {
			return credentials{}, wire.Refuse("invalid_client", "The client assertion could not be read.")
		}
		all = append(all, credentials{method: clients.PrivateKeyJWT, id: a.Issuer, assertion: a})
	}
	if len(all) > 1 {
		return credentials{}, wire.Refuse("invalid_request", "The client proves itself in two ways at once.")
	}
	if len(all) == 0 {
		all = append(all, credentials{method: clients.None, id: form.Get("client_id")})
	}
	one := all[0]
	also := form.Get("client_id")
	if one.id == "" || form.Has("client_id") && also != one.id && also != one.raw.id {
		return credentials{}, wire.RefuseAs("invalid_client")
	}
	return one, nil
}

// basic reads the Authorization header: as it has to be, and as it stands there. What
// cannot be decoded was not encoded.
func basic(r *http.Request) (credentials, bool) {
	user, password, ok := r.BasicAuth()
	decoded := func(text string) string {
		if plain, err := url.QueryUnescape(text); err == nil {
			return plain
		}
		return text
	}
	return credentials{
		method: clients.ClientSecretBasic, id: decoded(user), secret: decoded(password), raw: raw{user, password},
	}, ok
}

// secretMatches compares the secret as it was decoded and as it was sent, both each
// time, so that the time it takes tells nothing. It counts as one attempt.
func (c credentials) secretMatches(client *clients.Client) bool {
	decoded, plain := client.SecretMatches(c.secret), client.SecretMatches(c.raw.secret)
	return decoded || plain && c.method == clients.ClientSecretBasic
}

// prove checks what was given against the registration.
func (p *Provider) prove(ctx context.Context, r *http.Request, client *clients.Client, given credentials) (*assertion, error) {
	if given.method == clients.None && client.ByCertificate() {
		return nil, p.proveCertificate(ctx, client, r)
	}
	if given.method != client.AuthMethod {
		return nil, wire.Refuse("invalid_client", "The client is registered for another authentication method.")
	}
	switch given.method {
	case clients.None:
		return nil, nil
	case clients.PrivateKeyJWT:
		return p.verifyAssertion(ctx, client, given.assertion)
	}
	if !given.secretMatches(client) {
		return nil, wire.RefuseAs("invalid_client")
	}
	return nil, nil
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
