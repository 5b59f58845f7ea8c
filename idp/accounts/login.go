package accounts

import (
	"context"
	"strings"
	"time"

	"tegata/idp/passwords"
	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/mail"
)

// LogIn checks address and password and gives the account, with its first and its
// last log-in noted. The first one makes a proved account active (S-038).
//
// Unknown address, wrong password, address not proved, account stopped: one error,
// fault.Denied "login.failed", after one password hash, with one audit event.
// Not even a right password tells that an account waits for its proof: whoever signed
// up with somebody's address would learn from it whether that has an account.
// Guesses are counted before they are checked, for unknown addresses too:
// fault.TooMany. fault.Busy when too many log in at once.
func (s *Service) LogIn(ctx context.Context, email, password string) (Account, error) {
	now, key := s.Clock(), guessKey(email)
	if err := s.countGuess(ctx, key, now); err != nil {
		return Account{}, err
	}
	who, current, err := s.candidate(ctx, email)
	if err != nil {
		return Account{}, err
	}
	right, stale, err := s.verify(ctx, current, password)
	if err != nil {
		return Account{}, err
	}
	if !right || who.State != Proved && who.State != Active {
		return Account{}, s.failed(ctx, who, right)
	}
	var again passwords.Sealed
	if stale {
		if again, err = s.Hasher.Hash(ctx, who.ID, password); err != nil {
			return Account{}, err
		}
	}
	var entered Account
	err = s.Store.DB.Tx(ctx, func(ctx context.Context) (err error) {
		if stale {
			if err := s.Passwords.Rehash(ctx, current, again); err != nil {
				return err
			}
		}
		if entered, err = s.enterAccount(ctx, who, current.Number, now); err != nil {
			return err
		}
		return s.forgive(ctx, key)
	})
	if fault.Is(err, fault.NotFound) { // replaced or stopped since we looked
		return Account{}, s.failed(ctx, who, true)
	}
	return entered, err
}

// guessKey is what guesses are counted by: the address, or what was typed instead.
func guessKey(email string) string {
	address, err := mail.Address(email)
	if err != nil {
		return head(strings.ToLower(strings.TrimSpace(email)), maxNameBytes)
	}
	return address
}

// candidate gives the account of an address with its current password; both empty
// when there is none.
func (s *Service) candidate(ctx context.Context, email string) (who Account, current passwords.Record, err error) {
	address, problem := mail.Address(email)
	if problem != nil {
		return who, current, nil
	}
	who, err = s.Store.byEmail(ctx, address)
	if fault.Is(err, fault.NotFound) {
		return Account{}, current, nil
	}
	if err != nil {
		return who, current, err
	}
	last, err := s.Passwords.Last(ctx, who.ID, 1)
	if err == nil && len(last) == 1 {
		current = last[0]
	}
	return who, current, err
}

// verify computes one hash, whatever there is to compare it with.
func (s *Service) verify(ctx context.Context, current passwords.Record, password string) (right, stale bool, err error) {
	if current.Number == 0 {
		return false, false, s.Hasher.Pretend(ctx, password)
	}
	return s.Hasher.Verify(ctx, current.AccountID, current.Sealed, password)
}

// enterAccount notes the log-in. It gives fault.NotFound when account or password are
// not what they were.
func (s *Service) enterAccount(ctx context.Context, was Account, password int, now time.Time) (Account, error) {
	who, err := s.Store.loggedIn(ctx, was.ID, password, now)
	if err != nil {
		return Account{}, err
	}
	if was.State == Proved {
		if err := s.Audit.Record(ctx, event("account.activated", who.ID)); err != nil {
			return Account{}, err
		}
	}
	return who, s.Audit.Record(ctx, event("login.succeeded", who.ID))
}

// failed notes a failed log-in and gives the one refusal. The event does not hold what
// was typed: people type passwords into the wrong field.
func (s *Service) failed(ctx context.Context, who Account, right bool) error {
	why := "password"
	switch {
	case who.ID == "":
		why = "unknown"
	case right:
		why = string(who.State)
	}
	err := s.Audit.Record(ctx, audit.Event{
		Action: "login.failed", Subject: who.ID, Details: map[string]string{"why": why},
	})
	if err != nil {
		return err
	}
	return fault.New(fault.Denied, "", "login.failed")
}

// countGuess counts a guess for the place, for the address, and for both together, so
// that a single place cannot lock others out.
func (s *Service) countGuess(ctx context.Context, key string, now time.Time) error {
	if err := s.takePlace(ctx, s.Rules.GuessPlace, now); err != nil {
		return err
	}
	if err := s.Limit.Take(ctx, s.Rules.GuessPair, pair(ctx, key), now); err != nil {
		return err
	}
	return s.Limit.Take(ctx, s.Rules.GuessAddress, key, now)
}

// forgive forgets the guesses for an address whose password was right. Those of the
// place stay: else one's own account would pay for guesses at others.
func (s *Service) forgive(ctx context.Context, key string) error {
	if err := s.Limit.Forget(ctx, s.Rules.GuessPair, pair(ctx, key)); err != nil {
		return err
	}
	return s.Limit.Forget(ctx, s.Rules.GuessAddress, key)
}

func pair(ctx context.Context, key string) string { return key + "\x00" + Place(ctx) }
