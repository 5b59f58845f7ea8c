package accounts

import (
	"context"
	"time"

	"tegata/shared/db"
)

func (s Store) insertWaiting(ctx context.Context, w Waiting) error {
	_, err := s.DB.Exec(ctx, `
		insert into sign_ups (id, digest, email, language, resume, ticket_id, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		w.id, w.digest, w.Email, w.Language, w.Resume, w.ticketID, w.CreatedAt, w.ExpiresAt)
	return err
}

func (s Store) waiting(ctx context.Context, id string) (w Waiting, err error) {
	err = s.DB.Row(ctx, `
		select id, digest, email, language, resume, ticket_id, created_at, expires_at
		from sign_ups where id = $1`, db.Args(id),
		&w.id, &w.digest, &w.Email, &w.Language, &w.Resume, &w.ticketID, &w.CreatedAt, &w.ExpiresAt)
	return w, err
}

// setWaiting notes which ticket the page waits for now; it waits seven days for that.
func (s Store) setWaiting(ctx context.Context, id, ticketID string, expiresAt time.Time) error {
	_, err := s.DB.Exec(ctx, `update sign_ups set ticket_id = $2, expires_at = $3 where id = $1`, id, ticketID, expiresAt)
	return err
}

func (s Store) deleteWaiting(ctx context.Context, now time.Time) error {
	_, err := s.DB.Sweep(ctx, `
		delete from sign_ups where expires_at < $1 and id in (
			select id from sign_ups where expires_at < $1 order by expires_at limit $2)`, now)
	return err
}
