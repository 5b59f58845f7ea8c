// Package connections knows which clients a person uses, and which ones a session has
// let in.
//
//	Note        a client got tokens; called where grants are written
//	Noted       that this is known already, as a condition for the statement that writes one
//	LetIn       that the session of a grant lets its client in, likewise
//	OfSession   the clients to be told when a session ends
//	OfAccount   the connected applications of a person
//	Withdraw    the person ends one, with its grants, tokens and consent
//	Ended       whether they did, and it was not used since
//	Knows       whether a session has let a client in
//	store.go    the tables
//
// Codes that were issued before a withdrawal are void: Withdrawn is looked at where a
// code is redeemed.
package connections

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// Member is a client that a session has let in.
type Member struct{ ClientID, Subject string }

// Visit is a session that has let a client in, as the client knows it.
type Visit struct {
	SessionID, ClientID, Subject string
	ExpiresAt                    time.Time // of the session
}

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
	AskedAt                                 time.Time // when the person, or the client on their behalf, asked for it
	Outlives                                bool      // good without the session: one that is over does not matter
}

// Service decides about connections. All fields are needed but Withdrawn.
type Service struct {
	DB    *db.DB
	Audit audit.Log
	Clock clock.Clock

	// Withdrawn hears of each session that the client still knew, in the transaction of
	// the withdrawal; optional.
	Withdrawn func(ctx context.Context, one Visit) error
}

func (s *Service) store() store { return store{s.DB} }

// Note remembers the use; it joins the caller's transaction, in which the grant is
// written afterwards: the row of the connection is held from here on, so that a
// withdrawal comes before the grant, which then looks for it, or after, and ends it. It
// gives fault.Expired when the session has ended meanwhile: then nobody would tell the
// client so.
func Note(ctx context.Context, d *db.DB, u Use, now time.Time) error {
	s := store{d}
	if u.SessionID != "" && u.Outlives {
		alive, err := s.holdSession(ctx, u.SessionID)
		if err == nil && alive {
			_, err = s.insertMember(ctx, u, now)
		}
		if err != nil {
			return err
		}
	} else if u.SessionID != "" {
		if err := s.noteMember(ctx, u, now); err != nil {
			return err
		}
	}
	return s.use(ctx, u, now)
}

// noteMember remembers a client that hangs on the session.
func (s store) noteMember(ctx context.Context, u Use, now time.Time) error {
	first, err := s.insertMember(ctx, u, now)
	if err != nil || !first {
		return err
	}
	alive, err := s.holdSession(ctx, u.SessionID)
	if err == nil && !alive {
		err = fault.New(fault.Expired, "", "oidc.session_over")
	}
	return err
}

// OfSession gives the clients that the session has let in.
func (s *Service) OfSession(ctx context.Context, sessionID string) ([]Member, error) {
	return s.store().members(ctx, sessionID)
}

// OfAccount gives what the person uses or has allowed, the last used first.
func (s *Service) OfAccount(ctx context.Context, accountID string) ([]Connection, error) {
	return s.store().ofAccount(ctx, accountID)
}

// Ended gives whether the person ended the client's access by Withdraw and has not used it
// since. What they allowed anew and never used is in OfAccount all the same.
func (s *Service) Ended(ctx context.Context, accountID, clientID string) (bool, error) {
	return s.store().ended(ctx, accountID, clientID)
}

// Knows gives whether the session has let in the client, which knows the person by that
// subject.
func Knows(ctx context.Context, d *db.DB, sessionID string, m Member) (bool, error) {
	all, err := store{d}.members(ctx, sessionID)
	return slices.Contains(all, m), err
}

// Withdraw ends what the person allowed the client: consent, grants and tokens; the
// client hears that the sessions are over by which it knew the person. The client is
// asked about again when the person uses it next. actor is who ends it: the account
// itself, or "cli". It gives fault.NotFound when there is nothing to end.
func (s *Service) Withdraw(ctx context.Context, actor, accountID, clientID string) error {
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
		if err := s.tell(ctx, accountID, clientID, now); err != nil {
			return err
		}
		if err := st.endGrants(ctx, accountID, clientID, now); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			Action: "consent.withdrawn", Actor: actor, Subject: accountID, Client: clientID,
			Details: map[string]string{"scopes": strings.Join(scopes, " ")},
		})
	})
}

// tell lets go of the sessions that have let the client in. It hears of them now and
// not again when they end.
func (s *Service) tell(ctx context.Context, accountID, clientID string, now time.Time) error {
	all, err := s.store().letGo(ctx, accountID, clientID, now)
	if err != nil || s.Withdrawn == nil {
		return err
	}
	for _, one := range all {
		if err := s.Withdrawn(ctx, one); err != nil {
			return err
		}
	}
	return nil
}
