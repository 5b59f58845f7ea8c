// Package sessions keeps browsers signed in at the provider.
//
//	Start, Renew     a session for an account that has just proved itself
//	ByToken          the session behind a cookie, as long as it is alive
//	End, EndAll      one session, or all of an account
//	With, Of         the session of a request, in its context (context.go)
//	Sweep            forgets what ended long ago
//
// A session ends when it was idle for too long, at its absolute end, or by End. Its
// token is id.secret; the database keeps the digest of the secret. Whoever proves
// himself again in the same session gets a new secret and the old one is dead, the id
// stays: it is the sid that clients know (OIDC Session Management).
package sessions

import (
	"context"
	"maps"
	"strings"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// CookieName and BrowserCookieName name the cookies with the session's token and with
// the browser's own secret, which ties interactions to it.
const (
	CookieName        = "tegata_session"
	BrowserCookieName = "tegata_browser"
)

// Methods (RFC 8176) and the class that a password alone reaches.
const (
	AMRPassword = "pwd"
	ACRPassword = "1"
)

const (
	// seenEvery is how exact last_seen_at is: a session costs one write in this time,
	// not one for each page.
	seenEvery = time.Minute
	// keepFor is how long a session that is over stays, for those who look into it.
	keepFor = 7 * 24 * time.Hour
)

// Session is a browser that is signed in.
type Session struct {
	ID         string // sid
	AccountID  string
	AuthTime   time.Time // when the person last proved who they are
	AMR        []string  // RFC 8176
	ACR        string
	Place      string // peer address at the start
	Agent      string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // the absolute end
	EndedAt    *time.Time
}

// Service decides about sessions. All fields are needed but Idle and Absolute.
type Service struct {
	Store    Store
	Audit    audit.Log
	Clock    clock.Clock
	Idle     time.Duration // without a request; 0: 12 hours
	Absolute time.Duration // whatever happens; 0: 7 days

	// Ended hears of each session that ends, in the transaction that ends it; optional.
	Ended func(ctx context.Context, one Session) error
}

// Start opens a session for the account, whose person has just proved who they are
// by the methods in amr. It gives the session and the token for its cookie, and joins
// the caller's transaction.
func (s *Service) Start(ctx context.Context, accountID string, amr []string) (Session, string, error) {
	now, from, token := s.Clock(), audit.OriginOf(ctx), secret.NewToken()
	one := Session{
		ID: token.ID, AccountID: accountID, AuthTime: now, AMR: amr, ACR: ACRPassword,
		Place: from.Place, Agent: clean(from.Agent), CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.absolute()),
	}
	err := s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.Store.insert(ctx, one, secret.Digest(token.Secret)); err != nil {
			return err
		}
		return s.record(ctx, "session.started", one)
	})
	return one, token.String(), err
}

// Renew is Start for a browser that has a session of the same account already: the id
// stays, the token and the time of authentication are new, the old token is dead.
// It gives fault.Denied when the session has ended meanwhile.
func (s *Service) Renew(ctx context.Context, old Session, amr []string) (Session, string, error) {
	now, token := s.Clock(), secret.Token{ID: old.ID, Secret: secret.Text()}
	one := old
	one.AuthTime, one.LastSeenAt, one.AMR, one.ACR, one.ExpiresAt = now, now, amr, ACRPassword, now.Add(s.absolute())
	err := s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.Store.renew(ctx, one, secret.Digest(token.Secret)); err != nil {
			return ended(err)
		}
		return s.record(ctx, "session.renewed", one)
	})
	return one, token.String(), err
}

// ByToken gives the session whose token a cookie holds. Anything but a session that
// is alive is fault.Denied.
func (s *Service) ByToken(ctx context.Context, token string) (Session, error) {
	return s.ByTokenWith(ctx, token, s.Store.byID)
}

// ByTokenWith is ByToken for who reads the session along with something else: read fills
// the row of the session of that id, if its account may log in, and gives fault.NotFound
// otherwise.
func (s *Service) ByTokenWith(ctx context.Context, token string, read func(ctx context.Context, id string, r *Row) error) (Session, error) {
	t, ok := secret.ParseToken(token)
	if !ok {
		return Session{}, fault.New(fault.Denied, "", "session.ended")
	}
	var r Row
	if err := read(ctx, t.ID, &r); err != nil {
		return Session{}, ended(err)
	}
	one, digest := r.session(), r.digest
	now := s.Clock()
	if !secret.Match(digest, secret.Digest(t.Secret)) || !s.alive(one, now) {
		return Session{}, fault.New(fault.Denied, "", "session.ended")
	}
	if now.Sub(one.LastSeenAt) >= seenEvery {
		one.LastSeenAt = now
		if err := s.Store.seen(ctx, one.ID, now); err != nil {
			return Session{}, err
		}
	}
	return one, nil
}

// End ends a session. Ending it twice is no mistake.
func (s *Service) End(ctx context.Context, id string) error {
	return s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		one, err := s.Store.end(ctx, id, s.Clock())
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.over(ctx, one)
	})
}

// EndAll ends every session of an account.
func (s *Service) EndAll(ctx context.Context, accountID string) error {
	return s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		all, err := s.Store.endAll(ctx, accountID, s.Clock())
		if err != nil {
			return err
		}
		for _, one := range all {
			if err := s.over(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// over records the end of a session and tells who has to know. It is the person's own act
// in a request of one of their sessions, unless the context has another cause.
func (s *Service) over(ctx context.Context, one Session) error {
	e := event("session.ended", one)
	e.Actor = "" // not known: a client, or another browser, that has an ID token of the session
	if by := Of(ctx); by != nil && by.AccountID == one.AccountID {
		e.Actor = one.AccountID
	}
	if cause, ok := audit.CauseOf(ctx); ok {
		e.Actor = cause.Actor
		maps.Copy(e.Details, cause.Details)
	}
	if err := s.Audit.Record(ctx, e); err != nil || s.Ended == nil {
		return err
	}
	return s.Ended(ctx, one)
}

// OfAccount gives the sessions of an account that are alive, the newest first.
func (s *Service) OfAccount(ctx context.Context, accountID string) ([]Session, error) {
	now := s.Clock()
	return s.Store.alive(ctx, accountID, now, now.Add(-s.idle()))
}

// Sweep deletes the sessions that have been over for a week and tells how many.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int64, error) {
	return s.Store.sweep(ctx, now.Add(-keepFor))
}

func (s *Service) alive(one Session, now time.Time) bool {
	return one.EndedAt == nil && now.Before(one.ExpiresAt) && now.Before(one.LastSeenAt.Add(s.idle()))
}

func (s *Service) record(ctx context.Context, action string, one Session) error {
	return s.Audit.Record(ctx, event(action, one))
}

// event is something that the person of a session did to it.
func event(action string, one Session) audit.Event {
	return audit.Event{
		Action: action, Actor: one.AccountID, Subject: one.AccountID,
		Details: map[string]string{"session": one.ID},
	}
}

func (s *Service) idle() time.Duration {
	if s.Idle == 0 {
		return 12 * time.Hour
	}
	return s.Idle
}

func (s *Service) absolute() time.Duration {
	if s.Absolute == 0 {
		return 7 * 24 * time.Hour
	}
	return s.Absolute
}

// ended says of a session that is not there any more what is said of one that ended.
func ended(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Denied, "session.ended", err)
	}
	return err
}

// clean makes what a browser says of itself fit for both databases.
func clean(agent string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(agent[:min(len(agent), 256)], ""), "\x00", "")
}
