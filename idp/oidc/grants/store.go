package grants

import (
	"context"
	"time"

	"tegata/idp/connections"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// Store is the tables of grants and of access tokens that were revoked one by one.
type Store struct{ DB *db.DB }

// grantInto is what both ways to write a grant have in common.
const grantInto = `
	insert into grants (id, client_id, registered, scopes, offline, session, created_at, used_at, expires_at, root_id,
		turn, family, refresh_digest, refresh_cnf, refresh_until, account_id, session_id)
	select $1, $2, $16, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, `

var (
	grantOfSession = grantFromSession + `not exists (
			select 1 from connections c where c.account_id = sessions.account_id and c.client_id = $2 and c.withdrawn_at >= $15)`
	grantOfKnown = grantFromSession + connections.Noted("sessions.id", "sessions.account_id", "$2", "$15", "$17", "$18") + ` on conflict (id) do nothing`
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

// Insert writes the grant if the session it comes from still goes on, its account
// may log in, the person has not withdrawn what was allowed and the client is still that
// registration: logging out between authorize and token ends the flow. It gives
// fault.Expired otherwise, and fault.Conflict when there is such a grant: of all who come
// with the same code one gets here. Most log-ins are to a client that the session and the
// person know: one statement then, unless others have to find the grant by its person.
// It refuses nobody, for others may share its transaction: what it did not write is looked
// at again, alone.
func (s Store) Insert(ctx context.Context, g Grant, now time.Time) error {
	if !g.Offline {
		since, scopes := g.use(now).NotedBy(now)
		n, err := s.write(ctx, g, grantOfKnown, now, g.LogIn.SID, g.asked(now), g.Registered, since, scopes)
		if err != nil || n == 1 {
			return err
		}
	}
	return s.insert(ctx, g, grantOfSession, now, g.LogIn.SID, g.asked(now), g.Registered)
}

// InsertDerived writes a grant that no code led to: for a token that was exchanged, or
// an assertion of somebody we trust. It gives fault.Expired when the account may not log
// in any more, or the person withdrew what the client is allowed while it asked.
func (s Store) InsertDerived(ctx context.Context, g Grant, now time.Time) error {
	return s.insert(ctx, g, grantOfAccount, now, g.LogIn.SID, g.asked(now), g.Registered, g.LogIn.AccountID)
}

// insert notes the use before it writes the grant: see connections.Note.
func (s Store) insert(ctx context.Context, g Grant, query string, now time.Time, more ...any) error {
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

func (s Store) write(ctx context.Context, g Grant, query string, now time.Time, more ...any) (int64, error) {
	args, err := g.args(now)
	if err != nil {
		return 0, err
	}
	return s.DB.Exec(ctx, query, append(args, more...)...)
}

// Burn writes a grant that is over, in the place of the one that a code would have led to:
// of g, its id, client, account and session. burnt is false when there is one already.
func (s Store) Burn(ctx context.Context, g Grant, now time.Time) (burnt bool, err error) {
	n, err := s.DB.Exec(ctx, `
		insert into grants (id, client_id, registered, account_id, session_id, offline, scopes, session, created_at, expires_at, ended_at)
		select $1, clients.id, clients.created_at, accounts.id, $4, false, '', '{}', $5, $5, $5
		from clients, accounts where clients.id = $2 and accounts.id = $3
		on conflict (id) do nothing`, g.ID, g.Client, g.LogIn.AccountID, g.LogIn.SID, now)
	return n == 1, err
}

// EndAccess ends one access token.
func (s Store) EndAccess(ctx context.Context, id string, expiresAt time.Time) error {
	_, err := s.DB.Exec(ctx, `insert into ended_tokens (id, expires_at) values ($1, $2) on conflict (id) do nothing`, id, expiresAt)
	return err
}

// End ends a grant with all its tokens, and with it the one of Front, whose token came with
// its code; it tells whether there was something to end. A code that nobody redeemed has no
// grant yet, and then nothing ends.
func (s Store) End(ctx context.Context, id string, now time.Time) (ended bool, err error) {
	n, err := s.DB.Exec(ctx, `
		update grants set ended_at = $3 where id in ($1, $2) and ended_at is null and exists (select 1 from grants where id = $1)`,
		id, Front(id), now)
	return n > 0, err
}

// Sweep deletes the grants that expired before the moment and tells how many, and then
// forgets the access tokens that were revoked and have expired by then.
func (s Store) Sweep(ctx context.Context, before time.Time) (grants int64, err error) {
	grants, err = s.DB.Sweep(ctx, `
		delete from grants where id in (
			select id from grants where expires_at < $1 order by expires_at limit $2)`, before)
	if err != nil {
		return grants, err
	}
	_, err = s.DB.Sweep(ctx, `
		delete from ended_tokens where id in (
			select id from ended_tokens where expires_at < $1 order by expires_at limit $2)`, before)
	return grants, err
}
