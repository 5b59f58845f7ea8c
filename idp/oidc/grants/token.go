package grants

import (
	"time"

	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/shared/fault"
)

// Kind tells the tokens apart that a client can bring.
type Kind string

// The kinds of tokens.
const (
	Access  Kind = "access"
	Refresh Kind = "refresh"
)

// Token is one that came, with the grant it belongs to and what became of both.
type Token struct {
	Kind   Kind // "" for what stands for a grant without being a token of ours
	ID     string
	Grant  string // "" for one of a client that acts for itself
	Client string // that it was given to
	Scopes []string
	Target target.Target // what it is good for; Scopes are its scopes
	LogIn  LogIn
	Bound  tokens.Confirmation

	CreatedAt time.Time
	ExpiresAt time.Time
	Over      bool // its grant, its session or its client
	Ended     bool // that, or itself
	Replaced  bool // itself: a refresh token that was used

	Machine bool    // of a client that acts for itself
	Person  *Person // that it is about; nil when nobody looked

	Offline bool      // its grant outlives its session
	Root    string    // the grant that its grant ends with, "" for none
	BeganAt time.Time // its grant: when the family began

	keptUntil time.Time    // when its grant may be swept
	came      RefreshToken // as it reads
	family    family       // that it is of
}

// Person is what was found out about the person along with a token.
type Person struct {
	Active  bool     // the account is there and may log in
	Looked  bool     // the rest was looked for
	Asked   bool     // the person was asked about the client, and
	Allowed []string // allowed these scopes
}

// Usable tells whether the token may be used now.
func (t *Token) Usable(now time.Time) bool { return !t.Ended && now.Before(t.ExpiresAt) }

// Most is what tokens of its grant may be good for.
func (t *Token) Most() target.Granted {
	return target.Granted{Scopes: t.Scopes, Resources: t.LogIn.Resources, Details: t.LogIn.Details}
}

// Unknown is the fault.NotFound for a token that is none of ours.
func Unknown() error { return fault.New(fault.NotFound, "", "oidc.unknown_token") }
