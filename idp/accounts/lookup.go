package accounts

import (
	"context"

	"tegata/shared/mail"
)

// ByID gives an account, or fault.NotFound.
func (s *Service) ByID(ctx context.Context, id string) (Account, error) {
	return s.Store.byID(ctx, id)
}

// BySubject gives the account that clients know by that subject, or fault.NotFound.
func (s *Service) BySubject(ctx context.Context, subject string) (Account, error) {
	return s.Store.bySubject(ctx, subject)
}

// ByEmail gives the account of an address in any spelling, or fault.NotFound. It is
// for commands and our own staff; a page must not show the difference.
func (s *Service) ByEmail(ctx context.Context, email string) (Account, error) {
	address, err := mail.Address(email)
	if err != nil {
		return Account{}, err
	}
	return s.Store.byEmail(ctx, address)
}

// List gives up to n accounts in the order in which they were opened, those after the
// account with the id after; "" starts at the first.
func (s *Service) List(ctx context.Context, after string, n int) ([]Account, error) {
	return s.Store.list(ctx, after, n)
}
