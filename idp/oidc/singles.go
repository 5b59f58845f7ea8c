package oidc

import (
	"context"
	"slices"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
)

// A claim that is asked for one by one (OIDC Core §5.5) is given by itself, but for what
// the client may ask, for the person's consent and for their list of applications it counts
// as the scope that carries it: nobody gets past either by asking in another way.

// told is what the person is told and asked about: the scopes, and those that carry
// single claims.
func (a *authorization) told() []string { return claims.WithCarriers(a.scopes, a.claims.Names()) }

// only leaves of the request what the person was told: the client's registration may have
// grown while they looked at the page, and clients write some of theirs themselves. The
// resources that a scope brought along go with it.
func (p *Provider) only(ctx context.Context, a *authorization, told []string) error {
	all := len(a.scopes)
	a.scopes = slices.DeleteFunc(a.scopes, func(scope string) bool { return !slices.Contains(told, scope) })
	a.claims = a.claims.Limit(told)
	if len(a.scopes) == all {
		return nil
	}
	return p.readTargets(ctx, a)
}

// singles gives those of the claims that the client may have at this moment. What its
// registration says and what the person allows may have become less since they were
// granted; the rest is left out (OIDC Core §5.5.1).
func (p *Provider) singles(ctx context.Context, client *clients.Client, accountID string, names []string) ([]string, error) {
	names = claims.Carried(names, client.Scopes)
	if len(names) == 0 || client.FirstParty {
		return names, nil
	}
	allowed, err := p.Interaction.Allowed(ctx, accountID, client.ID)
	return claims.Carried(names, allowed), err
}
