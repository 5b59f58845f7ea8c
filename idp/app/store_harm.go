package app

import (
	"context"
	"time"

	"tegata/idp/oidc/sealing"
	"tegata/shared/db"
)

// gotTokens tells whether anything was granted to the client since.
func (s *Services) gotTokens(ctx context.Context, client string, since time.Time) (bool, error) {
	var n int
	err := s.DB.Row(ctx, `
		select count(*) from (select 1 from grants where client_id = $1 and created_at > $2 limit 1) as one`,
		db.Args(client, since), &n)
	return n > 0, err
}

// grantRow is a grant that is alive.
type grantRow struct{ id, client, session string }

func (h harm) liveGrants(ctx context.Context, after string, until time.Time, n int) ([]grantRow, error) {
	return db.Collect(ctx, h.DB, `
		select id, client_id, session_id from grants
		where id > $1 and ended_at is null and expires_at > $2 and created_at < $3
		order by id limit $4`, db.Args(after, h.Clock(), until, n),
		func(scan db.Scan) (g grantRow, err error) {
			return g, scan(&g.id, &g.client, &g.session)
		})
}

func (h harm) endGrant(ctx context.Context, id string) error {
	_, err := h.DB.Exec(ctx, `update grants set ended_at = $1 where id = $2 and ended_at is null`, h.Clock(), id)
	return err
}

// isOpen tells whether the session is there and was not ended.
func (h harm) isOpen(ctx context.Context, session string) (bool, error) {
	var n int
	err := h.DB.Row(ctx, `select count(*) from sessions where id = $1 and ended_at is null`, db.Args(session), &n)
	return n > 0, err
}

func (h harm) openSessions(ctx context.Context, n int) ([]string, error) {
	return db.Collect(ctx, h.DB, `select id from sessions where ended_at is null order by id limit $1`, db.Args(n),
		func(scan db.Scan) (id string, err error) {
			return id, scan(&id)
		})
}

// dropCodes forgets every code, link and challenge that was not used, and what codes and
// access tokens are sealed with.
func (h harm) dropCodes(ctx context.Context) error {
	if err := (&sealing.Keys{DB: h.DB, Clock: h.Clock}).Drop(ctx); err != nil {
		return err
	}
	_, err := h.DB.Exec(ctx, `delete from once where spent_at is null`)
	return err
}
