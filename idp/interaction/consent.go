package interaction

import (
	"context"
	"slices"
	"strings"

	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/fault"
)

// Consent keeps what the person said: for this conversation, and for later ones when
// they allowed it. It gives fault.Denied when consent is not what is asked now.
func (s *Service) Consent(ctx context.Context, id, browser string, session *sessions.Session, allow bool) error {
	ctx = sessions.With(ctx, session)
	it, next, err := s.Step(ctx, id, browser)
	if err != nil {
		return err
	}
	if next != AskConsent {
		return fault.New(fault.Denied, "", "interaction.unfinished")
	}
	return s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		answer, action := Refused, "consent.denied"
		if allow {
			answer, action = Allowed, "consent.granted"
			if err := s.Allow(ctx, session.AccountID, it.ClientID, it.Scopes); err != nil {
				return err
			}
		}
		if err := s.Store.answer(ctx, id, session.AccountID, answer); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			Action: action, Actor: session.AccountID, Subject: session.AccountID, Client: it.ClientID,
			Details: map[string]string{"scopes": strings.Join(it.Scopes, " ")},
		})
	})
}

// Allow adds the scopes to those that the account allowed the client before.
func (s *Service) Allow(ctx context.Context, accountID, clientID string, scopes []string) error {
	have, err := s.Store.consent(ctx, accountID, clientID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	all := append(have, scopes...)
	slices.Sort(all)
	return s.Store.keepConsent(ctx, accountID, clientID, slices.Compact(all), s.Clock())
}
