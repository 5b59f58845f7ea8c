package accounts

import (
	"context"
	"time"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Resend queues the activation mail of a waiting page once more; the older ones are
// dead. For an address that has an account by now, its owner is told so instead; the
// page cannot tell the difference. Too soon or too often is fault.TooMany with the time
// to wait, fault.NotFound when the page is too old.
func (s *Service) Resend(ctx context.Context, pendingID string) error {
	w, err := s.LookPending(ctx, pendingID)
	if err != nil {
		return err
	}
	if err := s.mayResend(ctx, w.Email, s.Clock()); err != nil {
		return err
	}
	return s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		id, err := s.sendAgain(ctx, w)
		if err != nil {
			return err
		}
		return s.Store.setWaiting(ctx, w.id, id, s.Clock().Add(ActivationFor))
	})
}

// ResendByLink does the same for a link that is expired or replaced, and gives the
// name of a new waiting page. A link of which nothing is left is fault.NotFound: the
// person signs up again.
func (s *Service) ResendByLink(ctx context.Context, token string) (pendingID string, err error) {
	l, err := s.LookLink(ctx, token)
	if err != nil {
		return "", err
	}
	if l.State != Expired && l.State != Replaced {
		return "", fault.New(fault.NotFound, "", "activation.gone")
	}
	a, err := s.Store.byEmail(ctx, l.Email)
	if fault.Is(err, fault.NotFound) {
		return "", fault.Wrap(fault.NotFound, "activation.gone", err)
	}
	if err != nil {
		return "", err
	}
	now := s.Clock()
	if err := s.mayResend(ctx, l.Email, now); err != nil {
		return "", err
	}
	name := secret.NewToken()
	w := Waiting{
		Email: l.Email, Language: a.Language, Resume: l.Resume, CreatedAt: now, ExpiresAt: now.Add(ActivationFor),
		id: name.ID, digest: secret.Digest(name.Secret),
	}
	err = s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if w.ticketID, err = s.sendAgain(ctx, w); err != nil {
			return err
		}
		return s.Store.insertWaiting(ctx, w)
	})
	return name.String(), err
}

// mayResend counts a mail that was asked for.
func (s *Service) mayResend(ctx context.Context, email string, now time.Time) error {
	if err := s.takePlace(ctx, s.Rules.ResendPlace, now); err != nil {
		return err
	}
	if err := s.Limit.Take(ctx, s.Rules.Resend, email, now); err != nil {
		return err
	}
	return s.Limit.Take(ctx, s.Rules.MailAddress, email, now)
}

// sendAgain queues the mail that suits the address now and gives the ticket whose code
// counts.
func (s *Service) sendAgain(ctx context.Context, w Waiting) (ticketID string, err error) {
	a, err := s.Store.byEmail(ctx, w.Email)
	if fault.Is(err, fault.NotFound) {
		return s.decoy(ctx, w, event("account.mail_repeated", ""))
	}
	if err != nil {
		return "", err
	}
	if a.State != Pending {
		if err := s.Notify.AlreadyHave(ctx, a.reader()); err != nil {
			return "", err
		}
		return s.decoy(ctx, w, event("account.mail_repeated", a.ID))
	}
	if _, err := s.Once.End(ctx, activation, a.ID, s.Clock()); err != nil {
		return "", err
	}
	if ticketID, err = s.sendActivation(ctx, a, w.Resume); err != nil {
		return "", err
	}
	return ticketID, s.Audit.Record(ctx, event("account.mail_repeated", a.ID))
}
