package limit

import (
	"context"
	"time"

	"tegata/shared/db"
)

// sweepBatch bounds one DELETE, so that sweeping never holds writers up for long.
const sweepBatch = 500

// take moves the row one interval on, unless it lies beyond the latest time already.
// (CASE, because the greater of two is max() here and greatest() there.)
func (l Limiter) take(ctx context.Context, id string, w window, every time.Duration) (taken bool, err error) {
	n, err := l.DB.Exec(ctx, `
		insert into limits (id, free_at) values ($1, $2)
		on conflict (id) do update
			set free_at = case when limits.free_at > $3 and limits.free_at <= $6 then limits.free_at + $4 else $2 end
			where limits.free_at <= $5 or limits.free_at > $6`,
		id, w.now.Add(every), w.now, every.Microseconds(), w.latest, w.absurd)
	return n == 1, err
}

// giveBack moves the row one interval back, if it limits anything still.
func (l Limiter) giveBack(ctx context.Context, id string, now time.Time, every time.Duration) error {
	_, err := l.DB.Exec(ctx, `update limits set free_at = free_at - $3 where id = $1 and free_at > $2`, id, now, every.Microseconds())
	return err
}

func (l Limiter) freeAt(ctx context.Context, id string) (at time.Time, err error) {
	err = l.DB.Row(ctx, `select free_at from limits where id = $1`, db.Args(id), &at)
	return at, err
}

func (l Limiter) forget(ctx context.Context, id string) error {
	_, err := l.DB.Exec(ctx, `delete from limits where id = $1`, id)
	return err
}

func scanID(scan db.Scan) (id string, err error) {
	err = scan(&id)
	return id, err
}

// Sweep deletes the rows that limit nothing any more and tells how many. It walks
// along the key: an index for the sweep would cost every attempt a write.
func (l Limiter) Sweep(ctx context.Context, now time.Time) (int64, error) {
	var all int64
	for after := ""; ; {
		ids, err := db.Collect(ctx, l.DB, `select id from limits where id > $1 order by id limit $2`,
			db.Args(after, sweepBatch), scanID)
		if err != nil || len(ids) == 0 {
			return all, err
		}
		last := ids[len(ids)-1]
		n, err := l.DB.Exec(ctx, `delete from limits where id > $1 and id <= $2 and free_at <= $3`, after, last, now)
		all += n
		if err != nil {
			return all, err
		}
		after = last
	}
}
