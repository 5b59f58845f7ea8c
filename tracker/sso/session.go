package sso

import (
	"context"
	"time"

	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Session is a browser signed in at the tracker.
type Session struct {
	ID, CandidateID   string
	Issuer, Subject   string
	SID               string // the provider's session, or "" when it does not say
	Wanted            string // the path asked for before the log-in, or ""
	CreatedAt, SeenAt time.Time
	ExpiresAt         time.Time

	digest  []byte
	idToken []byte // sealed
}

// idTokenSeal is the purpose under which ID tokens are sealed at rest.
const idTokenSeal = "tracker session id_token"

// SealedColumn is where they lie.
var SealedColumn = secret.Column{
	Name: "ID tokens of sessions", Table: "tracker_sessions", Row: "id", Box: "id_token", Purpose: idTokenSeal,
}

// seenStep is how often use of a session is written down: a write per page would cost
// more than the page.
const seenStep = time.Minute

// start makes the session of a person who just logged in: always a new token, so that
// nobody can plant one beforehand, and the browser's older session ends.
func (s *Service) start(ctx context.Context, who identity, wanted, older string) (Session, string, error) {
	c, err := s.Candidates.Arrive(ctx, who.arrival)
	if err != nil {
		return Session{}, "", err
	}
	token, now := secret.NewToken(), s.Clock()
	sealed, err := s.Seal.Seal(idTokenSeal, token.ID, []byte(who.idToken))
	if err != nil {
		return Session{}, "", err
	}
	n := Session{
		ID: token.ID, CandidateID: c.ID, Issuer: who.arrival.Issuer, Subject: who.arrival.Subject, SID: who.sid,
		Wanted: wanted, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.Absolute),
		digest: secret.Digest(token.Secret), idToken: sealed,
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		if old, ok := secret.ParseToken(older); ok {
			if err := s.store().endIfMatches(ctx, old.ID, secret.Digest(old.Secret), now); err != nil {
				return err
			}
		}
		if err := s.store().insert(ctx, n); err != nil {
			return err
		}
		return s.record(ctx, "session.started", n)
	})
	return n, token.String(), err
}

// ByToken gives the session behind a cookie and notes that it was used. It gives
// fault.NotFound for an unknown or ended one and fault.Expired after its time.
func (s *Service) ByToken(ctx context.Context, token string) (Session, error) {
	t, ok := secret.ParseToken(token)
	if !ok {
		return Session{}, noSession()
	}
	n, err := s.store().byID(ctx, t.ID)
	if fault.Is(err, fault.NotFound) || err == nil && !secret.Match(n.digest, secret.Digest(t.Secret)) {
		return Session{}, noSession()
	}
	if err != nil {
		return Session{}, err
	}
	now := s.Clock()
	if !now.Before(n.ExpiresAt) || now.Sub(n.SeenAt) >= s.Idle {
		return Session{}, fault.New(fault.Expired, "", "signin.expired")
	}
	if now.Sub(n.SeenAt) >= seenStep {
		return n, s.store().seen(ctx, n.ID, now)
	}
	return n, nil
}

// Sweep forgets sessions that are over since before.
func (s *Service) Sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.store().sweep(ctx, before)
}

func (s *Service) record(ctx context.Context, action string, n Session) error {
	return s.recordBy(ctx, n.CandidateID, action, n)
}

func (s *Service) recordBy(ctx context.Context, actor, action string, n Session) error {
	return s.Audit.Record(ctx, audit.Event{
		Action: action, Actor: actor, Subject: n.CandidateID, Details: map[string]string{"session": n.ID, "sid": n.SID},
	})
}

func noSession() error { return fault.New(fault.NotFound, "", "signin.no_session") }
