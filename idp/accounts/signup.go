package accounts

import (
	"context"
	"time"

	"tegata/idp/passwords"
	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/secret"
)

// maxRaces bounds how often a sign-up starts over because another one of the same
// address was faster.
const maxRaces = 5

// Waiting is a browser that waits for an activation mail.
type Waiting struct {
	Email     string
	Language  string
	Resume    string
	CreatedAt time.Time
	ExpiresAt time.Time

	id       string
	digest   []byte
	ticketID string
}

// SignUp opens a pending account and queues its activation mail, or neither, and gives
// the name of the page that waits for it. Whether the address has an account does not
// show: then nothing is opened, its owner gets a mail, and the page behaves the same
// (S-025). A pending account of the address is replaced, and the older mails are dead
// (K-08). Beyond the limit of mails to one address nothing happens, which does not
// show either.
//
// Errors are fault.Fields of the form, fault.TooMany for the place and fault.Busy.
func (s *Service) SignUp(ctx context.Context, d Draft) (pendingID string, err error) {
	d, err = d.Check()
	if err != nil {
		return "", err
	}
	now := s.Clock()
	if err := s.takePlace(ctx, s.Rules.SignUpPlace, now); err != nil {
		return "", err
	}
	mayMail, err := s.mayMail(ctx, d.Email, now)
	if err != nil {
		return "", err
	}
	fresh := s.account(d, now)
	sealed, err := s.Hasher.Hash(ctx, fresh.ID, d.Password) // in every case: sameness in time
	if err != nil {
		return "", err
	}
	token := secret.NewToken()
	w := Waiting{
		Email: d.Email, Language: fresh.Language, Resume: d.Resume, CreatedAt: now, ExpiresAt: now.Add(ActivationFor),
		id: token.ID, digest: secret.Digest(token.Secret),
	}
	err = s.untilUnique(ctx, func(ctx context.Context) error {
		if w.ticketID, err = s.enter(ctx, fresh, sealed, w, mayMail); err != nil {
			return err
		}
		return s.Store.insertWaiting(ctx, w)
	})
	return token.String(), err
}

// LookPending gives what the waiting page may show. An id that is unknown or over is
// fault.NotFound.
func (s *Service) LookPending(ctx context.Context, pendingID string) (Waiting, error) {
	gone := fault.New(fault.NotFound, "", "activation.gone")
	token, ok := secret.ParseToken(pendingID)
	if !ok {
		return Waiting{}, gone
	}
	w, err := s.Store.waiting(ctx, token.ID)
	if fault.Is(err, fault.NotFound) {
		return Waiting{}, gone
	}
	if err != nil {
		return Waiting{}, err
	}
	if !secret.Match(w.digest, secret.Digest(token.Secret)) || !s.Clock().Before(w.ExpiresAt) {
		return Waiting{}, gone
	}
	return w, nil
}

// mayMail tells whether a sign-up of this address may send a mail now.
func (s *Service) mayMail(ctx context.Context, email string, now time.Time) (bool, error) {
	err := s.Limit.Take(ctx, s.Rules.SignUpAddress, email, now)
	if err == nil {
		err = s.Limit.Take(ctx, s.Rules.MailAddress, email, now)
	}
	if fault.Is(err, fault.TooMany) {
		return false, nil
	}
	return err == nil, err
}

// account is the account that the draft would become.
func (s *Service) account(d Draft, now time.Time) Account {
	a := Account{
		ID: secret.NewID(), Subject: secret.Text(), Email: d.Email, GivenName: d.GivenName, FamilyName: d.FamilyName,
		Country: d.Country, Language: d.Language, Zone: zoneOf(d.Country), State: Pending, CreatedAt: now, UpdatedAt: now,
	}
	if known := s.Notify.Catalog; !known.Speaks(a.Language) {
		a.Language = known.Languages()[0]
	}
	return a
}

// zoneOf guesses a time zone until the person sets one.
func zoneOf(country string) string {
	if country == "JP" {
		return "Asia/Tokyo"
	}
	return "UTC"
}

// untilUnique runs do in a transaction, and again when another sign-up of the same
// address was committed meanwhile: then do finds that one.
func (s *Service) untilUnique(ctx context.Context, do func(context.Context) error) (err error) {
	for range maxRaces {
		if err = s.Store.DB.Tx(ctx, do); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	busy := fault.Wrap(fault.Busy, "refused.busy", err)
	busy.RetryAfter = time.Second
	return busy
}

// enter writes what becomes of a sign-up and gives the ticket whose code the waiting
// page takes.
func (s *Service) enter(ctx context.Context, fresh Account, sealed passwords.Sealed, w Waiting, mayMail bool) (ticketID string, err error) {
	old, err := s.Store.byEmail(ctx, fresh.Email)
	exists := err == nil
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	switch {
	case !mayMail:
		return s.decoy(ctx, w, event("account.sign_up_limited", old.ID))
	case exists && !replaceable(old.State):
		if err := s.Notify.AlreadyHave(ctx, old.reader()); err != nil {
			return "", err
		}
		return s.decoy(ctx, w, event("account.sign_up_repeated", old.ID))
	case exists:
		if err := s.replace(ctx, old); err != nil {
			return "", err
		}
	}
	return s.open(ctx, fresh, sealed, w)
}

// replaceable tells whether a new sign-up takes the place of an account: as long as
// nobody ever logged in to it (K-08, S-038).
func replaceable(state State) bool { return state == Pending || state == Proved }

// replace removes an account that nobody ever logged in to, with its mails. All of it,
// since the two sign-ups may be of different people.
func (s *Service) replace(ctx context.Context, old Account) error {
	if _, err := s.Once.End(ctx, activation, old.ID, s.Clock()); err != nil {
		return err
	}
	if err := s.Store.deletePending(ctx, old.ID); err != nil {
		return err
	}
	return s.Audit.Record(ctx, event("account.replaced", old.ID))
}

// open writes the new account with all that belongs to it.
func (s *Service) open(ctx context.Context, fresh Account, sealed passwords.Sealed, w Waiting) (ticketID string, err error) {
	if err := s.Store.insert(ctx, fresh); err != nil {
		return "", err
	}
	first := passwords.Record{AccountID: fresh.ID, Number: 1, Sealed: sealed, ChangedAt: fresh.CreatedAt}
	if err := s.Passwords.Add(ctx, first); err != nil {
		return "", err
	}
	if err := s.Store.acceptTerms(ctx, fresh.ID, s.Terms, fresh.Language, fresh.CreatedAt); err != nil {
		return "", err
	}
	if ticketID, err = s.sendActivation(ctx, fresh, w.Resume); err != nil {
		return "", err
	}
	return ticketID, s.Audit.Record(ctx, event("account.signed_up", fresh.ID))
}

// decoy opens a ticket whose code nobody knows, for a page that behaves like any other.
func (s *Service) decoy(ctx context.Context, w Waiting, e audit.Event) (ticketID string, err error) {
	token, err := s.Once.Issue(ctx, once.New{
		Purpose: activation, Payload: ticket{Email: w.Email}, Lives: ActivationFor, Code: newCode(),
	}, s.Clock())
	if err != nil {
		return "", err
	}
	return token.ID, s.Audit.Record(ctx, e)
}

// event is something that happened to an account.
func event(action, accountID string) audit.Event {
	return audit.Event{Action: action, Actor: accountID, Subject: accountID}
}
