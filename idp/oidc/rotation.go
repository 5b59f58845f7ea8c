package oidc

import (
	"context"
	"errors"
	"time"

	"tegata/idp/oidc/wire"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// mayRefresh tells whether the refresh token may be used now: it is alive, or it was
// replaced so short a time ago that its answer may have got lost. Its family may have
// grown too old as well.
func (p *Provider) mayRefresh(w *work, h held) error {
	now, rules := p.Clock(), w.client.Refreshing()
	if !now.Before(h.BeganAt.Add(rules.Lifetime)) {
		return wire.Refuse("invalid_grant", "The refresh token has come to the end of its life: the person has to log in again.")
	}
	if h.usable(now) {
		return nil
	}
	if h.Replaced && !h.Over && now.Before(h.ExpiresAt) && rules.Grace > 0 {
		return p.repeat(w, h, now.Add(-rules.Grace))
	}
	return wire.RefuseAs("invalid_grant")
}

// repeat answers a refresh token that was replaced after that moment with the one that
// took its place, as long as nobody used that. So a client that missed the answer gets
// it again, and there is one token at the end of the family whatever happens: who stole
// the token before has to use the same one, and the second of the two shows (RFC 9700
// §4.14.2).
func (p *Provider) repeat(w *work, h held, after time.Time) error {
	came, _ := readRefresh(w.form.Get("refresh_token"))
	if !h.Family.repeats(came, after) {
		return wire.RefuseAs("invalid_grant")
	}
	w.repeated = true
	if !secret.Match(h.Family.Newest, came.next(p.Once.Seal).digest()) {
		return wire.Refuse("invalid_grant", "The refresh token was used before.").Because(errors.New("the key-encryption key has changed since"))
	}
	p.Count("refresh_repeated")
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

// keepLonger is how much longer than needed a grant is kept when its end moves: so that
// it moves once a day and not with every refresh.
const keepLonger = 24 * time.Hour

// writeRefreshed puts the next refresh token in the place of the one that came. Each way
// is one conditional UPDATE, so of requests that come at once one makes the next token. It
// needs a transaction only when the end of the grant moves as well.
func (p *Provider) writeRefreshed(ctx context.Context, w *work, now time.Time) error {
	h, until := w.refreshed, w.refreshUntil(now)
	end := clock.Later(until, now.Add(w.accessLives(p)))
	if !end.After(h.grant.ExpiresAt) {
		return p.endRefresh(ctx, w, until, now)
	}
	return p.DB.Tx(ctx, func(ctx context.Context) error {
		if err := p.endRefresh(ctx, w, until, now); err != nil {
			return err
		}
		return p.store.keepGrant(ctx, h.ID, end.Add(keepLonger))
	})
}

// endRefresh ends the refresh token that came, or prolongs the one that stays: it
// itself, or the one that took its place already.
func (p *Provider) endRefresh(ctx context.Context, w *work, until, now time.Time) error {
	h := w.refreshed
	if w.keepsRefresh() || w.repeated {
		err := p.store.prolongRefresh(ctx, h.ID, h.Family.Turn, until, now)
		switch {
		case !fault.Is(err, fault.Expired):
			return err
		case w.repeated:
			return errUsed
		}
		return wire.RefuseAs("invalid_grant")
	}
	won, err := p.store.turnRefresh(ctx, *h, *w.refresh, w.bound, until, now)
	switch {
	case err != nil || won:
		return err
	case w.client.Refreshing().Grace > 0:
		return errOutrun
	}
	return errUsed
}
