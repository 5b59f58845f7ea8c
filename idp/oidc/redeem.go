package oidc

import (
	"context"
	"errors"
	"time"

	"github.com/ory/fosite"

	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/secret"
)

// What redeem itself refuses.
var (
	errReplayed = refuse("invalid_client", "The client assertion was used before.")
	errUsed     = refuse("invalid_grant", "The code or refresh token was used before.")
	errOutrun   = refuse("invalid_grant", errUsed.Why) // at the same moment, and once more is no harm
)

// assertions is the purpose under which ids of client assertions are remembered.
const assertions once.Purpose = "client_assertion"

// redeem writes what a token request leads to, all or nothing, and gives the error to
// answer with. For a good one that is: the assertion's id, the end of the code or
// refresh token, the grant, the tokens. The conditional UPDATE decides who redeems a
// code; whoever loses gets invalid_grant, never a server error (fosite #778). refused
// is the error so far; a refused request has consequences as well.
func (p *Provider) redeem(ctx context.Context, w *work, refused error) error {
	now := p.Clock()
	if refused == nil {
		refused = p.DB.Tx(ctx, func(ctx context.Context) error {
			if err := p.remember(ctx, w, now); err != nil {
				return err
			}
			if err := p.Clients.Used(ctx, &w.client.Client); err != nil {
				return err
			}
			if w.write != nil {
				return w.write(ctx, now)
			}
			if w.refreshed != nil {
				return p.writeRefreshed(ctx, w, now)
			}
			return p.writeRedeemed(ctx, w, now)
		})
	}
	if refused == nil || errors.Is(refused, errReplayed) || errors.Is(refused, errOutrun) {
		return refused
	}
	if errors.Is(refused, errProofReplayed) {
		w.proof = nil // remembered already
	}
	return p.consequences(ctx, w, refused, now)
}

// remember notes what proved the client and its key; what came before proves nothing.
func (p *Provider) remember(ctx context.Context, w *work, now time.Time) error {
	if err := p.rememberAssertion(ctx, w, now); err != nil {
		return err
	}
	return p.rememberProof(ctx, w.proof, now)
}

// rememberAssertion notes the assertion that proved the client (RFC 7523 §3). The id
// counts per client: they choose them, and must not be able to use up each other's.
func (p *Provider) rememberAssertion(ctx context.Context, w *work, now time.Time) error {
	if w.assertion == nil {
		return nil
	}
	err := p.Once.Seen(ctx, assertions, w.assertion.client+"\x00"+w.assertion.jti, w.assertion.until, now)
	if fault.Is(err, fault.Conflict) {
		return errReplayed
	}
	return err
}

// writeRedeemed turns a code into a grant and its tokens.
func (p *Provider) writeRedeemed(ctx context.Context, w *work, now time.Time) error {
	return p.writeGrant(ctx, w, w.request.GrantedScope, w.request.Session.(*session), now)
}

// writeGrant spends the ticket that stands for an authorization, and writes what it
// leads to.
func (p *Provider) writeGrant(ctx context.Context, w *work, scopes []string, about *session, now time.Time) error {
	_, err := p.Once.SpendGuessed(ctx, w.ticket, now)
	if fault.Is(err, fault.Conflict) {
		return errUsed
	}
	if err != nil {
		return err
	}
	g := grant{
		ID: w.ticket.ID, Client: w.client.ID, Scopes: scopes, Session: about,
		Offline: w.refresh.ID != "", ExpiresAt: now.Add(w.accessLives(p)),
	}
	if g.Offline {
		g.ExpiresAt = later(g.ExpiresAt, w.refreshUntil(now))
	}
	if g.AskedAt = w.askedAt; w.request != nil {
		g.AskedAt = w.ticket.CreatedAt
	}
	err = p.store.insertGrant(ctx, g, now)
	if fault.Is(err, fault.Expired) {
		return refuse("invalid_grant", "The session ended before the code was redeemed.")
	}
	if err != nil {
		return err
	}
	return p.writeTokens(ctx, w, g.ID, g.most(), now)
}

// writeTokens writes the new tokens of a grant that allows that most.
func (p *Provider) writeTokens(ctx context.Context, w *work, grantID string, most granted, now time.Time) error {
	access := freshToken{ID: w.access.ID, Digest: w.accessDigest(), Bound: w.bound, ExpiresAt: now.Add(w.accessLives(p))}
	if w.target != nil && !w.target.plain(most) {
		access.Target = w.target
	}
	err := p.store.insertToken(ctx, grantID, kindAccess, access, now)
	if err != nil || w.refresh.ID == "" || w.repeated {
		return err
	}
	refresh := freshToken{ID: w.refresh.ID, Digest: secret.Digest(w.refresh.Secret), Bound: w.bound, ExpiresAt: w.refreshUntil(now)}
	return p.store.insertToken(ctx, grantID, kindRefresh, refresh, now)
}

