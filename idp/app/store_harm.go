package app

import (
	"context"
	"time"

	"tegata/idp/connections"
	"tegata/idp/oidc/sealing"
	"tegata/shared/db"
)

// letPeopleIn gives the clients that got something for a person since, by the connections
// that are noted with each grant and each ID token that comes through the browser. It is
// one statement for all clients, as the table is ordered by people. last_at is exact to
// the hour; a consent that was withdrawn before it was used is no use.
func (s *Services) letPeopleIn(ctx context.Context, since time.Time) (map[string]bool, error) {
	all := map[string]bool{}
	_, err := db.Collect(ctx, s.DB, `
		select distinct client_id from connections
		where last_at > $1 and (withdrawn_at is null or withdrawn_at <> last_at or scopes <> '')`, db.Args(since.Add(-time.Hour)),
		func(scan db.Scan) (id string, err error) {
			err = scan(&id)
			all[id] = true
			return id, err
		})
	return all, err
}

// holding is a grant that is alive or, where grant is "", a session that goes on and has
// let the client in.
type holding struct{ grant, client, session string }

// liveGrants gives some grants that are alive and began before the moment.
func (h harm) liveGrants(ctx context.Context, last holding, until time.Time, n int) ([]holding, error) {
	return db.Collect(ctx, h.DB, `
		select g.id, g.client_id, g.session_id from grants g
		join clients c on c.id = g.client_id and c.created_at = g.registered
		where g.id > $1 and g.ended_at is null and g.expires_at > $2 and g.created_at < $3
		and (g.offline or `+connections.LetIn("g")+`)
		order by g.id limit $4`, db.Args(last.grant, h.Clock(), until, n),
		func(scan db.Scan) (one holding, err error) {
			return one, scan(&one.grant, &one.client, &one.session)
		})
}

// letIn gives some clients that open sessions let in before the moment.
func (h harm) letIn(ctx context.Context, last holding, until time.Time, n int) ([]holding, error) {
	return db.Collect(ctx, h.DB, `
		select m.client_id, m.session_id from session_clients m join sessions s on s.id = m.session_id
		where (m.session_id > $1 or m.session_id = $1 and m.client_id > $2)
		and s.ended_at is null and m.created_at < $3
		order by m.session_id, m.client_id limit $4`, db.Args(last.session, last.client, until, n),
		func(scan db.Scan) (one holding, err error) {
			return one, scan(&one.client, &one.session)
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
