package clients

import (
	"context"
	"time"

	"tegata/shared/db"
)

func (s Store) insertInvitation(ctx context.Context, i Invitation) error {
	_, err := s.DB.Exec(ctx, `
		insert into invitations (id, digest, note, uses_left, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6)`,
		i.ID, i.digest, i.Note, i.UsesLeft, i.CreatedAt, i.ExpiresAt)
	return err
}

// useInvitation gives fault.NotFound unless there is one use left.
func (s Store) useInvitation(ctx context.Context, id string, digest []byte, now time.Time) error {
	return s.DB.Row(ctx, `
		update invitations set uses_left = uses_left - 1
		where id = $1 and digest = $2 and uses_left > 0 and expires_at > $3
		returning id`, db.Args(id, digest, now), &id)
}

// openInvitation gives fault.NotFound unless there is one use left.
func (s Store) openInvitation(ctx context.Context, id string, digest []byte, now time.Time) error {
	return s.DB.Row(ctx, `
		select id from invitations
		where id = $1 and digest = $2 and uses_left > 0 and expires_at > $3`, db.Args(id, digest, now), &id)
}

func (s Store) sweepInvitations(ctx context.Context, now time.Time) (int64, error) {
	return s.DB.Sweep(ctx, `delete from invitations where id in (select id from invitations where expires_at < $1 order by expires_at limit $2)`, now)
}

// invitations gives all of them, the newest first, without their digests.
func (s Store) invitations(ctx context.Context) ([]Invitation, error) {
	return db.Collect(ctx, s.DB, `
		select i.id, i.note, i.uses_left, i.created_at, i.expires_at,
		(select count(*) from registrations r where r.invitation_id = i.id)
		from invitations i order by i.created_at desc, i.id desc`, nil,
		func(scan db.Scan) (i Invitation, err error) {
			return i, scan(&i.ID, &i.Note, &i.UsesLeft, &i.CreatedAt, &i.ExpiresAt, &i.Registered)
		})
}

// registeredWith gives the clients that came by an invitation and are still there.
func (s Store) registeredWith(ctx context.Context, id string) ([]string, error) {
	return db.Collect(ctx, s.DB, `
		select client_id from registrations where invitation_id = $1 order by created_at, client_id`, db.Args(id),
		func(scan db.Scan) (client string, err error) { return client, scan(&client) })
}

// endInvitation takes all uses away and gives how many there were; fault.NotFound unless
// there was one left. It is over by its time as well: nodes with a clock that is behind go by
// the uses. The first statement holds the row, so that whoever is about to use it either has
// done so, or finds nothing left.
func (s Store) endInvitation(ctx context.Context, id string, now time.Time) (usesLeft int, err error) {
	err = s.DB.Row(ctx, `
		update invitations set expires_at = $2
		where id = $1 and uses_left > 0 and expires_at > $2
		returning uses_left`, db.Args(id, now), &usesLeft)
	if err == nil {
		_, err = s.DB.Exec(ctx, `update invitations set uses_left = 0 where id = $1`, id)
	}
	return usesLeft, err
}
