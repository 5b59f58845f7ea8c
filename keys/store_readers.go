package keys

import (
	"context"
	"time"

	"tegata/shared/db"
)

func (r *Ring) keepSeen(ctx context.Context, at from, when time.Time) error {
	_, err := r.DB.Exec(ctx, `
		insert into key_readers (client_id, place, agent, seen_at) values ($1, $2, $3, $4)
		on conflict (client_id, place, agent) do update set seen_at = excluded.seen_at
		where excluded.seen_at > key_readers.seen_at`, at.reader, at.place, at.agent, when)
	return err
}

// seenReaders gives from where readers have proved themselves since.
func (r *Ring) seenReaders(ctx context.Context, since time.Time) ([]sighting, error) {
	return db.Collect(ctx, r.DB, `
		select client_id, place, agent, seen_at from key_readers where seen_at > $1 order by client_id, place, agent`, db.Args(since),
		func(scan db.Scan) (s sighting, err error) {
			return s, scan(&s.reader, &s.place, &s.agent, &s.at)
		})
}

func (r *Ring) places(ctx context.Context, since time.Time) ([]string, error) {
	return db.Collect(ctx, r.DB, `select distinct place from key_readers where seen_at > $1`, db.Args(since),
		func(scan db.Scan) (place string, err error) {
			return place, scan(&place)
		})
}

// keepFetch never goes back to an older set: a node with an old one may write later.
func (r *Ring) keepFetch(ctx context.Context, f fetch) error {
	_, err := r.DB.Exec(ctx, `
		insert into key_fetches (place, agent, client_id, generation, fetched_at) values ($1, $2, $3, $4, $5)
		on conflict (place, agent, client_id) do update set generation = excluded.generation, fetched_at = excluded.fetched_at
		where excluded.generation > key_fetches.generation
			or excluded.generation = key_fetches.generation and excluded.fetched_at > key_fetches.fetched_at`,
		f.place, f.agent, f.reader, f.generation, f.at)
	return err
}

func (r *Ring) fetches(ctx context.Context) ([]fetch, error) {
	return db.Collect(ctx, r.DB, `
		select place, agent, client_id, generation, fetched_at from key_fetches order by fetched_at`, nil,
		func(scan db.Scan) (f fetch, err error) {
			return f, scan(&f.place, &f.agent, &f.reader, &f.generation, &f.at)
		})
}

// sweepReaders forgets who has not come for long.
func (r *Ring) sweepReaders(ctx context.Context, before time.Time) error {
	if _, err := r.DB.Exec(ctx, `delete from key_readers where seen_at < $1`, before); err != nil {
		return err
	}
	_, err := r.DB.Exec(ctx, `delete from key_fetches where fetched_at < $1 and place <> ''`, before)
	return err
}

// beat tells that this program runs and what it does.
func (r *Ring) beat(ctx context.Context, n Node) error {
	return r.DB.Tx(ctx, func(ctx context.Context) error {
		_, err := r.DB.Exec(ctx, `
			insert into key_nodes (id, host, generation, signs, holds, seen_at) values ($1, $2, $3, $4, $5, $6)
			on conflict (id) do update set generation = excluded.generation, signs = excluded.signs,
				holds = excluded.holds, seen_at = excluded.seen_at`,
			n.ID, n.Host, n.Generation, join(n.Signs), join(n.Holds), n.SeenAt)
		if err != nil {
			return err
		}
		_, err = r.DB.Exec(ctx, `update key_ring set beat_at = $1 where id = 1 and beat_at < $1`, n.SeenAt)
		return err
	})
}

// gone takes this program off the list.
func (r *Ring) gone(ctx context.Context, id string) error {
	_, err := r.DB.Exec(ctx, `delete from key_nodes where id = $1`, id)
	return err
}

func (r *Ring) sweepNodes(ctx context.Context, before time.Time) error {
	_, err := r.DB.Exec(ctx, `delete from key_nodes where seen_at < $1`, before)
	return err
}

func (r *Ring) nodes(ctx context.Context, since time.Time) ([]Node, error) {
	return db.Collect(ctx, r.DB, `
		select id, host, generation, signs, holds, seen_at from key_nodes where seen_at >= $1 order by host, id`, db.Args(since),
		func(scan db.Scan) (n Node, err error) {
			var signs, holds string
			err = scan(&n.ID, &n.Host, &n.Generation, &signs, &holds, &n.SeenAt)
			n.Signs, n.Holds = split(signs), split(holds)
			return n, err
		})
}
