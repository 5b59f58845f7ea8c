package sso

import (
	"context"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
)

// store remembers tracker sessions.
type store struct{ DB *db.DB }

// insert gives fault.Expired when the provider's session is over already.
func (s store) insert(ctx context.Context, n Session) error {
	done, err := s.DB.Exec(ctx, `
		insert into tracker_sessions (id, digest, candidate_id, issuer, subject, sid, id_token, wanted,
			created_at, seen_at, expires_at)
		select $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11 from candidates
		where id = $3 and not exists (select 1 from ended_sids where issuer = $4 and sid = $6)`,
		n.ID, n.digest, n.CandidateID, n.Issuer, n.Subject, n.SID, n.idToken, n.Wanted,
		n.CreatedAt, n.SeenAt, n.ExpiresAt)
	if err == nil && done == 0 {
		return fault.New(fault.Expired, "", "signin.expired")
	}
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

// keepEnded remembers that the provider's session is over.
func (s store) keepEnded(ctx context.Context, issuer, sid string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		insert into ended_sids (issuer, sid, ended_at) values ($1, $2, $3)
		on conflict (issuer, sid) do nothing`, issuer, sid, now)
	return err
}

// endOf ends the sessions of the provider's session sid, or without one all of the
// subject, and gives them. With both, both have to fit.
func (s store) endOf(ctx context.Context, issuer, sid, subject string, now time.Time) ([]Session, error) {
	return db.Collect(ctx, s.DB, `
		update tracker_sessions set ended_at = $4, id_token = $5
		where issuer = $1 and (sid = $2 or $2 = '') and (subject = $3 or $3 = '') and ended_at is null
		returning id, candidate_id, sid`, db.Args(issuer, sid, subject, now, []byte{}),
		func(scan db.Scan) (n Session, err error) {
			err = scan(&n.ID, &n.CandidateID, &n.SID)
			return n, err
		})
}

// endIfMatches ends a session for whoever knows its secret.
func (s store) endIfMatches(ctx context.Context, id string, digest []byte, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		update tracker_sessions set ended_at = $3, id_token = $4
		where id = $1 and digest = $2 and ended_at is null`, id, digest, now, []byte{})
	return err
}

func (s store) sweep(ctx context.Context, before time.Time) (int64, error) {
	_, err := s.DB.Sweep(ctx, `
		delete from ended_sids where ended_at < $1 and (issuer, sid) in (
			select issuer, sid from ended_sids where ended_at < $1 order by ended_at limit $2)`, before)
	if err != nil {
		return 0, err
	}
	return s.DB.Sweep(ctx, `
		delete from tracker_sessions where (expires_at < $1 or ended_at < $1) and id in (
			select id from tracker_sessions where expires_at < $1 or ended_at < $1 limit $2)`, before)
}
