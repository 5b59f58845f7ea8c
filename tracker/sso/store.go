package sso

import (
	"context"
	"time"

	"tegata/shared/db"
)

// store remembers tracker sessions.
type store struct{ DB *db.DB }

func (s store) insert(ctx context.Context, n Session) error {
	_, err := s.DB.Exec(ctx, `
		insert into tracker_sessions (id, digest, candidate_id, issuer, subject, sid, id_token, wanted,
			created_at, seen_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		n.ID, n.digest, n.CandidateID, n.Issuer, n.Subject, n.SID, n.idToken, n.Wanted,
		n.CreatedAt, n.SeenAt, n.ExpiresAt)
	return err
}

// byID gives a session that nobody ended; its times are the caller's business.
func (s store) byID(ctx context.Context, id string) (n Session, err error) {
	err = s.DB.Row(ctx, `
		select id, digest, candidate_id, issuer, subject, sid, id_token, wanted, created_at, seen_at, expires_at
		from tracker_sessions where id = $1 and ended_at is null`, db.Args(id),
		&n.ID, &n.digest, &n.CandidateID, &n.Issuer, &n.Subject, &n.SID, &n.idToken, &n.Wanted,
		&n.CreatedAt, &n.SeenAt, &n.ExpiresAt)
	return n, err
}

// seen notes the use of a session; of many requests at once the latest time stays.
func (s store) seen(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update tracker_sessions set seen_at = $2 where id = $1 and seen_at < $2`, id, now)
	return err
}

// end ends a session and forgets its ID token; false when somebody was faster.
func (s store) end(ctx context.Context, id string, now time.Time) (bool, error) {
	n, err := s.DB.Exec(ctx, `
		update tracker_sessions set ended_at = $2, id_token = $3 where id = $1 and ended_at is null`, id, now, []byte{})
	return n == 1, err
}

// endIfMatches ends a session for whoever knows its secret.
func (s store) endIfMatches(ctx context.Context, id string, digest []byte, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		update tracker_sessions set ended_at = $3, id_token = $4
		where id = $1 and digest = $2 and ended_at is null`, id, digest, now, []byte{})
	return err
}

func (s store) sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Exec(ctx, `
		delete from tracker_sessions where expires_at < $1 or ended_at < $1`, before)
}
