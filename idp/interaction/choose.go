package interaction

import (
	"context"

	"tegata/idp/sessions"
	"tegata/shared/fault"
)

// Choose keeps that the person goes on with the account that is signed in, where that is
// what is asked (AskAccount), also after another address was typed. Where the request
// wants a fresh log-in too, the password of that account comes next. It gives fault.Denied
// when there is nothing to choose, and the errors of Load.
func (s *Service) Choose(ctx context.Context, id, browser string, session *sessions.Session) error {
	it, err := s.Load(ctx, id, browser)
	if err != nil {
		return err
	}
	it.Email = ""
	at, err := s.state(ctx, it, session)
	if err != nil {
		return err
	}
	if Next(at, it.Asked) != AskAccount {
		return fault.New(fault.Denied, "", "interaction.unfinished")
	}
	if fresh(at, it.Asked) {
		return s.Store.choose(ctx, id, session.AccountID)
	}
	account, err := s.Accounts.ByID(ctx, session.AccountID)
	if err != nil {
		return err
	}
	return s.Store.identify(ctx, id, account.Email)
}
