package clients

import (
	"context"
	"time"

	"tegata/shared/db"
)

func (s Store) insertRegistration(ctx context.Context, r Registration) error {
	_, err := s.DB.Exec(ctx, `
		insert into registrations (client_id, digest, invitation_id, place, created_at)
		values ($1, $2, $3, $4, $5)`,
		r.ClientID, r.digest, r.InvitationID, r.Place, r.CreatedAt)
	return err
}

func (s Store) registration(ctx context.Context, id string) (r Registration, err error) {
	err = s.DB.Row(ctx, `
		select client_id, digest, invitation_id, place, created_at, used_at
		from registrations where client_id = $1`, db.Args(id),
		&r.ClientID, &r.digest, &r.InvitationID, &r.Place, &r.CreatedAt, &r.UsedAt)
	return r, err
}

func (s Store) use(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update registrations set used_at = $2 where client_id = $1 and used_at is null`, id, now)
	return err
}

// sweepBatch is how many registrations are swept at a time.
const sweepBatch = 100

func (s Store) unused(ctx context.Context, before time.Time) ([]string, error) {
	return db.Collect(ctx, s.DB, `
		select r.client_id from registrations r join clients c on c.id = r.client_id
		where r.used_at is null and r.created_at < $1 and c.updated_at < $1
		order by r.created_at limit $2`, db.Args(before, sweepBatch),
		func(scan db.Scan) (id string, err error) { return id, scan(&id) })
}

// removeUnused takes the registration first: a client that gets its first tokens at the
// same moment is not there to be removed.
func (s Store) removeUnused(ctx context.Context, id string, now time.Time) (removed bool, err error) {
	n, err := s.DB.Exec(ctx, `delete from registrations where client_id = $1 and used_at is null`, id)
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.delete(ctx, id, now)
}

// replace gives fault.NotFound when the client has gone or was switched off meanwhile.
func (s Store) replace(ctx context.Context, c Client, now time.Time) error {
	record, err := c.encode()
	if err != nil {
		return err
	}
	return s.DB.Row(ctx, `
		update clients set record = $2, updated_at = $3
		where id = $1 and source = 'registration' and not disabled
		returning id`, db.Args(c.ID, record, now), &c.ID)
}

// remove deletes a client, if it registered itself, with what people allowed it.
func (s Store) remove(ctx context.Context, id string, now time.Time) error {
	n, err := s.DB.Exec(ctx, `delete from clients where id = $1 and source = 'registration'`, id)
	if err != nil || n == 0 {
		return err
	}
	return s.delete(ctx, id, now) // what is left
}
