package oidc

import (
	"context"
	"time"

	"tegata/shared/db"
)

// subjects is the table of what sectors know accounts by.
type subjects struct{ DB *db.DB }

// pairwise gives the subject that the sector knows the account by; fault.NotFound
// when it has none yet.
func (s subjects) pairwise(ctx context.Context, accountID, sector string) (subject string, err error) {
	err = s.DB.Row(ctx, `select subject from subjects where account_id = $1 and sector = $2`, db.Args(accountID, sector), &subject)
	return subject, err
}

// keepPairwise keeps the subject, unless another request was faster, and gives the one
// that counts.
func (s subjects) keepPairwise(ctx context.Context, accountID, sector, subject string, now time.Time) (string, error) {
	_, err := s.DB.Exec(ctx, `
		insert into subjects (account_id, sector, subject, created_at) values ($1, $2, $3, $4)
		on conflict (account_id, sector) do nothing`, accountID, sector, subject, now)
	if err != nil {
		return "", err
	}
	return s.pairwise(ctx, accountID, sector)
}

// accountOf gives the account that the sector knows by the subject.
func (s subjects) accountOf(ctx context.Context, sector, subject string) (accountID string, err error) {
	err = s.DB.Row(ctx, `select account_id from subjects where sector = $1 and subject = $2`, db.Args(sector, subject), &accountID)
	return accountID, err
}
