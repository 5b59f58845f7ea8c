package accounts

import (
	"context"
	"time"
)

// sweepBatch bounds how many accounts go in one transaction, each with its event, so that
// sweeping never holds writers up for long.
const sweepBatch = 100

// Sweep forgets sign-ups that nobody proved within 30 days, and waiting pages whose
// mails are over. It tells how many accounts went.
func (s *Service) Sweep(ctx context.Context, now time.Time) (all int64, err error) {
	for {
		n, err := s.sweepSome(ctx, now)
		if all += n; err != nil {
			return all, err
		}
		if n < sweepBatch {
			return all, s.Store.deleteWaiting(ctx, now)
		}
	}
}

func (s *Service) sweepSome(ctx context.Context, now time.Time) (int64, error) {
	var gone []string
	err := s.Store.DB.Tx(ctx, func(ctx context.Context) (err error) {
		if gone, err = s.Store.deleteUnproved(ctx, now.Add(-PendingFor)); err != nil {
			return err
		}
		for _, id := range gone {
			e := event("account.expired", id)
			e.Actor = "system"
			if err := s.Audit.Record(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return int64(len(gone)), nil
}
