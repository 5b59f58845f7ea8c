package accounts

import (
	"context"
	"time"
)

// Sweep forgets sign-ups that nobody proved within 30 days, and waiting pages whose
// mails are over. It tells how many accounts went.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int64, error) {
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
		return s.Store.deleteWaiting(ctx, now)
	})
	return int64(len(gone)), err
}
