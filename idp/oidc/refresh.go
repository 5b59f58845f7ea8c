package oidc

import (
	"context"
	"errors"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

var _ fosite.TokenEndpointHandler = (*refreshGrant)(nil)

// refreshGrant is the grant type refresh_token (RFC 6749 §6). It takes the place of
// fosite's, which cannot narrow scopes. The token rotates: a used one that comes
// again ends its family (RFC 9700 §4.14.2). One that is bound to a confidential
// client's key stays. What happens when an answer gets lost: see grants.Token.Standing.
type refreshGrant struct{ p *Provider }

// CanHandleTokenEndpointRequest says yes to refresh_token.
func (g *refreshGrant) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(clients.RefreshToken)
}

// CanSkipClientAuth says never.
func (g *refreshGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// HandleTokenEndpointRequest finds the token and looks again at everything it hangs
// on: client, session or offline access, account, scopes.
func (g *refreshGrant) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	w := workOf(ctx)
	if !w.client.May(clients.RefreshToken) {
		return wire.RefuseAs("unauthorized_client")
	}
	came, err := g.p.grants.Refresh(ctx, r.GetRequestForm().Get("refresh_token"))
	if fault.Is(err, fault.NotFound) {
		return wire.RefuseAs("invalid_grant")
	}
	if err != nil {
		return err
	}
	w.refreshed = &came
	if came.Client != w.client.ID {
		return wire.RefuseAs("invalid_grant")
	}
	if err := g.p.mayRefresh(w); err != nil {
		return err
	}
	if err := g.p.still(ctx, w.client.Client, came); err != nil {
		return err
	}
	aimed, err := g.p.targets.Aim(ctx, w.client.Client, w.form, came.Most())
	if err != nil {
		return err
	}
	w.target, w.grant, w.scopes = &aimed, came.Grant, came.Scopes
	about := &session{LogIn: came.LogIn}
	about.Nonce = "" // OIDC Core §12.2: it belonged to the log-in
	r.SetSession(about)
	r.SetID(came.Grant)
	return nil
}

// mayRefresh refuses a refresh token that may not be used now. One that was replaced a
// moment ago may: its answer may have got lost.
func (p *Provider) mayRefresh(w *work) error {
	switch w.refreshed.Standing(w.client.Refreshing(), p.Once.Seal, p.Clock()) {
	case grants.Live:
		return nil
	case grants.Repeated:
		w.repeated = true
		p.Count("refresh_repeated")
		return nil
	case grants.Unrepeatable:
		w.repeated = true
		return wire.Refuse("invalid_grant", "The refresh token was used before.").Because(errRekeyed)
	case grants.Aged:
		return wire.Refuse("invalid_grant", "The refresh token has come to the end of its life: the person has to log in again.")
	}
	return wire.RefuseAs("invalid_grant")
}

// errRekeyed is for the client's developer, as errScopesGone is.
var errRekeyed = errors.New("the key-encryption key has changed since")

// errScopesGone is for the client's developer: the answer does not tell it.
var errScopesGone = errors.New("oidc: the client may not have a scope of the grant any more")

// still looks again at what a grant of a person hangs on: the account may log in, the
// client may still have these scopes, and the person has not taken back what they
// allowed. The answer is the same for all of them.
func (p *Provider) still(ctx context.Context, client *clients.Client, came grants.Token) error {
	if err := p.stillActive(ctx, came); err != nil {
		return err
	}
	if !target.Within(came.Scopes, client.Scopes) {
		return wire.RefuseAs("invalid_grant").Because(errScopesGone)
	}
	if client.FirstParty {
		return nil
	}
	covered, err := p.covered(ctx, client, came)
	if err == nil && !covered {
		return wire.RefuseAs("invalid_grant")
	}
	return err
}

// covered is the part of still about what the person allowed this client.
func (p *Provider) covered(ctx context.Context, client *clients.Client, came grants.Token) (bool, error) {
	if came.Person != nil && came.Person.Looked && came.Client == client.ID {
		return came.Person.Asked && target.Within(came.Scopes, came.Person.Allowed), nil
	}
	return p.Interaction.Covered(ctx, came.LogIn.AccountID, client.ID, came.Scopes)
}

// stillActive is the part of still about the account.
func (p *Provider) stillActive(ctx context.Context, came grants.Token) error {
	if came.Person != nil {
		if !came.Person.Active {
			return wire.RefuseAs("invalid_grant")
		}
		return nil
	}
	account, err := p.Accounts.ByID(ctx, came.LogIn.AccountID)
	if err == nil && account.State != accounts.Active || fault.Is(err, fault.NotFound) {
		return wire.RefuseAs("invalid_grant")
	}
	return err
}

// PopulateTokenEndpointResponse makes the new tokens.
func (g *refreshGrant) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, to fosite.AccessResponder) error {
	w := workOf(ctx)
	if w.refreshed == nil {
		return fosite.ErrUnknownRequest
	}
	s := strategy{g.p}
	access, _, err := s.GenerateAccessToken(ctx, r)
	if err != nil {
		return err
	}
	to.SetAccessToken(access)
	to.SetTokenType("Bearer")
	if !w.keepsRefresh() {
		refresh, _, _ := s.GenerateRefreshToken(ctx, r)
		to.SetExtra("refresh_token", refresh)
	}
	if !target.Within([]string{"openid"}, w.refreshed.Scopes) {
		return nil
	}
	r.GetSession().(*session).claims.AccessTokenHash = tokens.LeftHash(w.client.IDTokenAlg, access)
	id, err := s.GenerateIDToken(ctx, g.p.Lifetimes.ID, r)
	if err != nil {
		return err
	}
	to.SetExtra("id_token", id)
	return nil
}

// refreshUntil is when a refresh token that is given or used now ends.
func (w *work) refreshUntil(now time.Time) time.Time {
	began := now
	if w.refreshed != nil {
		began = w.refreshed.BeganAt
	}
	return w.client.Refreshing().Until(began, now)
}

// writeRefreshed ends the refresh token that came, or prolongs the one that stays: it
// itself, or the one that took its place already.
func (p *Provider) writeRefreshed(ctx context.Context, w *work, now time.Time) error {
	r := grants.Renewal{Came: w.refreshed, Next: w.refresh, Bound: w.bound, Until: w.refreshUntil(now), ExpiresAt: now.Add(w.accessLives(p))}
	if w.keepsRefresh() || w.repeated {
		r.Next = nil
	}
	err := p.grants.Renew(ctx, r, now)
	switch {
	case fault.Is(err, fault.Expired) && !w.repeated:
		return wire.RefuseAs("invalid_grant")
	case errors.Is(err, grants.ErrOutrun) && w.client.Refreshing().Grace > 0:
		return errOutrun
	case errors.Is(err, grants.ErrOutrun), fault.Is(err, fault.Expired):
		return errUsed
	}
	return err
}
