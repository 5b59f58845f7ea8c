// Package accounts is about people: how they sign up, prove their address, log in,
// and what we know of them.
//
//	SignUp, LookPending      a draft becomes a pending account and a mail (signup.go)
//	Resend, ResendByLink     the mail once more; only the newest one works (resend.go)
//	LookLink, ProveByLink    the button in the mail, looked at and pressed (activation.go)
//	ProveByCode              the code in the mail, typed where the person signed up
//	LogIn                    address and password; the first one activates (login.go)
//	TermsDue, AcceptTerms    a new version of the terms (terms.go)
//	ByID, BySubject, ByEmail look-ups (lookup.go)
//	Seed, Create             people without sign-up (seed.go); Details is what they may tell (details.go)
//	Sweep                    what nobody came back for (sweep.go)
//
// An account is pending until its address is proved, proved until the first correct
// log-in, then active (S-038). Nothing here tells a stranger which addresses have an
// account: known and unknown ones get the same answer, the same rows written and the
// same number of password hashes computed.
package accounts

import (
	"time"

	"tegata/idp/notify"
	"tegata/idp/passwords"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/limit"
	"tegata/shared/once"
)

// State is how far an account has come.
type State string

// The states. OnHold and Disabled refuse log-in; nothing leads there yet.
const (
	Pending  State = "pending"  // signed up, address not proved
	Proved   State = "proved"   // address proved, never logged in
	Active   State = "active"   // in use
	OnHold   State = "on_hold"  // stopped for a while
	Disabled State = "disabled" // stopped for good
)

// Account is our record of a person.
type Account struct {
	ID         string // stays inside
	Subject    string // sub: what clients know the person by, random
	Email      string // canonical; the one place where mail goes
	Username   string // of an older system, "" for most
	LegacyID   string // number in an older system, "" for most
	GivenName  string
	FamilyName string
	Nickname   string
	Country    string // ISO 3166-1 alpha-2
	Language   string // en, ja
	Zone       string // IANA time zone
	State      State
	Details    Details // all optional

	CreatedAt       time.Time
	UpdatedAt       time.Time
	ProvedAt        *time.Time // nil: the address was never proved
	ActivatedAt     *time.Time
	LastLoginAt     *time.Time
	PhoneVerifiedAt *time.Time
	PreviousLoginAt *time.Time // before the last one: what 最終ログイン shows (K-11)

	activationID string // the newest activation ticket
}

// Name is the full name in the order of the account's language.
func (a Account) Name() string {
	if a.Language == "ja" {
		return a.FamilyName + " " + a.GivenName
	}
	return a.GivenName + " " + a.FamilyName
}

// EmailVerified tells whether the address was proved (email_verified, OIDC Core §5.1).
func (a Account) EmailVerified() bool { return a.ProvedAt != nil }

// Location is the account's time zone, UTC when its name is not known.
func (a Account) Location() *time.Location {
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Service decides about accounts. All fields are needed.
type Service struct {
	Store     Store
	Passwords passwords.Store
	Hasher    *passwords.Hasher
	Once      once.Store
	Limit     limit.Limiter
	Audit     audit.Log
	Notify    *notify.Service
	Clock     clock.Clock
	Rules     Rules
	Terms     string // the version of the terms that signing up accepts (S-029)
}
