package candidates

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Arrival is what the provider says about the person who just logged in there.
// Issuer and Subject name the account; the rest is for showing and for filling forms.
type Arrival struct {
	Issuer, Subject       string
	GivenName, FamilyName string
	Email                 string
	Country               string // ISO 3166-1 alpha-2
	Zone                  string
}

// arrivalTries bounds how often Arrive looks again when another request of the same
// person was faster; the second look finds the row that won.
const arrivalTries = 3

// Arrive gives the candidate of an account. An account that nobody has seen gets a
// new candidate with a CSCO ID of its own (S-184); it never finds an old one by its
// e-mail address. Many first log-ins at once give one candidate: the unique index on
// the account decides, and whoever lost looks again.
func (s *Service) Arrive(ctx context.Context, a Arrival) (Candidate, error) {
	if a.Issuer == "" || a.Subject == "" || len(a.Subject) > 255 { // OIDC Core §2
		return Candidate{}, fault.New(fault.Invalid, "", "signin.refused")
	}
	a.clean()
	for try := 1; ; try++ {
		c, err := s.greet(ctx, a)
		if fault.Is(err, fault.NotFound) {
			c, err = s.admit(ctx, a)
		}
		if fault.Is(err, fault.Conflict) && try < arrivalTries {
			continue
		}
		return c, err
	}
}

// greet notes the log-in of a candidate that we know.
func (s *Service) greet(ctx context.Context, a Arrival) (c Candidate, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		id, err := s.store().ownerOf(ctx, SystemAccount, a.Issuer, a.Subject)
		if err != nil {
			return err
		}
		c, err = s.store().noteLogin(ctx, id, a, s.Clock())
		return err
	})
	return c, err
}

// admit makes the candidate, ties the account to it and assigns the CSCO ID.
func (s *Service) admit(ctx context.Context, a Arrival) (c Candidate, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		now := s.Clock()
		c = Candidate{
			ID: secret.NewID(), State: Provisional, GivenName: a.GivenName, FamilyName: a.FamilyName, Email: a.Email,
			Country: a.Country, Zone: a.Zone, CreatedAt: now, UpdatedAt: now, LastLoginAt: &now,
		}
		if err := s.store().insert(ctx, c); err != nil {
			return err
		}
		account := ExternalID{System: SystemAccount, Issuer: a.Issuer, Value: a.Subject, LinkedBy: "first log-in"}
		if err := s.store().link(ctx, c.ID, account, now); err != nil {
			return err
		}
		if err := s.record(ctx, "candidate.created", c.ID, map[string]string{"issuer": a.Issuer, "sub": a.Subject}); err != nil {
			return err
		}
		return s.assignCSCO(ctx, c.ID, now)
	})
	return c, err
}

// cscoTries bounds the search for a free number. With a million numbers taken, one
// draw in ninety meets a taken one, and sixteen in a row never do.
const cscoTries = 16

// assignCSCO gives the candidate a CSCO ID: the prefix and eight digits, for ever.
// The number is drawn, not counted, so that nobody reads from his own how many people
// there are or what his neighbour's is; it never starts with 0, which spreadsheets eat.
func (s *Service) assignCSCO(ctx context.Context, candidateID string, now time.Time) error {
	for range cscoTries {
		n, err := rand.Int(rand.Reader, big.NewInt(90_000_000))
		if err != nil {
			return err
		}
		id := ExternalID{System: SystemCSCO, Value: fmt.Sprintf("%s%08d", s.CSCOPrefix, 10_000_000+n.Int64()), LinkedBy: "assigned"}
		free, err := s.store().linkIfFree(ctx, candidateID, id, now)
		if err != nil {
			return err
		}
		if free {
			return s.record(ctx, "csco.assigned", candidateID, map[string]string{"csco": id.Value})
		}
	}
	return fmt.Errorf("no free CSCO ID after %d draws", cscoTries)
}

// NoteBooking tells that the candidate booked an exam on a day (YYYY-MM-DD, the day
// at the place of the booking). The earliest one counts.
func (s *Service) NoteBooking(ctx context.Context, candidateID, day string) error {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return fault.New(fault.Invalid, "day", "booking.day")
	}
	return s.store().noteBooking(ctx, candidateID, day, s.Clock())
}

// clean cuts what the provider says to what a page can show: one line of fair length.
func (a *Arrival) clean() {
	for _, c := range []struct {
		text *string
		max  int
	}{{&a.GivenName, 100}, {&a.FamilyName, 100}, {&a.Email, 254}, {&a.Country, 2}, {&a.Zone, 64}} {
		*c.text = oneLine(*c.text, c.max)
	}
	a.Country = strings.ToUpper(a.Country)
}

// oneLine drops control characters and outer spaces and keeps at most max letters.
func oneLine(s string, max int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s))
	if runes := []rune(s); len(runes) > max {
		return string(runes[:max])
	}
	return s
}
