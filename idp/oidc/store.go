package oidc

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/connections"
	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// The kinds of tokens in the table.
const (
	kindAccess  = "access"
	kindRefresh = "refresh"
)

// store is the tables of grants and tokens.
type store struct{ DB *db.DB }

// grant is one redeemed authorization.
type grant struct {
	ID, Client string
	Scopes     []string
	Offline    bool // outlives its session
	Derived    bool // no log-in led to it: see writeDerived
	Session    *session
	ExpiresAt  time.Time // of its longest token
	AskedAt    time.Time // when the person, or the client on their behalf, asked; zero: just now
}

// held is a token as it lies in the database, with the grant it belongs to.
type held struct {
	grant
	Token     string    // the token's id
	Target    target    // what it is good for; the scopes of held are its scopes
	Machine   bool      // of a client that acts for itself
	RootID    string    // the grant that this one ends with, "" for none
	BeganAt   time.Time // its grant: when the family began
	CreatedAt time.Time
	ExpiresAt time.Time
	Over      bool // its grant, its session or its client
	Ended     bool // that, or itself
	Replaced  bool // itself: a refresh token that was used
	Bound     confirmation
	Person    *person // that it is about; nil when nobody looked
}

// person is what was found out about the person along with a token.
type person struct {
	Active  bool     // the account is there and may log in
	Asked   bool     // the person was asked about the client, and
	Allowed []string // allowed these scopes
}

// insertGrant writes the grant if the session it comes from still goes on, its account
// may log in and the person has not withdrawn what was allowed: logging out between
// authorize and token ends the flow. It gives fault.Expired otherwise.
func (s store) insertGrant(ctx context.Context, g grant, now time.Time) error {
	about, err := json.Marshal(g.Session)
	if err != nil {
		return err
	}
	if err := s.note(ctx, g, now); err != nil {
		return err
	}
	n, err := s.DB.Exec(ctx, `
		insert into grants (id, client_id, account_id, session_id, offline, scopes, session, created_at, expires_at)
		select $1, $2, account_id, id, $3, $4, $5, $6, $7
		from sessions where id = $8 and ended_at is null and exists (
			select 1 from accounts
			where accounts.id = sessions.account_id and accounts.state = 'active' and accounts.deleted_at is null)
		and not exists (
			select 1 from connections c where c.account_id = sessions.account_id and c.client_id = $2 and c.withdrawn_at >= $9)`,
		g.ID, g.Client, g.Offline, strings.Join(g.Scopes, " "), string(about), now, g.ExpiresAt, g.Session.SID, g.asked(now))
	if err == nil && n == 0 {
		return fault.New(fault.Expired, "", "oidc.session_over")
	}
	return err
}

// note remembers that the client got tokens, so that people see it and it is told when
// the session ends. It comes before the grant: see connections.Note. A grant that
// derives from one that outlives its session is noted with the session if that goes on.
func (s store) note(ctx context.Context, g grant, now time.Time) error {
	return connections.Note(ctx, s.DB, connections.Use{
		SessionID: g.Session.SID, ClientID: g.Client, AccountID: g.Session.AccountID, Subject: g.Session.Subject, Scopes: g.Scopes,
		AskedAt: g.asked(now), Outlives: g.Derived && g.Offline,
	}, now)
}

func (g grant) asked(now time.Time) time.Time {
	if g.AskedAt.IsZero() {
		return now
	}
	return g.AskedAt
}

