package db

import (
	"context"
	"slices"
)

// sweepBatch bounds one DELETE, so that sweeping never holds writers up for long.
const sweepBatch = 500

// Sweep deletes what is over, a few rows at a time, and tells how many it deleted. text is
// a DELETE of no more rows than the number that it gets behind args:
//
//	delete from things where id in (select id from things where at < $1 limit $2)
//
// PostgreSQL looks again only at what stands outside of the brackets when somebody changes
// such a row meanwhile: repeat there what may change.
func (d *DB) Sweep(ctx context.Context, text string, args ...any) (all int64, err error) {
	args = append(slices.Clone(args), sweepBatch)
	for {
		n, err := d.Exec(ctx, text, args...)
		if all += n; err != nil || n < sweepBatch {
			return all, err
		}
	}
}
