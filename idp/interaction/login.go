package interaction

import (
	"context"

	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/mail"
)

// Identify keeps the address a person typed in the first step (S-047). Whether there
// is an account is not looked at: the second step comes either way. Its errors are
// those of Load and mail.Address.
func (s *Service) Identify(ctx context.Context, id, browser, email string) error {
	if _, err := s.Load(ctx, id, browser); err != nil {
		return err
	}
	email, err := mail.Address(email)
	if err != nil {
		return err
	}
	return s.Store.identify(ctx, id, email)
}

// Password takes the second step: it logs the person in, starts a session (or renews
// the browser's own, when it is the same account's) and notes in the conversation that
// this was proved here. The caller puts cookieToken into the session cookie. Errors
// are those of Load and of accounts.LogIn; fault.Invalid on email when there was no
// first step.
func (s *Service) Password(ctx context.Context, id, browser, password string) (one sessions.Session, cookieToken string, err error) {
	it, err := s.Load(ctx, id, browser)
	if err != nil {
		return one, "", err
	}
	if it.Email == "" {
		return one, "", fault.New(fault.Invalid, "email", "email.missing")
	}
	who, err := s.Accounts.LogIn(ctx, it.Email, password)
	if err != nil {
		return one, "", err
	}
	err = s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if one, cookieToken, err = s.signIn(ctx, who.ID); err != nil {
			return err
		}
		return s.Store.proved(ctx, id, who.ID, one.ID)
	})
	return one, cookieToken, err
}

// signIn renews the session of the browser or starts one. A session of somebody else
// in the same browser ends.
func (s *Service) signIn(ctx context.Context, accountID string) (sessions.Session, string, error) {
	amr := []string{sessions.AMRPassword}
	old := sessions.Of(ctx)
	if old != nil && old.AccountID == accountID {
		one, token, err := s.Sessions.Renew(ctx, *old, amr)
		if !fault.Is(err, fault.Denied) {
			return one, token, err
		}
	} else if old != nil {
		other := audit.Cause{Actor: accountID, Details: map[string]string{"why": "somebody else signed in with this browser"}}
		if err := s.Sessions.End(audit.WithCause(ctx, other), old.ID); err != nil {
			return sessions.Session{}, "", err
		}
	}
	return s.Sessions.Start(ctx, accountID, amr)
}
