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
)

// consequence is what a refused token request leads to besides its answer.
type consequence int

const (
	noConsequence consequence = iota
	burnCode                  // it has been in other hands
	endIfUsed                 // what the code or refresh token had led to ends, if its grant says that it was used
	endReused                 // the same, and it was used
)

// consequences of a refused request: the assertion counts as used; a code that the
// wrong client, redirect URI or verifier came with is burnt; a code or refresh token that
// came twice ends what it had led to (RFC 6749 §4.1.2, RFC 9700 §4.14), a code also when
// something else is wrong, once client and proof could be read. They are written even
// though the request is refused.
func (p *Provider) consequences(ctx context.Context, w *work, refused error, now time.Time) error {
	c := w.consequence(refused)
	if c == noConsequence && w.assertion == nil && w.proof == nil {
		return refused
	}
	var replayed error
	var done outcome
	err := p.DB.Tx(ctx, func(ctx context.Context) error {
		done = outcome{}
		err, c := p.remember(ctx, w, now), c
		switch replayed = nil; {
		case errors.Is(err, dpop.ErrReplayed): // it is remembered: the rest is written all the same
			replayed, err = err, nil
		case errors.Is(err, errReplayed):
			replayed, err, c = err, nil, w.consequenceUnproved()
		}
		switch {
		case err != nil || c == noConsequence:
			return err
		case c == burnCode:
			done, err = p.burn(ctx, w, refused, now)
		default:
			done, err = p.endUsed(ctx, w, c == endReused, now)
		}
		return err
	})
	if err == nil {
		err = p.noteOutcome(ctx, w, done, now)
	}
	if err == nil {
		err = replayed
	}
	if err != nil && wire.RefusalOf(refused).Code != "server_error" {
		return err
	}
	return refused
}

// consequence picks what has to be done.
func (w *work) consequence(refused error) consequence {
	own, reused := wire.RefusalOf(refused), errors.Is(refused, errUsed)
	beside := own.Code != "invalid_grant" // what is wrong is something else than the code or token
	switch {
	case own.Status() >= http.StatusInternalServerError:
		return noConsequence
	case w.code != nil && reused:
		return endReused
	case w.code != nil && (beside || w.looked != nil): // one that has expired may have been used as well
		return endIfUsed
	case beside:
		return noConsequence
	case w.code != nil:
		return burnCode
	case w.refreshed != nil && (reused || w.refreshed.Replaced && !w.repeated || w.refreshed.Client != w.client.ID):
		return endReused
	}
	return noConsequence
}

// consequenceUnproved picks what has to be done when the client's assertion was used
// before. That proves no client, so nothing is burnt and nobody else's grant is touched;
// but whoever has it as well as a code or refresh token of the same client that was used
// has a whole request of that client, one of the two who sent it is a thief, and it may
// have been the first: then this is the client itself, with the only sign of the theft
// that there will ever be. So what the first of them got ends (RFC 6749 §4.1.2 asks
// nobody for a proof). All that somebody gains who has only found such a request is that
// the person logs in once more; and while a refresh token may be repeated, nothing ends.
func (w *work) consequenceUnproved() consequence {
	switch {
	case w.code != nil && w.code.Client == w.client.ID,
		w.refreshed != nil && w.refreshed.Client == w.client.ID && w.refreshed.Replaced && !w.repeated:
		return endIfUsed
	}
	return noConsequence
}

// outcome is what a consequence did. What cannot be undone waits until it is kept: the
// transaction may be run again.
type outcome struct {
	counted string // the event for the metrics; "" where nothing was done
	again   bool   // the grant had ended before, which is not written down yet
}

// noteOutcome counts what was done, and writes down what ended nothing any more once a minute.
func (p *Provider) noteOutcome(ctx context.Context, w *work, done outcome, now time.Time) error {
	if done.counted == "" {
		return nil
	}
	p.Count(done.counted)
	action, grant := w.reuse()
	if !done.again || !p.quiet.first(action+" "+grant, now) {
		return nil
	}
	return p.recordReuse(ctx, w, map[string]string{"grant": grant})
}

// endUsed ends the grant that a used code or refresh token had led to. Where it is not
// sure that it was used, the grant tells; a code that nobody used stays as it is.
func (p *Provider) endUsed(ctx context.Context, w *work, sure bool, now time.Time) (outcome, error) {
	action, grant := w.reuse()
	ended, err := p.grants.End(ctx, grant, now)
	if err != nil || !ended && !sure {
		return outcome{}, err
	}
	if !ended {
		return outcome{action, true}, nil
	}
	return outcome{action, false}, p.recordReuse(ctx, w, map[string]string{"grant": grant, "tokens": "ended"})
}

// reuse names what came twice, and the grant that it had led to.
func (w *work) reuse() (action, grant string) {
	if w.code == nil {
		return "refresh_token.reused", w.refreshed.Grant
	}
	return "code.reused", w.grant
}

func (p *Provider) recordReuse(ctx context.Context, w *work, details map[string]string) error {
	action, _ := w.reuse()
	return p.Audit.Record(ctx, audit.Event{Action: action, Client: w.client.ID, Subject: w.account(), Details: details})
}

// burn ends a code that came with something wrong: it has been in other hands. One that
// was used before counts as used twice.
func (p *Provider) burn(ctx context.Context, w *work, refused error, now time.Time) (outcome, error) {
	burnt, err := p.grants.Burn(ctx, grants.Grant{ID: w.code.ID, Client: w.code.Client, LogIn: &w.code.Session.LogIn}, now)
	if err != nil {
		return outcome{}, err
	}
	if !burnt {
		return p.endUsed(ctx, w, true, now)
	}
	return outcome{counted: "code_burnt"}, p.Audit.Record(ctx, audit.Event{
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
