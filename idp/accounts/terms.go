package accounts

import (
	"context"

	"tegata/shared/fault"
)

// TermsDue tells whether the account has to accept the terms of today before it goes
// on: their version is another than any it accepted (S-029). Without a version there
// is nothing to accept.
func (s *Service) TermsDue(ctx context.Context, accountID string) (bool, error) {
	if s.Terms == "" {
		return false, nil
	}
	err := s.Store.accepted(ctx, accountID, s.Terms)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	return false, err
}

// AcceptTerms keeps that the account accepted the terms of today, when, and in which
// language they were shown. The first acceptance of a version is the one that counts.
func (s *Service) AcceptTerms(ctx context.Context, accountID, language string) error {
	return s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.Store.acceptTerms(ctx, accountID, s.Terms, language, s.Clock()); err != nil {
			return err
		}
		e := event("terms.accepted", accountID)
		e.Details = map[string]string{"version": s.Terms}
		return s.Audit.Record(ctx, e)
	})
}
