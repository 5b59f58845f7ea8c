package clients

import (
	"context"
	"encoding/json"
	"time"

	"tegata/shared/db"
)

// putResource writes a resource, when something changed.
func (s Store) putResource(ctx context.Context, r Resource, now time.Time) error {
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `
		insert into resources (id, source, record, disabled, created_at, updated_at)
		values ($1, $2, $3, false, $4, $4)
		on conflict (id) do update
		set source = excluded.source, record = excluded.record, disabled = false, updated_at = excluded.updated_at
		where resources.record <> excluded.record or resources.source <> excluded.source or resources.disabled`,
		r.ID, r.Source, string(record), now)
	return err
}

// allResources gives every resource, disabled ones too.
func (s Store) allResources(ctx context.Context) ([]Resource, error) {
	return db.Collect(ctx, s.DB, `select record, source, disabled from resources order by id`, nil,
		func(scan db.Scan) (r Resource, err error) {
			var record []byte
			var source string
			var disabled bool
			if err := scan(&record, &source, &disabled); err != nil {
				return r, err
			}
			err = json.Unmarshal(record, &r)
			r.Source, r.Disabled = source, disabled
			return r, err
		})
}

// disableResource switches a resource off: nobody gets tokens for it any more.
func (s Store) disableResource(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update resources set disabled = true, updated_at = $2 where id = $1`, id, now)
	return err
}