// most is what tokens of the grant may be good for.
func (g grant) most() granted {
	return granted{Scopes: g.Scopes, Resources: g.Session.Resources, Details: g.Session.Details}
}

// consequences of a refused request: the assertion counts as used; a code that the
// wrong client, redirect URI or verifier came with is burnt; a code or refresh token
// that came twice ends what it had led to (RFC 6749 §4.1.2, RFC 9700 §4.14). They
// are written even though the request is refused.
func (p *Provider) consequences(ctx context.Context, w *work, refused error, now time.Time) error {
	act := p.consequence(w, refused)
	if act == nil && w.assertion == nil && w.proof == nil {
		return refused
	}
	err := p.DB.Tx(ctx, func(ctx context.Context) error {
		if err := p.remember(ctx, w, now); err != nil || act == nil {
			return err
		}
		return act(ctx, now)
	})
	if err != nil && refusalOf(refused).Code != "server_error" {
		return err
	}
	return refused
}

// consequence picks what has to be done, nil when nothing.
func (p *Provider) consequence(w *work, refused error) func(context.Context, time.Time) error {
	code := refusalOf(refused).Code
	reused := errors.Is(refused, errUsed) || errors.Is(w.looked, fosite.ErrInvalidatedAuthorizeCode)
	switch {
	case code != "invalid_grant":
		return nil
	case w.request != nil && reused:
		return func(ctx context.Context, now time.Time) error {
			return p.endReused(ctx, w, "code.reused", w.ticket.ID, now)
		}
	case w.request != nil && w.looked == nil:
		return func(ctx context.Context, now time.Time) error { return p.burn(ctx, w, refused, now) }
	case w.refreshed != nil && (reused || w.refreshed.Replaced && !w.repeated || w.refreshed.Client != w.client.ID):
		return func(ctx context.Context, now time.Time) error {
			return p.endReused(ctx, w, "refresh_token.reused", w.refreshed.ID, now)
		}
	}
	return nil
}

// endReused ends the grant that a used code or refresh token had led to.
func (p *Provider) endReused(ctx context.Context, w *work, action, grantID string, now time.Time) error {
	ended, err := p.store.endGrant(ctx, grantID, now)
	if err != nil {
		return err
	}
	p.Count(action)
	details := map[string]string{"grant": grantID}
	if ended {
		details["tokens"] = "ended"
	}
	return p.Audit.Record(ctx, audit.Event{Action: action, Client: w.client.ID, Subject: w.account(), Details: details})
}

// burn ends a code that came with something wrong: it has been in other hands.
func (p *Provider) burn(ctx context.Context, w *work, refused error, now time.Time) error {
	_, err := p.Once.SpendGuessed(ctx, w.ticket, now)
	if fault.Is(err, fault.Conflict) {
		return nil // over already
	}
	if err != nil {
		return err
	}
	p.Count("code_burnt")
	return p.Audit.Record(ctx, audit.Event{
		Action: "code.burnt", Client: w.client.ID, Subject: w.account(),
		Details: map[string]string{"grant": w.ticket.ID, "issued_to": w.request.Client.GetID(), "why": refusalOf(refused).Why},
	})
}

// account is whose code or token came.
func (w *work) account() string {
	if w.request != nil {
		return w.request.Session.(*session).AccountID
	}
	if w.refreshed != nil {
		return w.refreshed.Session.AccountID
	}
	return ""
}

// EndGrant ends a grant with its tokens at once; for withdrawing what was allowed.
func (p *Provider) EndGrant(ctx context.Context, id string) error {
	_, err := p.store.endGrant(ctx, id, p.Clock())
	return err
}

// Sweep deletes grants and tokens that have been over for as long as used codes are
// kept, and tells how many grants.
func (p *Provider) Sweep(ctx context.Context) (int64, error) {
	var all int64
	for {
		n, err := store{DB: p.DB}.sweep(ctx, p.Clock().Add(-KeepCodes))
		all += n
		if err != nil {
			return all, err
		}
		if n < sweepBatch {
			break
		}
	}
	for {
		n, err := store{DB: p.DB}.sweepClientTokens(ctx, p.Clock().Add(-KeepCodes))
		if err != nil || n < sweepBatch {
			return all, err
		}
	}
}
