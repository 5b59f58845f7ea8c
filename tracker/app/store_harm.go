package app

import (
	"context"
	"time"
)

func (h harm) endEverything(ctx context.Context, now time.Time) (sessions int64, err error) {
	err = h.DB.Tx(ctx, func(ctx context.Context) error {
		if sessions, err = h.DB.Exec(ctx, `update tracker_sessions set ended_at = $1 where ended_at is null`, now); err != nil {
			return err
		}
		_, err := h.DB.Exec(ctx, `delete from once where spent_at is null`)
		return err
	})
	return sessions, err
}
