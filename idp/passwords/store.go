package passwords

import (
	"context"
	"time"

	"tegata/shared/db"
)

// Sealed is a hash, encrypted for the account it belongs to.
type Sealed struct {
	Box []byte
	By  string // the key-encryption key
}

// Record is one password of an account, current or past.
type Record struct {
	AccountID string
	Number    int // 1 is the first
	Sealed    Sealed
	ChangedAt time.Time
}

// Store keeps the passwords of accounts.
type Store struct{ DB *db.DB }

// Last gives the newest n passwords of an account, the current one first.
func (s Store) Last(ctx context.Context, accountID string, n int) ([]Record, error) {
	return db.Collect(ctx, s.DB, `
		select account_id, number, sealed, sealed_by, changed_at from passwords
		where account_id = $1 order by number desc limit $2`, db.Args(accountID, n),
		func(scan db.Scan) (r Record, err error) {
			return r, scan(&r.AccountID, &r.Number, &r.Sealed.Box, &r.Sealed.By, &r.ChangedAt)
		})
}

// Add writes r as a new password. Two that follow the same one collide on their
// number: the second gets fault.Conflict.
func (s Store) Add(ctx context.Context, r Record) error {
	_, err := s.DB.Exec(ctx, `
		insert into passwords (account_id, number, sealed, sealed_by, changed_at) values ($1, $2, $3, $4, $5)`,
		r.AccountID, r.Number, r.Sealed.Box, r.Sealed.By, r.ChangedAt)
	return err
}

// Forget deletes the passwords that are too old to matter after r was added.
func (s Store) Forget(ctx context.Context, r Record) error {
	_, err := s.DB.Exec(ctx, `delete from passwords where account_id = $1 and number <= $2`,
		r.AccountID, r.Number-Kept)
	return err
}

// Rehash replaces the hash of the same password, when it still is the one in r.
func (s Store) Rehash(ctx context.Context, r Record, fresh Sealed) error {
	_, err := s.DB.Exec(ctx, `
		update passwords set sealed = $4, sealed_by = $5
		where account_id = $1 and number = $2 and sealed = $3`,
		r.AccountID, r.Number, r.Sealed.Box, fresh.Box, fresh.By)
	return err
}
