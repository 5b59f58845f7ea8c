package oidc

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegata/idp/connections"
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// store is the tables of grants and of what was taken back one by one. Reading tokens is
// store_held.go.
type store struct{ DB *db.DB }

// grant is one redeemed authorization.
type grant struct {
	ID, Client string
	Registered time.Time // the client
	Scopes     []string
	Offline    bool // outlives its session
	Derived    bool // no log-in led to it: see writeDerived
	Session    *session
	Refresh    *refreshToken       // its first one; nil: none
	Bound      tokens.Confirmation // of its refresh token
	Until      time.Time           // when its refresh token ends
	ExpiresAt  time.Time           // of its longest token
	AskedAt    time.Time           // when the person, or the client on their behalf, asked; zero: just now
	Root       string              // the grant that this one ends with, "" for none
}

// most is what tokens of the grant may be good for.
func (g grant) most() target.Granted {
	return target.Granted{Scopes: g.Scopes, Resources: g.Session.Resources, Details: g.Session.Details}
}

// grantInto is what both ways to write a grant have in common.
const grantInto = `
	insert into grants (id, client_id, registered, scopes, offline, session, created_at, used_at, expires_at, root_id,
		turn, family, refresh_digest, refresh_cnf, refresh_until, account_id, session_id)
	select $1, $2, $16, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, `

var (
	grantOfSession = grantFromSession + `not exists (
			select 1 from connections c where c.account_id = sessions.account_id and c.client_id = $2 and c.withdrawn_at >= $15)`
	grantOfKnown = grantFromSession + connections.Noted("sessions.id", "sessions.account_id", "$2", "$15", "$17", "$18")
)

const (
	grantFromSession = grantInto + `account_id, id
		from sessions where id = $14 and ended_at is null and exists (
			select 1 from accounts
			where accounts.id = sessions.account_id and accounts.state = 'active' and accounts.deleted_at is null)
		and exists (select 1 from clients where id = $2 and created_at = $16)
		and `
	grantOfAccount = grantInto + `id, $14
		from accounts where id = $17 and state = 'active' and deleted_at is null
		and not exists (
			select 1 from connections c where c.account_id = accounts.id and c.client_id = $2 and c.withdrawn_at >= $15)
		and exists (select 1 from clients where id = $2 and created_at = $16)`
)

// args are the parameters of grantInto.
func (g grant) args(now time.Time) ([]any, error) {
	kept := *g.Session
	kept.Nonce, kept.DPoPKey = "", "" // they were the code's
	kept.AccountID, kept.SID = "", "" // they have columns
	about, err := object.Marshal(&kept)
	if err != nil {
		return nil, err
	}
	var root *string
	if g.Root != "" {
		root = &g.Root
	}
	var turn int64
	var family, digest []byte
	var until *time.Time
	if g.Refresh != nil {
		turn, family, digest, until = g.Refresh.Turn, g.Refresh.familyDigest(), g.Refresh.digest(), &g.Until
	}
	return []any{
		g.ID, g.Client, strings.Join(g.Scopes, " "), g.Offline, string(about), now, g.ExpiresAt, root,
		turn, family, digest, g.Bound.Text(), until,
	}, nil
}

// insertGrant writes the grant if the session it comes from still goes on, its account
// may log in, the person has not withdrawn what was allowed and the client is still that
// registration: logging out between authorize and token ends the flow. It gives
// fault.Expired otherwise, and fault.Conflict when there is such a grant: of all who come
// with the same code one gets here. Most log-ins are to a client that the session and the
// person know: one statement then, unless others have to find the grant by its person.
func (s store) insertGrant(ctx context.Context, g grant, now time.Time) error {
	if !g.Offline {
		since, scopes := g.use(now).NotedBy(now)
		n, err := s.write(ctx, g, grantOfKnown, now, g.Session.SID, g.asked(now), g.Registered, since, scopes)
		if err != nil || n == 1 {
			return err
		}
	}
	return s.insert(ctx, g, grantOfSession, now, g.Session.SID, g.asked(now), g.Registered)
}

// insertDerived writes a grant that no code led to: for a token that was exchanged, or
// an assertion of somebody we trust. It gives fault.Expired when the account may not log
// in any more, or the person withdrew what the client is allowed while it asked.
func (s store) insertDerived(ctx context.Context, g grant, now time.Time) error {
	return s.insert(ctx, g, grantOfAccount, now, g.Session.SID, g.asked(now), g.Registered, g.Session.AccountID)
}

