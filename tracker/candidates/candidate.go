// Package candidates knows the people of the tracker: who they are, which numbers
// they have elsewhere, where their post goes and how they want to be treated.
//
//	Service.Arrive        the candidate behind an account, made at the first log-in (arrive.go)
//	Service.ExternalIDs   account, CSCO, VUE, Credly and the personal numbers (externalid.go)
//	Service.SaveAddress   the mailing address, by the rules of its country (address.go, postal.go)
//	Service.SaveSettings  language, time zone, communication (settings.go, zones.go)
//	Service.SaveCompany   the company name (company.go)
//	NeedsVUEMapping       whether old bookings still have to be mapped (legacy.go)
//	With, Of              who is signed in, in a request's context
//
// An account is known by issuer and subject, never by e-mail address: an address can
// get a new owner, a subject cannot. A new subject starts empty and sees nothing.
package candidates

import (
	"context"
	"strings"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// State says how far a candidate has come.
type State string

// The states. Held, banned, merged and erased come with the areas that need them.
const (
	Provisional State = "provisional" // the first log-in is not complete (S-190)
	Active      State = "active"      // mailing address and settings are saved
)

// Candidate is one person at the tracker. Names, e-mail, country and zone are
// what the provider said at the last log-in; nothing is decided by them.
type Candidate struct {
	ID                    string
	State                 State
	GivenName, FamilyName string
	Email                 string
	Country               string // ISO 3166-1 alpha-2, or ""
	Zone                  string // IANA name, or ""
	Company               string
	CompanyUpdatedAt      *time.Time
	FirstBookedOn         string // YYYY-MM-DD of the earliest booking we were told of, or ""
	CreatedAt, UpdatedAt  time.Time
	LastLoginAt           *time.Time
}

// Name is the full name in roman letters, given name first, as parcels are addressed;
// without one the e-mail address serves.
func (c Candidate) Name() string { return c.NameIn("en") }

// NameIn is Name in the order that readers of a language are used to: in Japanese the
// family name comes first.
func (c Candidate) NameIn(lang string) string {
	first, last := c.GivenName, c.FamilyName
	if lang == "ja" {
		first, last = last, first
	}
	if name := strings.TrimSpace(first + " " + last); name != "" {
		return name
	}
	return c.Email
}

// Service decides about candidates.
type Service struct {
	DB         *db.DB
	Audit      audit.Log
	Clock      clock.Clock
	CSCOPrefix string   // "CSCO"; eight digits follow
	Languages  []string // the languages that settings may name
	Country    func(code string) bool
}

// ByID gives a candidate; fault.NotFound when there is none.
func (s *Service) ByID(ctx context.Context, id string) (Candidate, error) {
	return s.store().byID(ctx, id)
}

// Find gives the candidate that a person of the support desk means: by id, by CSCO
// ID, by an active ID elsewhere, or by subject.
func (s *Service) Find(ctx context.Context, name string) (Candidate, error) {
	if c, err := s.store().byID(ctx, name); !fault.Is(err, fault.NotFound) {
		return c, err
	}
	return s.store().byValue(ctx, name)
}

// List gives up to limit candidates in the order they came, after the one named.
func (s *Service) List(ctx context.Context, after string, limit int) ([]Candidate, error) {
	return s.store().list(ctx, after, limit)
}

func (s *Service) store() store { return store{s.DB} }

// record writes an audit event about the candidate by the candidate.
func (s *Service) record(ctx context.Context, action, candidateID string, details map[string]string) error {
	return s.Audit.Record(ctx, audit.Event{Action: action, Actor: candidateID, Subject: candidateID, Details: details})
}

// SignedIn is who stands behind a request.
type SignedIn struct {
	Candidate Candidate
	SessionID string
	Wanted    string // the path asked for before the log-in, or ""
	Language  string // from the settings, "" before they are saved
}

type signedInKey struct{}

// With gives a context that carries who is signed in.
func With(ctx context.Context, who *SignedIn) context.Context {
	return context.WithValue(ctx, signedInKey{}, who)
}

// Of gives who is signed in, or nil.
func Of(ctx context.Context) *SignedIn {
	who, _ := ctx.Value(signedInKey{}).(*SignedIn)
	return who
}
