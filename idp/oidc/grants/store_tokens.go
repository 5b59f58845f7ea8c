package grants

import (
	"context"
	"slices"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/shared/db"
)

// Access finds out what became of an access token; fault.NotFound when its grant, or its
// client, is gone. One that is over is given too: see Token.Usable.
func (s Store) Access(ctx context.Context, t AccessToken) (Token, error) {
	if t.Grant == "" {
		return s.machine(ctx, t)
	}
	var r row
	return s.access(ctx, accessQuery, t, &r)
}

// AccessAndAllowed is Access with what the person allowed the client.
func (s Store) AccessAndAllowed(ctx context.Context, t AccessToken) (Token, error) {
	if t.Grant == "" {
		return s.machine(ctx, t)
	}
	r := row{looked: true}
	return s.access(ctx, accessAndAllowedQuery, t, &r, &r.allowed)
}

// AccessAndAccount is Access with the account the token is about, of which only that is read
// what clients may be told; fault.NotFound when it is about nobody.
func (s Store) AccessAndAccount(ctx context.Context, t AccessToken) (Token, accounts.Account, error) {
	if t.Grant == "" {
		return Token{}, accounts.Account{}, Unknown()
	}
	var r row
	var who accounts.Row
	found, err := s.access(ctx, accessAndAccountQuery, t, &r, who.ToldDest()...)
	if err != nil {
		return found, accounts.Account{}, err
	}
	account, err := who.Account()
	return found, account, err
}

// access reads a row by a query that may give more columns.
func (s Store) access(ctx context.Context, query string, t AccessToken, r *row, more ...any) (Token, error) {
	var ended bool
	r.Grant = t.Grant
	found, err := s.find(ctx, r, query, db.Args(t.Grant, t.ID), append([]any{&ended}, more...)...)
	if err != nil {
		return Token{}, err
	}
	t.fill(&found)
	found.Ended = found.Over || ended
	return found, nil
}

// machine is Access for a client that acts for itself. A client that was deleted and
// made again under the same name is another one: of a JWT, which knows seconds, only the
// time can tell.
func (s Store) machine(ctx context.Context, t AccessToken) (Token, error) {
	found := Token{Machine: true, Client: t.Client}
	var createdAt time.Time
	var ended, disabled bool
	err := s.DB.Row(ctx, `
		select c.disabled, c.created_at`+endedColumn+` from clients c left join ended_tokens e on e.id = $2
		where c.id = $1`, db.Args(t.Client, t.ID), &disabled, &createdAt, &ended)
	if err != nil {
		return Token{}, err
	}
	found.LogIn = *t.LogIn
	t.fill(&found)
	found.Over = disabled || t.Since != createdAt.UnixMicro()
	if t.Since == 0 {
		found.Over = disabled || found.CreatedAt.Before(createdAt.Truncate(time.Second))
	}
	if l := *t.LogIn; !found.Over && (len(l.From) > 0 || len(l.Through) > 0 || l.Subject != t.Client) {
		found.Over, err = s.cameApart(ctx, l, found.CreatedAt)
	}
	found.Ended = found.Over || ended
	return found, err
}

// cameApart tells whether something is gone that a token of that moment was exchanged from:
// one of the access tokens was revoked, or one of the clients, the first and those in
// between, is off or gone, or another one has its id since. At that moment each was looked
// at, too, and a JWT knows its second only.
func (s Store) cameApart(ctx context.Context, l LogIn, at time.Time) (bool, error) {
	through, many := clientsOf(l)
	if many > len(through) {
		return true, nil // more than exchanges can lead to
	}
	var revoked bool
	var good int
	from := fromOf(l)
	err := s.DB.Row(ctx, `
		select exists (select 1 from ended_tokens where id in ($1, $2, $3, $4)),
			(select count(*) from clients where id in ($5, $6, $7, $8) and not disabled and created_at < $9)`,
		db.Args(from[0], from[1], from[2], from[3], through[0], through[1], through[2], through[3], at.Truncate(time.Second).Add(time.Second)),
		&revoked, &good)
	return revoked || good != many, err
}

// clientsOf gives the clients that a log-in without a person was exchanged from, each once,
// and how many these are: with more of them than of exchanges, not all are there.
func clientsOf(l LogIn) (ids [MaxFrom]string, many int) {
	all := append([]string{l.Subject}, l.Through...)
	slices.Sort(all)
	all = slices.Compact(all)
	copy(ids[:], all)
	return ids, len(all)
}

// Refresh finds a refresh token by what the client brings; fault.NotFound when it is none
// of ours. One that is over is given too: see Token.Standing.
func (s Store) Refresh(ctx context.Context, given string) (Token, error) {
	came, ok := readRefresh(given)
	if !ok {
		return Token{}, Unknown()
	}
	r := row{looked: true}
	r.Grant = came.Grant
	f := &r.family
	var cnf string
	found, err := s.find(ctx, &r, refreshQuery, db.Args(came.Grant),
		&f.Turn, &f.Digest, &f.Newest, &f.Before, &cnf, &f.Until, &f.TurnedAt, &r.allowed)
	if err != nil {
		return Token{}, err
	}
	known, replaced := f.has(came)
	if !known || f.Until == nil {
		return Token{}, Unknown()
	}
	found.Kind, found.came = Refresh, came
	found.Target = target.Target{Scopes: found.Scopes}
	found.CreatedAt, found.ExpiresAt = found.BeganAt, *f.Until
	if f.TurnedAt != nil {
		found.CreatedAt = *f.TurnedAt
	}
	found.Replaced = replaced
	found.Ended = found.Over || replaced
	found.Bound, err = tokens.ReadConfirmation(cnf)
	return found, err
}

// ByID gives the grant of a log-in that the client has, as a Token of no kind;
// fault.NotFound when there is none. One that is over is given too.
func (s Store) ByID(ctx context.Context, id, client string) (Token, error) {
	var r row
	r.Grant = id
	return s.find(ctx, &r, byIDQuery, db.Args(id, client))
}
