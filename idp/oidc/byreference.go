package oidc

import (
	"context"
	"maps"
	"slices"
	"strings"

	"tegata/idp/oidc/wire"
	"tegata/shared/fetch"
)

// refer reads the request object that lies where the client registered one, and goes
// on as if it had come along. OIDC Core §6.2, §6.3. What is wrong with it is told where
// the request around it wants its answers.
func (p *Provider) refer(ctx context.Context, a *authorization, uri string) error {
	p.answersTo(a)
	switch {
	case a.params.Has("request"):
		return wire.Refuse("invalid_request", "There is a request object and a request_uri.")
	case len(a.client.RequestURIs) == 0:
		return wire.RefuseAs("request_uri_not_supported")
	case !slices.ContainsFunc(a.client.RequestURIs, func(one string) bool { return one == uri || plain(one) == plain(uri) }):
		return wire.Refuse("invalid_request_uri", "The request_uri is not registered for this client.")
	}
	if err := p.mayFetch(ctx, fetchesRequest, a.client.ID); err != nil {
		return err
	}
	text, err := fetch.Get(ctx, p.Outbound, plain(uri), "application/oauth-authz-req+jwt, application/jwt")
	if err != nil {
		return wire.Refuse("invalid_request_uri", "The request object could not be fetched.").Because(err)
	}
	a.params = maps.Clone(a.params)
	a.params.Del("request_uri")
	a.params.Set("request", strings.TrimSpace(string(text)))
	return p.openRequest(ctx, a, a.client.RequestRules)
}

// plain is an address without the hash of what lies there.
func plain(uri string) string {
	before, _, _ := strings.Cut(uri, "#")
	return before
}
