package once

import (
	"context"
	"encoding/base64"
	"time"

	"tegata/shared/db"
	"tegata/shared/secret"
)

// row is a Ticket with what nobody else sees.
type row struct {
	Ticket
	digest, code []byte
	maxTries     int
}

const columns = `id, purpose, subject, digest, code, payload, tries, max_tries, created_at, expires_at, spent_at, replaced`

func (r *row) dest() []any {
	return []any{
		&r.ID, &r.Purpose, &r.Subject, &r.digest, &r.code, &r.Payload, &r.Tries, &r.maxTries,
		&r.CreatedAt, &r.ExpiresAt, &r.SpentAt, &r.Replaced,
	}
}

func (s Store) insert(ctx context.Context, r row) error {
	_, err := s.DB.Exec(ctx, `
		insert into once (`+columns+`)
		values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, null, false)`,
		r.ID, string(r.Purpose), r.Subject, r.digest, r.code, string(r.Payload), r.maxTries, r.CreatedAt, r.ExpiresAt)
	return err
}

func (s Store) byID(ctx context.Context, p Purpose, id string) (row, error) {
	var r row
	err := s.DB.Row(ctx, `select `+columns+` from once where id = $1 and purpose = $2`,
		db.Args(id, string(p)), r.dest()...)
	return r, err
}

// spend ends an open row; won is false when it was not open any more.
func (s Store) spend(ctx context.Context, t Ticket, now time.Time) (won bool, err error) {
	n, err := s.DB.Exec(ctx, `
		update once set spent_at = $3
		where id = $1 and purpose = $2 and spent_at is null and expires_at > $3`,
		t.ID, string(t.Purpose), now)
	return n == 1, err
}

// count takes one try of an open row that has a code and a try left.
func (s Store) count(ctx context.Context, p Purpose, id string, now time.Time) (row, error) {
	var r row
	err := s.DB.Row(ctx, `
		update once set tries = tries + 1
		where id = $1 and purpose = $2 and code is not null
			and spent_at is null and expires_at > $3 and tries < max_tries
		returning `+columns, db.Args(id, string(p), now), r.dest()...)
	return r, err
}

func (s Store) replace(ctx context.Context, p Purpose, subject string, now time.Time) (int64, error) {
	return s.DB.Exec(ctx, `
		update once set spent_at = $3, replaced = true
		where subject = $1 and purpose = $2 and spent_at is null and subject <> ''`,
		subject, string(p), now)
}

// remember writes a row whose id is the key's digest; an expired one of the same key
// is taken over, since it only waits to be swept.
func (s Store) remember(ctx context.Context, p Purpose, key string, until, now time.Time) (first bool, err error) {
	digest := secret.Digest(string(p) + "\x00" + key)
	n, err := s.DB.Exec(ctx, `
		insert into once (`+columns+`)
		values ($1, $2, '', $3, null, '', 0, 0, $4, $5, $4, false)
		on conflict (id) do update set created_at = excluded.created_at, expires_at = excluded.expires_at
		where once.expires_at <= $4`,
		string(p)+":"+base64.RawURLEncoding.EncodeToString(digest), string(p), digest, now, until)
	return n == 1, err
}

// Sweep deletes the rows that have been over for longer than keep, a few at a time,
// and tells how many it deleted.
func (s Store) Sweep(ctx context.Context, now time.Time, keep time.Duration) (int64, error) {
	return s.DB.Sweep(ctx, `
		delete from once where id in (
			select id from once where expires_at < $1 order by expires_at limit $2)`, now.Add(-keep))
}
