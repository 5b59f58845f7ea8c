package oidc

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
)

var _ fosite.TokenEndpointHandler = (*ownGrants)(nil)

// ownGrant is a grant type that fosite does not walk through.
type ownGrant struct {
	needs  string // the parameter without which it makes no sense
	public bool   // clients that cannot prove themselves may use it
	open   func(p *Provider, ctx context.Context, w *work) (opened, error)
}

// opened is what a grant type makes of a request when everything is checked.
type opened struct {
	about    *session                                       // what tokens say
	target   *target.Target                                 // what the access token is for
	scopes   []string                                       // of the grant
	grant    string                                         // that the tokens belong to; "": nothing led to it but the access token
	machine  bool                                           // there is none: the client acts for itself
	offline  bool                                           // a refresh token belongs to it
	identity bool                                           // and an ID token
	kind     string                                         // issued_token_type, RFC 8693 §2.2.1
	write    func(ctx context.Context, now time.Time) error // what redeem writes; nil: nothing
}

// ownGrantTypes is all of them.
var ownGrantTypes = map[string]ownGrant{
	clients.ClientCredentials: {open: (*Provider).clientCredentials},
	clients.DeviceCode:        {needs: "device_code", public: true, open: (*Provider).deviceCode},
	clients.TokenExchangeType: {needs: "subject_token", open: (*Provider).tokenExchange},
	clients.JWTBearer:         {needs: "assertion", open: (*Provider).jwtBearer},
}

// checkOwnGrant refuses grant types that do not exist, and requests without what they
// are about.
func checkOwnGrant(form url.Values) error {
	grant, ok := ownGrantTypes[form.Get("grant_type")]
	switch {
	case !ok:
		return wire.RefuseAs("unsupported_grant_type")
	case grant.needs != "" && form.Get(grant.needs) == "":
		return wire.Refuse("invalid_request", "The parameter "+grant.needs+" is missing.")
	}
	return nil
}

// ownGrants lets fosite's pipeline walk through ownGrantTypes, so that everything that
// holds for all grant types holds for these.
type ownGrants struct{ p *Provider }

// CanHandleTokenEndpointRequest says yes to the grant types of the table.
func (g *ownGrants) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	types := r.GetGrantTypes()
	_, ok := ownGrantTypes[slices.Concat(types, []string{""})[0]]
	return ok && len(types) == 1
}

// CanSkipClientAuth says never.
func (g *ownGrants) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// HandleTokenEndpointRequest checks the client and opens the grant.
func (g *ownGrants) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	w, kind := workOf(ctx), r.GetGrantTypes()[0]
	grant := ownGrantTypes[kind]
	if !w.client.May(kind) || w.client.Public() && !grant.public {
		return wire.RefuseAs("unauthorized_client")
	}
	o, err := grant.open(g.p, ctx, w)
	if err != nil {
		return err
	}
	w.opened, w.target, w.scopes, w.grant, w.machine = o, o.target, o.scopes, o.grant, o.machine
	r.SetSession(o.about)
	return nil
}

// PopulateTokenEndpointResponse makes the tokens.
func (g *ownGrants) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, to fosite.AccessResponder) error {
	w := workOf(ctx)
	about := w.opened.about
	if about == nil {
		return fosite.ErrUnknownRequest
	}
	access, err := g.p.mint(ctx, w, about)
	if err != nil {
		return err
	}
	to.SetAccessToken(access)
	to.SetTokenType("Bearer")
	if w.opened.offline {
		refresh, _, _ := strategy{g.p}.GenerateRefreshToken(ctx, r)
		to.SetExtra("refresh_token", refresh)
	}
	if !w.opened.identity {
		return nil
	}
	about.claims.AccessTokenHash = tokens.LeftHash(w.client.IDTokenAlg, access)
	id, err := strategy{g.p}.GenerateIDToken(ctx, g.p.Lifetimes.ID, r)
	if err == nil {
		to.SetExtra("id_token", id)
	}
	return err
}
