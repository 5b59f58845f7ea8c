// Package once is the only way to use something once: codes, activation and reset
// links, challenges, pushed requests, states, assertion ids. Whatever it is, it is a
// row of one purpose, and one conditional UPDATE ends it: of any number of people or
// nodes who come with the same token, one wins.
//
//	Issue        a new row; what we hand out is id.secret, the database keeps a digest
//	Look         what a token stands for, without ending it
//	Spend        the same, and the token is used up
//	Try, Guess   a short code that a person types: counted before it is compared
//	End          newer ones replace what a subject still had open
//	Seen         ids that others chose and that must not come twice (jti)
//	Sweep        forgets rows that are over for long
//
// A token of one purpose is unknown to every other. A row that is over stays until
// Sweep, so that "used", "expired" and "unknown" are different answers.
package once

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Purpose says what a row is for: "activation", "authorization_code".
type Purpose string

// defaultTries is how often a short code may be typed.
const defaultTries = 5

// errInTx refuses a count that the caller's transaction could undo.
var errInTx = errors.New("once: a guess is counted outside of any transaction, else undoing it gives the guess back")

// Ticket is what a row says.
type Ticket struct {
	ID                   string
	Purpose              Purpose
	Subject              string
	Payload              []byte // JSON, see Read
	CreatedAt, ExpiresAt time.Time
	SpentAt              *time.Time // nil while it is open
	Replaced             bool       // ended by End and not by use
	Tries                int        // guesses so far
}

// Read decodes the payload into what it points at.
func (t Ticket) Read(into any) error {
	if err := json.Unmarshal(t.Payload, into); err != nil {
		return fmt.Errorf("once: payload of %s: %w", t.Purpose, err)
	}
	return nil
}

// New is what Issue wants to know.
type New struct {
	Purpose  Purpose
	Subject  string        // whose open rows End finds; "" when nothing is ever replaced
	Payload  any           // kept as JSON
	Lives    time.Duration // until it expires
	Code     string        // a short code for the same row, "" for none; compared as it stands
	MaxTries int           // guesses of the code; 0 means 5
}

// Store keeps the rows.
type Store struct {
	DB   *db.DB
	Seal *secret.Sealer // keys the digests of short codes
}

// Issue opens a row and gives its token: String is what we hand out, ID names it.
func (s Store) Issue(ctx context.Context, n New, now time.Time) (secret.Token, error) {
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return secret.Token{}, fmt.Errorf("once: payload of %s: %w", n.Purpose, err)
	}
	token := secret.NewToken()
	r := row{
		Ticket: Ticket{
			ID: token.ID, Purpose: n.Purpose, Subject: n.Subject, Payload: payload,
			CreatedAt: now, ExpiresAt: now.Add(n.Lives),
		},
		digest: secret.Digest(token.Secret), maxTries: n.MaxTries,
	}
	if r.maxTries == 0 {
		r.maxTries = defaultTries
	}
	if n.Code != "" {
		r.code = s.mac(n.Purpose, token.ID, n.Code)
	}
	return token, s.insert(ctx, r)
}

// Look tells what an open token stands for and leaves it open. It gives
// fault.NotFound for a token that is unknown, of another purpose or has a wrong
// secret; fault.Conflict when it is spent or replaced and fault.Expired when it is too
// late, both with the Ticket.
func (s Store) Look(ctx context.Context, p Purpose, token string, now time.Time) (Ticket, error) {
	t, ok := secret.ParseToken(token)
	if !ok {
		return Ticket{}, unknown()
	}
	r, err := s.byID(ctx, p, t.ID)
	if fault.Is(err, fault.NotFound) || err == nil && !secret.Match(r.digest, secret.Digest(t.Secret)) {
		return Ticket{}, unknown()
	}
	if err != nil {
		return Ticket{}, err
	}
	return r.Ticket, r.over(now)
}

// Spend uses the token up. Its errors are those of Look; who comes second, even at
// the same moment, gets fault.Conflict.
func (s Store) Spend(ctx context.Context, p Purpose, token string, now time.Time) (Ticket, error) {
	t, err := s.Look(ctx, p, token, now)
	if err != nil {
		return t, err
	}
	return s.use(ctx, t, now)
}

