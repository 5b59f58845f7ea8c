package oidc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// What redeem itself refuses.
var (
	errReplayed = wire.Refuse("invalid_client", "The client assertion was used before.")
	errUsed     = wire.Refuse("invalid_grant", "The code or refresh token was used before.")
	errOutrun   = wire.Refuse("invalid_grant", errUsed.Why) // at the same moment, and once more is no harm
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
	if w.opened.write == nil && w.assertion == nil && w.proof == nil && p.Clients.UsedBefore(w.client.Client) {
		return write(ctx) // one statement at most, or a transaction of its own
	}
	return p.DB.Tx(ctx, write)
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

// consequences of a refused request: the assertion counts as used; a code that the
// wrong client, redirect URI or verifier came with is burnt; a code or refresh token that
// came twice ends what it had led to (RFC 6749 §4.1.2, RFC 9700 §4.14), a code also when
// something else is wrong, once client and proof could be read. They are written even
// though the request is refused.
func (p *Provider) consequences(ctx context.Context, w *work, refused error, now time.Time) error {
	act := p.consequence(w, refused)
	if act == nil && w.assertion == nil && w.proof == nil {
		return refused
	}
	var replayed error
	err := p.DB.Tx(ctx, func(ctx context.Context) error {
		err, act := p.remember(ctx, w, now), act
		switch replayed = nil; {
		case errors.Is(err, dpop.ErrReplayed): // it is remembered: the rest is written all the same
			replayed, err = err, nil
		case errors.Is(err, errReplayed):
			replayed, err, act = err, nil, p.consequenceUnproved(w)
		}
		if err != nil || act == nil {
			return err
		}
		return act(ctx, now)
	})
	if err == nil {
		err = replayed
	}
	if err != nil && wire.RefusalOf(refused).Code != "server_error" {
		return err
	}
	return refused
}

// consequence picks what has to be done, nil when nothing.
func (p *Provider) consequence(w *work, refused error) func(context.Context, time.Time) error {
	own, reused := wire.RefusalOf(refused), errors.Is(refused, errUsed)
	beside := own.Code != "invalid_grant" // what is wrong is something else than the code or token
	switch {
	case own.Status() >= http.StatusInternalServerError:
		return nil
	case w.code != nil && (reused || beside || w.looked != nil): // one that has expired may have been used as well
		return func(ctx context.Context, now time.Time) error {
			return p.endReused(ctx, w, "code.reused", w.grant, reused, now)
		}
	case beside:
		return nil
	case w.code != nil:
		return func(ctx context.Context, now time.Time) error { return p.burn(ctx, w, refused, now) }
	case w.refreshed != nil && (reused || w.refreshed.Replaced && !w.repeated || w.refreshed.Client != w.client.ID):
		return func(ctx context.Context, now time.Time) error {
			return p.endReused(ctx, w, "refresh_token.reused", w.refreshed.Grant, true, now)
		}
	}
	return nil
}

// consequenceUnproved picks what has to be done when the client's assertion was used
// before. That proves no client, so nothing is burnt and nobody else's grant is touched;
// but whoever has it as well as a code or refresh token of the same client that was used
// has a whole request of that client, one of the two who sent it is a thief, and it may
// have been the first: then this is the client itself, with the only sign of the theft
// that there will ever be. So what the first of them got ends (RFC 6749 §4.1.2 asks
// nobody for a proof). All that somebody gains who has only found such a request is that
// the person logs in once more; and while a refresh token may be repeated, nothing ends.
func (p *Provider) consequenceUnproved(w *work) func(context.Context, time.Time) error {
	switch {
	case w.code != nil && w.code.Client == w.client.ID:
		return func(ctx context.Context, now time.Time) error {
			return p.endReused(ctx, w, "code.reused", w.grant, false, now)
		}
	case w.refreshed != nil && w.refreshed.Client == w.client.ID && w.refreshed.Replaced && !w.repeated:
		return func(ctx context.Context, now time.Time) error {
			return p.endReused(ctx, w, "refresh_token.reused", w.refreshed.Grant, false, now)
		}
	}
	return nil
}

// endReused ends the grant that a used code or refresh token had led to. Where it is not
// sure that it was used, the grant tells; a code that nobody used stays as it is. What
// ended nothing any more is written down once a minute.
func (p *Provider) endReused(ctx context.Context, w *work, action, grantID string, sure bool, now time.Time) error {
	ended, err := p.grants.End(ctx, grantID, now)
	if err != nil || !ended && !sure {
		return err
	}
	p.Count(action)
	if !ended && !p.quiet.first(action+" "+grantID, now) {
		return nil
	}
	details := map[string]string{"grant": grantID}
	if ended {
		details["tokens"] = "ended"
	}
	return p.Audit.Record(ctx, audit.Event{Action: action, Client: w.client.ID, Subject: w.account(), Details: details})
}

// burn ends a code that came with something wrong: it has been in other hands. One that
// was used before counts as used twice.
func (p *Provider) burn(ctx context.Context, w *work, refused error, now time.Time) error {
	burnt, err := p.grants.Burn(ctx, grants.Grant{ID: w.code.ID, Client: w.code.Client, LogIn: &w.code.Session.LogIn}, now)
	if err != nil {
		return err
	}
	if !burnt {
		return p.endReused(ctx, w, "code.reused", w.grant, true, now)
	}
	p.Count("code_burnt")
	return p.Audit.Record(ctx, audit.Event{
		Action: "code.burnt", Client: w.client.ID, Subject: w.account(),
		Details: map[string]string{"grant": w.grant, "issued_to": w.code.Client, "why": wire.RefusalOf(refused).Why},
	})
}

// account is whose code or token came.
func (w *work) account() string {
	if w.code != nil {
		return w.code.Session.AccountID
	}
	if w.refreshed != nil {
		return w.refreshed.LogIn.AccountID
	}
	return ""
}

// EndGrant ends a grant with its tokens at once; for withdrawing what was allowed.
func (p *Provider) EndGrant(ctx context.Context, id string) error {
	_, err := p.grants.End(ctx, id, p.Clock())
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
