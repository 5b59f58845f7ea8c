// Package connections knows which clients a person uses, and which ones a session has
// let in.
//
//	Note        a client got tokens; called where grants are written
//	OfSession   the clients to be told when a session ends
//	OfAccount   the connected applications of a person
//	Withdraw    the person ends one, with its grants, tokens and consent
//	store.go    the tables
//
// Codes that were issued before a withdrawal are void: Withdrawn is looked at where a
// code is redeemed.
package connections

import (
	"context"
	"strings"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// Member is a client that a session has let in.
type Member struct{ ClientID, Subject string }

// Connection is a client that a person uses.
type Connection struct {
	ClientID string
	Scopes   []string  // allowed, or granted without asking
	FirstAt  time.Time // when the person first allowed or used it
	LastAt   time.Time // zero: allowed and never used
}

// Use is that a client got tokens of a session.
type Use struct {
	SessionID, ClientID, AccountID, Subject string
	Scopes                                  []string
}

// Service decides about connections. All fields are needed.
type Service struct {
	DB    *db.DB
	Audit audit.Log
	Clock clock.Clock
}

func (s *Service) store() store { return store{s.DB} }

// Note remembers the use; it joins the caller's transaction, in which the grant is
// written. It gives fault.Expired when the session has ended meanwhile: then nobody
// would tell the client so.
func Note(ctx context.Context, d *db.DB, u Use, now time.Time) error {
	s := store{d}
	if u.SessionID != "" {
		first, err := s.insertMember(ctx, u, now)
		if err != nil {
			return err
		}
		if first {
			alive, err := s.holdSession(ctx, u.SessionID)
			if err == nil && !alive {
				err = fault.New(fault.Expired, "", "oidc.session_over")
			}
			if err != nil {
				return err
			}
		}
	}
	return s.use(ctx, u, now)
}

// OfSession gives the clients that the session has let in.
func (s *Service) OfSession(ctx context.Context, sessionID string) ([]Member, error) {
	return s.store().members(ctx, sessionID)
}

// OfAccount gives what the person uses or has allowed, the last used first.
func (s *Service) OfAccount(ctx context.Context, accountID string) ([]Connection, error) {
	return s.store().ofAccount(ctx, accountID)
}

// Withdraw ends what the person allowed the client: consent, grants and tokens. The
// client is asked about again when the person uses it next. It gives fault.NotFound
// when there is nothing to end.
func (s *Service) Withdraw(ctx context.Context, accountID, clientID string) error {
	now := s.Clock()
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		st := s.store()
		scopes, err := st.dropConsent(ctx, accountID, clientID)
		if err != nil {
			return err
		}
		known, err := st.withdraw(ctx, accountID, clientID, scopes, now)
		if err != nil {
			return err
		}
		if !known && scopes == nil {
			return fault.New(fault.NotFound, "", "apps.unknown")
		}
		if err := st.endGrants(ctx, accountID, clientID, now); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			Action: "consent.withdrawn", Actor: accountID, Subject: accountID, Client: clientID,
			Details: map[string]string{"scopes": strings.Join(scopes, " ")},
		})
	})
}
