package sessions

import (
	"context"
	"strings"
	"time"

	"tegata/shared/db"
)

// Store keeps sessions.
type Store struct{ DB *db.DB }

const columns = `id, account_id, auth_time, amr, acr, place, agent, created_at, last_seen_at, expires_at, ended_at`

// Columns are what Row reads, of the table sessions under the name s: for statements of
// other areas that need a session along with what is theirs.
var Columns = "s." + strings.ReplaceAll(columns, ", ", ", s.") + ", s.digest"

// Row is a session as it is scanned.
type Row struct {
	row
	digest []byte
}

// Dest is where Columns go.
func (r *Row) Dest() []any { return r.dest(&r.digest) }

// row is a session as it is scanned, without its digest.
type row struct {
	Session
	amr string
}

func (r *row) dest(more ...any) []any {
	return append([]any{
		&r.ID, &r.AccountID, &r.AuthTime, &r.amr, &r.ACR, &r.Place, &r.Agent,
		&r.CreatedAt, &r.LastSeenAt, &r.ExpiresAt, &r.EndedAt,
	}, more...)
}

func (r *row) session() Session {
	r.AMR = strings.Fields(r.amr)
	return r.Session
}

func (s Store) insert(ctx context.Context, one Session, digest []byte) error {
	_, err := s.DB.Exec(ctx, `
		insert into sessions (id, digest, account_id, auth_time, amr, acr, place, agent, created_at, last_seen_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		one.ID, digest, one.AccountID, one.AuthTime, strings.Join(one.AMR, " "), one.ACR,
		one.Place, one.Agent, one.CreatedAt, one.LastSeenAt, one.ExpiresAt)
	return err
}

// renew gives fault.NotFound when the session has ended.
func (s Store) renew(ctx context.Context, one Session, digest []byte) error {
	return s.DB.Row(ctx, `
		update sessions set digest = $2, auth_time = $3, amr = $4, acr = $5, last_seen_at = $6, expires_at = $7
		where id = $1 and ended_at is null
		returning id`,
		db.Args(one.ID, digest, one.AuthTime, strings.Join(one.AMR, " "), one.ACR, one.LastSeenAt, one.ExpiresAt), &one.ID)
}

// byID gives fault.NotFound also when the account may not log in any more, so that a
// stopped account is out everywhere at once.
func (s Store) byID(ctx context.Context, id string, r *Row) error {
	return s.DB.Row(ctx, byID, db.Args(id), r.Dest()...)
}

var byID = `
	select ` + Columns + ` from sessions s
	where s.id = $1 and exists (
		select 1 from accounts
		where accounts.id = s.account_id and accounts.state = 'active' and accounts.deleted_at is null)`

func (s Store) seen(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update sessions set last_seen_at = $2 where id = $1 and last_seen_at < $2`, id, now)
	return err
}

// end gives the session it ended; fault.NotFound when there was none to end.
func (s Store) end(ctx context.Context, id string, now time.Time) (one Session, err error) {
	var r row
	err = s.DB.Row(ctx, `
		update sessions set ended_at = $2 where id = $1 and ended_at is null
		returning `+columns, db.Args(id, now), r.dest()...)
	return r.session(), err
}

func (s Store) endAll(ctx context.Context, accountID string, now time.Time) ([]Session, error) {
	return s.list(ctx, `
		update sessions set ended_at = $2 where account_id = $1 and ended_at is null
		returning `+columns, db.Args(accountID, now))
}

func (s Store) alive(ctx context.Context, accountID string, now, seenAfter time.Time) ([]Session, error) {
	return s.list(ctx, `
		select `+columns+` from sessions
		where account_id = $1 and ended_at is null and expires_at > $2 and last_seen_at > $3
		order by id desc`, db.Args(accountID, now, seenAfter))
}

func (s Store) sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Sweep(ctx, `delete from sessions where id in (select id from sessions where expires_at < $1 order by expires_at limit $2)`, before)
}

func (s Store) list(ctx context.Context, query string, args []any) ([]Session, error) {
	return db.Collect(ctx, s.DB, query, args, func(scan db.Scan) (Session, error) {
		var r row
		err := scan(r.dest()...)
		return r.session(), err
	})
}
