package oidc

import (
	"context"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// The kinds of tokens.
const (
	kindAccess  = "access"
	kindRefresh = "refresh"
)

// held is a token that came, with the grant it belongs to.
type held struct {
	grant
	Token     string        // the access token's id
	Target    target.Target // what it is good for; the scopes of held are its scopes
	Machine   bool          // of a client that acts for itself
	RootID    string        // the grant that this one ends with, "" for none
	BeganAt   time.Time     // its grant: when the family began
	CreatedAt time.Time
	ExpiresAt time.Time
	Over      bool // its grant, its session or its client
	Ended     bool // that, or itself
	Replaced  bool // itself: a refresh token that was used
	Bound     tokens.Confirmation
	Person    *person // that it is about; nil when nobody looked
	Family    family  // of a refresh token
}

// person is what was found out about the person along with a token.
type person struct {
	Active  bool     // the account is there and may log in
	Looked  bool     // the rest was looked for
	Asked   bool     // the person was asked about the client, and
	Allowed []string // allowed these scopes
}

// usable tells whether the token may be used now.
func (h held) usable(now time.Time) bool { return !h.Ended && now.Before(h.ExpiresAt) }

// access finds out what became of an access token; fault.NotFound when its grant, or its
// client, is gone. One that is over is given too: see usable.
func (s store) access(ctx context.Context, t carried) (held, error) {
	if t.Grant == "" {
		return s.machine(ctx, t)
	}
	var r grantRow
	return s.accessWith(ctx, accessQuery, t, &r, r.read)
}

// accessAndAllowed is access with what the person allowed the client.
func (s store) accessAndAllowed(ctx context.Context, t carried) (held, error) {
	if t.Grant == "" {
		return s.machine(ctx, t)
	}
	var r grantRow
	return s.accessWith(ctx, accessAndAllowedQuery, t, &r, r.readAllowed, &r.allowed)
}

// accessAndAccount is access with the account the token is about; fault.NotFound when it
// is about nobody.
func (s store) accessAndAccount(ctx context.Context, t carried) (held, accounts.Account, error) {
	if t.Grant == "" {
		return held{}, accounts.Account{}, unknownToken()
	}
	var r grantRow
	var who accounts.Row
	h, err := s.accessWith(ctx, accessAndAccountQuery, t, &r, r.read, who.Dest()...)
	if err != nil {
		return h, accounts.Account{}, err
	}
	account, err := who.Account()
	return h, account, err
}

// accessWith is access by a query that may give more columns.
func (s store) accessWith(ctx context.Context, query string, t carried, r *grantRow, read func() (held, error), more ...any) (held, error) {
	var ended bool
	err := s.DB.Row(ctx, query, db.Args(t.Grant, t.ID), r.dest(append([]any{&ended}, more...)...)...)
	if err != nil {
		return held{}, err
	}
	h, err := read()
	t.fill(&h)
	h.Ended = h.Over || ended
	return h, err
}

// fill writes down what the token says itself.
func (t carried) fill(h *held) {
	h.Token, h.Bound = t.ID, t.Bound
	h.CreatedAt, h.ExpiresAt = time.UnixMicro(t.Issued).UTC(), time.UnixMicro(t.Expires).UTC()
	if t.Target == nil {
		h.Target = target.Target{Scopes: h.Scopes}
		return
	}
	h.Target, h.Scopes = *t.Target, t.Target.Scopes
}

// machine is access for a client that acts for itself. A client that was deleted and
// made again under the same name is another one: of a JWT, which knows seconds, only the
// time can tell.
func (s store) machine(ctx context.Context, t carried) (held, error) {
	h := held{Machine: true}
	h.Client, h.Session = t.Client, t.About
	var createdAt time.Time
	var ended, disabled bool
	err := s.DB.Row(ctx, `
		select c.disabled, c.created_at`+endedColumn+` from clients c left join ended_tokens e on e.id = $2
		where c.id = $1`, db.Args(t.Client, t.ID), &disabled, &createdAt, &ended)
	if err != nil {
		return held{}, err
	}
	t.fill(&h)
	h.Over = disabled || t.Since != createdAt.UnixMicro()
	if t.Since == 0 {
		h.Over = disabled || h.CreatedAt.Before(createdAt.Truncate(time.Second))
	}
	if from := t.About.Subject; from != t.Client && !h.Over {
		h.Over, err = s.over(ctx, from, h.CreatedAt)
	}
	h.Ended = h.Over || ended
	return h, err
}

// over tells whether the client is off or gone whose token was exchanged at that moment, or
// another one has its id since.
func (s store) over(ctx context.Context, client string, at time.Time) (bool, error) {
	var createdAt time.Time
	var disabled bool
	err := s.DB.Row(ctx, `select disabled, created_at from clients where id = $1`, db.Args(client), &disabled, &createdAt)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	return disabled || at.Before(createdAt.Truncate(time.Second)), err
}

// refresh finds a refresh token by what the client holds; fault.NotFound when it is none
// of ours. One that is over is given too.
func (s store) refresh(ctx context.Context, given string) (held, error) {
	t, ok := readRefresh(given)
	if !ok {
		return held{}, unknownToken()
	}
	var r grantRow
	var f family
	var cnf string
	err := s.DB.Row(ctx, refreshQuery, db.Args(t.Grant),
		r.dest(&f.Turn, &f.Digest, &f.Newest, &f.Before, &cnf, &f.Until, &f.TurnedAt, &r.allowed)...)
	if err != nil {
		return held{}, err
	}
	known, replaced := f.has(t)
	if !known || f.Until == nil {
		return held{}, unknownToken()
	}
	h, err := r.readAllowed()
	if err != nil {
		return held{}, err
	}
	h.Target = target.Target{Scopes: h.Scopes}
	h.CreatedAt, h.ExpiresAt = h.BeganAt, *f.Until
	if f.TurnedAt != nil {
		h.CreatedAt = *f.TurnedAt
	}
	h.Replaced, h.Family = replaced, f
	h.Ended = h.Over || replaced
	h.Bound, err = tokens.ReadConfirmation(cnf)
	return h, err
}

// byID gives the grant of a log-in that the client has, as held without a token;
// fault.NotFound when there is none. One that is over is given too.
func (s store) byID(ctx context.Context, id, client string) (held, error) {
	var r grantRow
	if err := s.DB.Row(ctx, byIDQuery, db.Args(id, client), r.dest()...); err != nil {
		return held{}, err
	}
	return r.read()
}

func unknownToken() error { return fault.New(fault.NotFound, "", "oidc.unknown_token") }