// SpendGuessed uses up the row whose code Guess found right, so that this can be
// part of a transaction. Its errors are those of Spend.
func (s Store) SpendGuessed(ctx context.Context, t Ticket, now time.Time) (Ticket, error) {
	return s.use(ctx, t, now)
}

// Try takes a code that a person typed for the row and uses the row up when it is
// right. The guess is counted, and that is committed, before the code is compared, so
// parallel guesses do not get more tries. It gives fault.Denied for a wrong
// code, fault.TooMany when the tries are used up, and otherwise the errors of Look.
// It refuses to run inside a transaction.
func (s Store) Try(ctx context.Context, p Purpose, id, code string, now time.Time) (Ticket, error) {
	t, err := s.Guess(ctx, p, id, code, now)
	if err != nil {
		return t, err
	}
	return s.use(ctx, t, now)
}

// Guess is Try that leaves the row open. The caller ends it with SpendGuessed.
func (s Store) Guess(ctx context.Context, p Purpose, id, code string, now time.Time) (Ticket, error) {
	if s.DB.InTx(ctx) {
		return Ticket{}, errInTx
	}
	r, err := s.count(ctx, p, id, now)
	if fault.Is(err, fault.NotFound) {
		return s.whyNot(ctx, p, id, now)
	}
	if err != nil {
		return Ticket{}, err
	}
	if !s.Seal.MatchMAC(macPurpose(p), id, code, r.code) {
		return r.Ticket, fault.New(fault.Denied, "", "once.wrong_code")
	}
	return r.Ticket, nil
}

// whyNot tells why a guess was not even counted.
func (s Store) whyNot(ctx context.Context, p Purpose, id string, now time.Time) (Ticket, error) {
	r, err := s.byID(ctx, p, id)
	if fault.Is(err, fault.NotFound) || err == nil && r.code == nil {
		return Ticket{}, unknown()
	}
	if err != nil {
		return Ticket{}, err
	}
	if err := r.over(now); err != nil {
		return r.Ticket, err
	}
	return r.Ticket, fault.New(fault.TooMany, "", "once.too_many")
}

// End ends all open rows of a subject, because a newer one replaces them or their
// reason is gone. It tells how many there were.
func (s Store) End(ctx context.Context, p Purpose, subject string, now time.Time) (int64, error) {
	return s.replace(ctx, p, subject, now)
}

// Seen remembers an id that somebody else chose, until it may not be used any more
// anyway. It gives fault.Conflict when the id came before (RFC 7523 §3, RFC 9449 §11.1).
func (s Store) Seen(ctx context.Context, p Purpose, key string, until, now time.Time) error {
	first, err := s.remember(ctx, p, key, until, now)
	if err == nil && !first {
		return fault.New(fault.Conflict, "", "once.seen")
	}
	return err
}

// use ends the row, if nobody was faster.
func (s Store) use(ctx context.Context, t Ticket, now time.Time) (Ticket, error) {
	won, err := s.spend(ctx, t, now)
	if err != nil {
		return t, err
	}
	if !won {
		return t, fault.New(fault.Conflict, "", "once.spent")
	}
	t.SpentAt = &now
	return t, nil
}

func (s Store) mac(p Purpose, id, code string) []byte {
	return s.Seal.MAC(macPurpose(p), id, code)
}

func macPurpose(p Purpose) string { return "once " + string(p) }

// over gives the refusal for a row that is spent, replaced or expired.
func (t Ticket) over(now time.Time) error {
	switch {
	case t.Replaced:
		return fault.New(fault.Conflict, "", "once.replaced")
	case t.SpentAt != nil:
		return fault.New(fault.Conflict, "", "once.spent")
	case !now.Before(t.ExpiresAt):
		return fault.New(fault.Expired, "", "once.expired")
	}
	return nil
}

func unknown() error { return fault.New(fault.NotFound, "", "once.unknown") }