// insertToken writes a token of a grant.
func (s store) insertToken(ctx context.Context, grantID, kind string, t freshToken, now time.Time) error {
	var target *string
	if t.Target != nil {
		b, err := json.Marshal(t.Target)
		if err != nil {
			return err
		}
		text := string(b)
		target = &text
	}
	_, err := s.DB.Exec(ctx, `
		insert into tokens (id, grant_id, kind, digest, target, cnf, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.ID, grantID, kind, t.Digest, target, t.Bound.text(), now, t.ExpiresAt)
	return err
}

// token finds a token by what the client holds; fault.NotFound when it is none of
// ours or of another kind. One that is over is given too: see usable. The session is
// looked at here, so that ending one, for whatever reason, ends its tokens at once.
func (s store) token(ctx context.Context, kind, given string) (held, error) {
	return s.tokenWith(ctx, kind, given, "")
}

// tokenAndAccount is token with the account it is about.
func (s store) tokenAndAccount(ctx context.Context, kind, given string) (held, accounts.Account, error) {
	var r accounts.Row
	h, err := s.tokenWith(ctx, kind, given, ", "+accounts.Columns, r.Dest()...)
	if err != nil {
		return h, accounts.Account{}, err
	}
	account, err := r.Account()
	return h, account, err
}

// tokenWith is token that reads more columns.
func (s store) tokenWith(ctx context.Context, kind, given, columns string, more ...any) (held, error) {
	id, want, ok := readToken(given)
	if !ok {
		return held{}, unknownToken()
	}
	var h held
	var digest, about, target []byte
	var scopes, cnf string
	var tokenEnded, grantEnded, sessionEnded, rootEnded *time.Time
	var sessionID, rootID *string
	var allowed *string
	var disabled, active bool
	err := s.DB.Row(ctx, `
		select t.id, t.digest, t.target, t.cnf, t.created_at, t.expires_at, t.ended_at,
			g.id, g.client_id, g.scopes, g.offline, g.session, g.created_at, g.expires_at, g.ended_at,
			s.id, s.ended_at, c.disabled, r.id, r.ended_at,
			a.state = 'active' and a.deleted_at is null, o.scopes`+columns+`
		from tokens t
		join grants g on g.id = t.grant_id
		join clients c on c.id = g.client_id
		join accounts a on a.id = g.account_id
		left join sessions s on s.id = g.session_id
		left join grants r on r.id = g.root_id
		left join consents o on o.account_id = g.account_id and o.client_id = g.client_id
		where t.id = $1 and t.kind = $2`, db.Args(id, kind), append([]any{
		&h.Token, &digest, &target, &cnf, &h.CreatedAt, &h.ExpiresAt, &tokenEnded,
		&h.ID, &h.Client, &scopes, &h.Offline, &about, &h.BeganAt, &h.grant.ExpiresAt, &grantEnded,
		&sessionID, &sessionEnded, &disabled, &rootID, &rootEnded, &active, &allowed}, more...)...)
	if err == nil && !secret.Match(digest, want) {
		err = unknownToken()
	}
	if err == nil {
		h.Bound, err = readConfirmation(cnf)
	}
	if err != nil {
		return held{}, err
	}
	sessionOver := !h.Offline && (sessionID == nil || sessionEnded != nil)
	h.Scopes, h.Replaced = strings.Fields(scopes), tokenEnded != nil
	h.Over = grantEnded != nil || rootEnded != nil || sessionOver || disabled
	h.Ended = h.Over || tokenEnded != nil
	if rootID != nil {
		h.RootID = *rootID
	}
	h.Person = &person{Active: active}
	if allowed != nil {
		h.Person.Asked, h.Person.Allowed = true, strings.Fields(*allowed)
	}
	if err := json.Unmarshal(about, &h.Session); err != nil {
		return held{}, err
	}
	return h, h.aimed(target)
}

// usable tells whether the token may be used now.
func (h held) usable(now time.Time) bool { return !h.Ended && now.Before(h.ExpiresAt) }

// replaceToken ends a refresh token for the next one; won is false when somebody
// else was faster.
func (s store) replaceToken(ctx context.Context, id, next string, now time.Time) (won bool, err error) {
	n, err := s.DB.Exec(ctx, `update tokens set ended_at = $3, next_id = $2 where id = $1 and ended_at is null`, id, next, now)
	return n == 1, err
}

// nextToken finds the token that took the place of this one after that moment and was
// not used since; fault.NotFound when there is none.
func (s store) nextToken(ctx context.Context, id string, after time.Time) (next string, digest []byte, err error) {
	err = s.DB.Row(ctx, `
		select n.id, n.digest from tokens t join tokens n on n.id = t.next_id
		where t.id = $1 and t.ended_at > $2 and n.ended_at is null`, db.Args(id, after), &next, &digest)
	return next, digest, err
}

// endToken ends one token.
func (s store) endToken(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update tokens set ended_at = $2 where id = $1 and ended_at is null`, id, now)
	return err
}

// prolongToken moves the end of a refresh token that stays when it is used; it gives
// fault.Expired when the token is over.
func (s store) prolongToken(ctx context.Context, id string, until time.Time) error {
	n, err := s.DB.Exec(ctx, `update tokens set expires_at = $2 where id = $1 and ended_at is null`, id, until)
	if err == nil && n == 0 {
		return fault.New(fault.Expired, "", "oidc.token_over")
	}
	return err
}

// prolongGrant moves the end of a grant to that of its newest token; it gives
// fault.Expired when the grant is over.
func (s store) prolongGrant(ctx context.Context, id string, until time.Time) error {
	n, err := s.DB.Exec(ctx, `update grants set expires_at = $2 where id = $1 and ended_at is null`, id, until)
	if err == nil && n == 0 {
		return fault.New(fault.Expired, "", "oidc.grant_over")
	}
	return err
}

// endGrant ends a grant with all its tokens, and tells whether there was one.
func (s store) endGrant(ctx context.Context, id string, now time.Time) (ended bool, err error) {
	n, err := s.DB.Exec(ctx, `update grants set ended_at = $2 where id = $1 and ended_at is null`, id, now)
	return n == 1, err
}

// sweepBatch bounds one DELETE, so that sweeping never holds writers up for long.
const sweepBatch = 500

// sweep deletes some grants, and with them their tokens, that expired before the moment.
func (s store) sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Exec(ctx, `
		delete from grants where id in (
			select id from grants where expires_at < $1 order by expires_at limit $2)`, before, sweepBatch)
}
