package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"tegata/idp/clients"
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

// checkSector checks that the addresses of a client belong to the sector it names, by
// the list that lies there. OIDC Core §8.1, OIDC Registration §5.
func (p *Provider) checkSector(ctx context.Context, c *clients.Client) error {
	refused := misfit("sector_identifier_uri") // one word for all reasons: A-057
	if !strings.HasPrefix(c.SectorIdentifierURI, "https://") && !p.Development {
		return refused
	}
	if err := p.mayFetch(ctx, fetchesSector, c.ID); err != nil {
		return err
	}
	text, err := fetch.Get(ctx, p.Outbound, c.SectorIdentifierURI, "application/json")
	if err != nil {
		return refused.Because(err)
	}
	var listed []string
	if err := json.Unmarshal(text, &listed); err != nil {
		return refused.Because(err)
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return refused.Because(errors.New("a redirect URI is not listed there"))
		}
	}
	return nil
}
