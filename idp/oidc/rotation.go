package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// mayRefresh tells whether the refresh token may be used now: it is alive, or it was
// replaced so short a time ago that its answer may have got lost. Its family may have
// grown too old as well.
func (p *Provider) mayRefresh(ctx context.Context, w *work, h held) error {
	now, rules := p.Clock(), w.client.Refreshing()
	if !now.Before(h.BeganAt.Add(rules.Lifetime)) {
		return refuse("invalid_grant", "The refresh token has come to the end of its life: the person has to log in again.")
	}
	if h.usable(now) {
		return nil
	}
	if h.Replaced && !h.Over && now.Before(h.ExpiresAt) && rules.Grace > 0 {
		return p.repeat(ctx, w, now.Add(-rules.Grace))
	}
	return refuse("invalid_grant", sentences["invalid_grant"])
}

// repeat answers a refresh token that was replaced after that moment with the one that
// took its place, as long as nobody used that. So a client that missed the answer gets
// it again, and there is one token at the end of the family whatever happens: who stole
// the token before has to use the same one, and the second of the two shows (RFC 9700
// §4.14.2).
func (p *Provider) repeat(ctx context.Context, w *work, after time.Time) error {
	next, digest, err := p.store.nextToken(ctx, w.refreshed.Token, after)
	if fault.Is(err, fault.NotFound) {
		return refuse("invalid_grant", sentences["invalid_grant"])
	}
	if err != nil {
		return err
	}
	w.repeated = true
	w.refresh = p.following(w, next)
	if !secret.Match(digest, secret.Digest(w.refresh.Secret)) {
		return refuse("invalid_grant", "The refresh token was used before.").because(errors.New("the key-encryption key has changed since"))
	}
	p.Count("refresh_repeated")
	return nil
}

// following is the refresh token with that id in the place of the one that came. It is
// computed from it, under our key: whoever brings the one before can be given the same
// one again, though only digests are kept.
func (p *Provider) following(w *work, id string) secret.Token {
	before, _ := secret.ParseToken(w.form.Get("refresh_token"))
	mac := p.Once.Seal.MAC("following refresh token", id, before.Secret)
	return secret.Token{ID: id, Secret: base64.RawURLEncoding.EncodeToString(mac)}
}

// refreshUntil is when a refresh token that is given or used now ends.
func (w *work) refreshUntil(now time.Time) time.Time {
	began := now
	if w.refreshed != nil {
		began = w.refreshed.BeganAt
	}
	return w.client.Refreshing().Until(began, now)
}

// writeRefreshed puts the next refresh token in the place of the one that came.
func (p *Provider) writeRefreshed(ctx context.Context, w *work, now time.Time) error {
	if err := p.endRefresh(ctx, w, now); err != nil {
		return err
	}
	err := p.store.prolongGrant(ctx, w.refreshed.ID, later(w.refreshUntil(now), now.Add(w.accessLives(p))))
	if fault.Is(err, fault.Expired) {
		return refuse("invalid_grant", sentences["invalid_grant"])
	}
	if err != nil {
		return err
	}
	return p.writeTokens(ctx, w, w.refreshed.ID, w.refreshed.most(), now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// endRefresh ends the refresh token that came, or prolongs the one that stays: it
// itself, or the one that took its place already. Each is one conditional UPDATE, so of
// requests that come at once one makes the next token.
func (p *Provider) endRefresh(ctx context.Context, w *work, now time.Time) error {
	if w.keepsRefresh() {
		return p.prolong(ctx, w.refreshed.Token, w, refuse("invalid_grant", sentences["invalid_grant"]))
	}
	if w.repeated {
		return p.prolong(ctx, w.refresh.ID, w, errUsed)
	}
	won, err := p.store.replaceToken(ctx, w.refreshed.Token, w.refresh.ID, now)
	switch {
	case err != nil || won:
		return err
	case w.client.Refreshing().Grace > 0:
		return errOutrun
	}
	return errUsed
}

// prolong keeps a token for longer; over is the answer when it ended a moment ago.
func (p *Provider) prolong(ctx context.Context, token string, w *work, over error) error {
	err := p.store.prolongToken(ctx, token, w.refreshUntil(p.Clock()))
	if fault.Is(err, fault.Expired) {
		return over
	}
	return err
}
