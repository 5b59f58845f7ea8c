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
			if err := s.allow(ctx, session.AccountID, it); err != nil {
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

// allow adds the scopes to those that the account allowed the client before.
func (s *Service) allow(ctx context.Context, accountID string, it Interaction) error {
	have, err := s.Store.consent(ctx, accountID, it.ClientID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	all := append(have, it.Scopes...)
	slices.Sort(all)
	return s.Store.keepConsent(ctx, accountID, it.ClientID, slices.Compact(all), s.Clock())
}
