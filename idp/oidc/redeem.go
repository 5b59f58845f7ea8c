package oidc

import (
	"context"
	"errors"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/wire"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// What redeem itself refuses.
var (
	errReplayed = wire.Refuse("invalid_client", "The client assertion was used before.")
	errUsed     = wire.Refuse("invalid_grant", "The code or refresh token was used before.").For(clients.ReasonCodeUsed)
	errOutrun   = wire.Refuse("invalid_grant", errUsed.Why).For(errUsed.Reason) // at the same moment, and once more is no harm
)

// assertions is the purpose under which ids of client assertions are remembered.
const assertions once.Purpose = "client_assertion"

// redeem writes what a token request leads to, all or nothing, and gives the error to
// answer with. For a good one that is: the assertion's id, the end of the refresh token,
// the grant. There can be one grant of a code, and that decides who redeems it; whoever
// loses gets invalid_grant, never a server error (fosite #778). refused is the error so
// far; a refused request has consequences as well.
func (p *Provider) redeem(ctx context.Context, w *work, refused error) error {
	now := p.Clock()
	if refused == nil {
		refused = p.redeemGood(ctx, w, now)
	}
	if refused == nil || errors.Is(refused, errOutrun) {
		return refused
	}
	if errors.Is(refused, dpop.ErrReplayed) {
		w.proof = nil // remembered already
	}
	return p.consequences(ctx, w, refused, now)
}

// redeemGood is redeem for a request that nothing is wrong with so far.
func (p *Provider) redeemGood(ctx context.Context, w *work, now time.Time) error {
	write := func(ctx context.Context) error {
		if err := p.remember(ctx, w, now); err != nil {
			return err
		}
		if err := p.Clients.Used(ctx, w.client.Client); err != nil {
			return err
		}
		switch {
		case w.opened.write != nil:
			return w.opened.write(ctx, now)
		case w.refreshed != nil:
			return p.writeRefreshed(ctx, w, now)
		case w.machine:
			return nil
		}
		return p.writeGrant(ctx, w, w.code.Session, w.code.createdAt(), now)
	}
	if p.writesOnce(w) {
		return write(ctx)
	}
	return p.DB.Tx(ctx, write)
}

// writesOnce tells whether redeemGood writes one statement at most, or something that has
// a transaction of its own: then it needs none, and on PostgreSQL no round trips for it.
func (p *Provider) writesOnce(w *work) bool {
	pieces := 0
	for _, written := range []bool{w.assertion != nil, w.proof != nil, !p.Clients.UsedBefore(w.client.Client), !w.machine} {
		if written {
			pieces++
		}
	}
	return w.opened.write == nil && pieces <= 1
}

// remember notes what proved the client and its key; what came before proves nothing.
func (p *Provider) remember(ctx context.Context, w *work, now time.Time) error {
	if err := p.rememberAssertion(ctx, w, now); err != nil {
		return err
	}
	return p.proofs().Remember(ctx, w.proof, now)
}

// rememberAssertion notes the assertion that proved the client (RFC 7523 §3). The id
// counts per client: they choose them, and must not be able to use up each other's.
func (p *Provider) rememberAssertion(ctx context.Context, w *work, now time.Time) error {
	if w.assertion == nil {
		return nil
	}
	err := p.Once.Seen(ctx, assertions, w.assertion.Client+"\x00"+w.assertion.ID, w.assertion.Until, now)
	if fault.Is(err, fault.Conflict) {
		return errReplayed
	}
	return err
}

// writeGrant writes the grant of a code that came, a person's or a device's. askedAt is
// when the person allowed it.
func (p *Provider) writeGrant(ctx context.Context, w *work, about *session, askedAt, now time.Time) error {
	g := grants.Grant{
		ID: w.grant, Client: w.client.ID, Registered: w.client.RegisteredAt, Scopes: w.scopes, LogIn: &about.LogIn, AskedAt: askedAt,
		Offline: w.refresh != nil, Refresh: w.refresh, ExpiresAt: now.Add(w.accessLives(p)),
	}
	if g.Offline {
		g.Bound, g.Until = w.bound, w.refreshUntil(now)
		g.ExpiresAt = clock.Later(g.ExpiresAt, g.Until)
	}
	err := p.grants.Insert(ctx, g, now)
	switch {
	case fault.Is(err, fault.Conflict):
		return errUsed
	case fault.Is(err, fault.Expired):
		return wire.Refuse("invalid_grant", "What the code rests on is over: the session, the account, what the person allowed, or this registration of the client.")
	}
	return err
}

// Sweep deletes grants that have been over for as long as used codes are kept, and what
// is remembered about tokens that have expired; it tells how many grants.
func (p *Provider) Sweep(ctx context.Context) (int64, error) {
	all, err := grants.Store{DB: p.DB}.Sweep(ctx, p.Clock().Add(-KeepCodes)) // other nodes may be behind
	if err != nil {
		return all, err
	}
	_, err = p.sealing.Sweep(ctx)
	return all, err
}
