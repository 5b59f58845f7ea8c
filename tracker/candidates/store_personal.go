package candidates

import (
	"context"
	"time"

	"tegata/shared/db"
)

func (s store) address(ctx context.Context, candidateID, kind string) (a Address, err error) {
	err = s.DB.Row(ctx, `
		select recipient, line1, line2, city, region, postcode, country, phone, updated_at
		from addresses where candidate_id = $1 and kind = $2`, db.Args(candidateID, kind),
		&a.Recipient, &a.Line1, &a.Line2, &a.City, &a.Region, &a.Postcode, &a.Country, &a.Phone, &a.UpdatedAt)
	return a, err
}

func (s store) saveAddress(ctx context.Context, id, candidateID, kind string, a Address, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		insert into addresses (id, candidate_id, kind, recipient, line1, line2, city, region, postcode, country, phone,
			created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
		on conflict (candidate_id, kind) do update set
			recipient = excluded.recipient, line1 = excluded.line1, line2 = excluded.line2, city = excluded.city,
			region = excluded.region, postcode = excluded.postcode, country = excluded.country, phone = excluded.phone,
			updated_at = excluded.updated_at`,
		id, candidateID, kind, a.Recipient, a.Line1, a.Line2, a.City, a.Region, a.Postcode, a.Country, a.Phone, now)
	return err
}

func (s store) settings(ctx context.Context, candidateID string) (set Settings, err error) {
	err = s.DB.Row(ctx, `
		select language, zone, communication, updated_at from settings where candidate_id = $1`, db.Args(candidateID),
		&set.Language, &set.Zone, &set.Communication, &set.UpdatedAt)
	return set, err
}

func (s store) saveSettings(ctx context.Context, candidateID string, set Settings, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		insert into settings (candidate_id, language, zone, communication, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $5)
		on conflict (candidate_id) do update set
			language = excluded.language, zone = excluded.zone, communication = excluded.communication,
			updated_at = excluded.updated_at`,
		candidateID, set.Language, set.Zone, string(set.Communication), now)
	return err
}
