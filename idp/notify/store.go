package notify

import (
	"context"
	"encoding/json"
	"time"

	"tegata/shared/db"
)

// Store keeps the letters of the postbox.
type Store struct{ DB *db.DB }

func (s Store) keep(ctx context.Context, l Letter) error {
	links, err := json.Marshal(l.Links)
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `
		insert into postbox (id, kind, recipient, subject, body, html, links, code, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (id) do nothing`,
		l.ID, l.Kind, l.To, l.Subject, l.Text, l.HTML, string(links), l.Code, l.At)
	return err
}

func (s Store) letters(ctx context.Context, n int) ([]Letter, error) {
	return db.Collect(ctx, s.DB, `
		select id, kind, recipient, subject, body, html, links, code, at from postbox
		order by id desc limit $1`, db.Args(n), func(scan db.Scan) (l Letter, err error) {
		var links string
		if err := scan(&l.ID, &l.Kind, &l.To, &l.Subject, &l.Text, &l.HTML, &links, &l.Code, &l.At); err != nil {
			return l, err
		}
		return l, json.Unmarshal([]byte(links), &l.Links)
	})
}

func (s Store) forget(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Sweep(ctx, `delete from postbox where id in (select id from postbox where at < $1 order by id limit $2)`, before)
}
