package sealing

import (
	"context"
	"time"

	"tegata/shared/db"
	"tegata/shared/secret"
)

func (s *Keys) insert(ctx context.Context, id string, sealed []byte, now time.Time) error {
	_, err := s.DB.Exec(ctx, `insert into token_keys (id, sealed, sealed_by, created_at) values ($1, $2, $3, $4)`,
		id, sealed, secret.SealedBy(sealed), now)
	return err
}

// byID gives a key, fault.NotFound when there is none.
func (s *Keys) byID(ctx context.Context, id string) (sealed []byte, createdAt time.Time, err error) {
	err = s.DB.Row(ctx, `select sealed, created_at from token_keys where id = $1`, db.Args(id), &sealed, &createdAt)
	return sealed, createdAt, err
}

// currentID names the newest key that was made after the moment.
func (s *Keys) currentID(ctx context.Context, after time.Time) (id string, err error) {
	err = s.DB.Row(ctx, `select id from token_keys where created_at > $1 order by created_at desc, id limit 1`, db.Args(after), &id)
	return id, err
}

// Sweep forgets the keys of which nothing can be alive any more, and tells how many.
func (s *Keys) Sweep(ctx context.Context) (int64, error) {
	n, err := s.DB.Exec(ctx, `delete from token_keys where created_at < $1`, s.Clock().Add(-KeepFor))
	s.kept.Clear()
	return n, err
}

// Drop forgets every key, and with it every code and access token that was sealed: here
// at once, on other nodes within seconds.
func (s *Keys) Drop(ctx context.Context) error {
	_, err := s.DB.Exec(ctx, `delete from token_keys`)
	s.kept.Clear()
	s.newest.Store(nil)
	return err
}