// insert notes the use before it writes the grant: see connections.Note.
func (s store) insert(ctx context.Context, g grant, query string, now time.Time, more ...any) error {
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		if err := connections.Note(ctx, s.DB, g.use(now), now); err != nil {
			return err
		}
		n, err := s.write(ctx, g, query, now, more...)
		if err == nil && n == 0 {
			return fault.New(fault.Expired, "", "oidc.session_over")
		}
		return err
	})
}

func (s store) write(ctx context.Context, g grant, query string, now time.Time, more ...any) (int64, error) {
	args, err := g.args(now)
	if err != nil {
		return 0, err
	}
	return s.DB.Exec(ctx, query, append(args, more...)...)
}

// use is that the client gets tokens, so that people see it and it is told when the
// session ends. A grant that derives from one that outlives its session is noted with the
// session if that goes on.
func (g grant) use(now time.Time) connections.Use {
	return connections.Use{
		SessionID: g.Session.SID, ClientID: g.Client, AccountID: g.Session.AccountID, Subject: g.Session.Subject,
		Scopes:  withCarriers(g.Scopes, slices.Concat(g.Session.Userinfo, g.Session.IDToken)),
		AskedAt: g.asked(now), Outlives: g.Derived && g.Offline,
	}
}

func (g grant) asked(now time.Time) time.Time {
	if g.AskedAt.IsZero() {
		return now
	}
	return g.AskedAt
}

// burnGrant writes a grant that is over, in the place of the one that a code would have
// led to; burnt is false when there is one already.
func (s store) burnGrant(ctx context.Context, i issued, now time.Time) (burnt bool, err error) {
	n, err := s.DB.Exec(ctx, `
		insert into grants (id, client_id, registered, account_id, session_id, offline, scopes, session, created_at, expires_at, ended_at)
		select $1, clients.id, clients.created_at, accounts.id, $4, false, '', '{}', $5, $5, $5
		from clients, accounts where clients.id = $2 and accounts.id = $3
		on conflict (id) do nothing`, i.ID, i.Client, i.Session.AccountID, i.Session.SID, now)
	return n == 1, err
}

// turnRefresh puts the next refresh token in the place of the one that came; won is false
// when somebody else was faster or the grant is over.
func (s store) turnRefresh(ctx context.Context, h held, next refreshToken, bound tokens.Confirmation, until, now time.Time) (won bool, err error) {
	n, err := s.DB.Exec(ctx, `
		update grants set turn = $3, refresh_digest = $4, refresh_before = refresh_digest, refresh_cnf = $5,
			refresh_until = $6, turned_at = $7, used_at = $7
		where id = $1 and turn = $2 and ended_at is null`,
		h.ID, next.Turn-1, next.Turn, next.digest(), bound.Text(), until, now)
	return n == 1, err
}

// prolongRefresh moves the end of the refresh token of that turn, which stays when it is
// used; it gives fault.Expired when it or its grant is over.
func (s store) prolongRefresh(ctx context.Context, id string, turn int64, until, now time.Time) error {
	n, err := s.DB.Exec(ctx, `update grants set refresh_until = $3, used_at = $4 where id = $1 and turn = $2 and ended_at is null`,
		id, turn, until, now)
	if err == nil && n == 0 {
		return fault.New(fault.Expired, "", "oidc.token_over")
	}
	return err
}

// keepGrant moves the moment from which a grant may be swept.
func (s store) keepGrant(ctx context.Context, id string, until time.Time) error {
	_, err := s.DB.Exec(ctx, `update grants set expires_at = $2 where id = $1`, id, until)
	return err
}

// endAccess ends one access token.
func (s store) endAccess(ctx context.Context, id string, expiresAt time.Time) error {
	_, err := s.DB.Exec(ctx, `insert into ended_tokens (id, expires_at) values ($1, $2) on conflict (id) do nothing`, id, expiresAt)
	return err
}

// endGrant ends a grant with all its tokens, and tells whether there was one.
func (s store) endGrant(ctx context.Context, id string, now time.Time) (ended bool, err error) {
	n, err := s.DB.Exec(ctx, `update grants set ended_at = $2 where id = $1 and ended_at is null`, id, now)
	return n == 1, err
}

// sweepBatch bounds one DELETE, so that sweeping never holds writers up for long.
const sweepBatch = 500

// sweep deletes some grants that expired before the moment.
func (s store) sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Exec(ctx, `
		delete from grants where id in (
			select id from grants where expires_at < $1 order by expires_at limit $2)`, before, sweepBatch)
}

// sweepEnded forgets some access tokens that have expired.
func (s store) sweepEnded(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Exec(ctx, `
		delete from ended_tokens where id in (
			select id from ended_tokens where expires_at < $1 order by expires_at limit $2)`, before, sweepBatch)
}
