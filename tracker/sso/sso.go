// Package sso signs people in through the OpenID Provider: the tracker is a relying
// party and never sees a password.
//
//	Provider         discovery and keys of the provider, fetched when needed (provider.go)
//	Service.Begin    opens a log-in: state, nonce, PKCE; gives the authorization URL (begin.go)
//	Service.Finish   ends it: every check of the answer, then a session (callback.go, verify.go)
//	Service.SignOut  ends the session here and tells where to end the provider's (signout.go)
//	Service.EndByProvider  ends what the provider says is over (backchannel.go)
//	Service.ByToken  the session behind a cookie (session.go)
//	Handlers         /login, /callback, /logout and the public keys (routes.go, handlers.go)
//
// A log-in is a row of shared/once: it can be finished once, only by the browser that
// began it, and holds the nonce, the PKCE verifier and the place wanted. The browser
// gets the session cookie and nothing of the tokens.
//
// The library (zitadel/oidc) does discovery, requests and signatures. Times are
// checked here, since the library only knows the machine's clock, and so are the
// client assertion and the iss parameter (RFC 9207), which it does not know.
package sso

import (
	"context"
	"crypto"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/once"
	"tegata/shared/secret"
	"tegata/tracker/candidates"
)

// Service is the relying party. Its fields are filled once, in app.
type Service struct {
	Provider   *Provider
	PublicURL  string // of the tracker, without a slash at the end
	Tickets    once.Store
	Candidates *candidates.Service
	Signer     func(ctx context.Context, alg string) (kid string, key crypto.Signer, err error) // our own key ring
	DB         *db.DB
	Seal       *secret.Sealer
	Audit      audit.Log
	Clock      clock.Clock
	Idle       time.Duration // a session that nobody used for so long is over
	Absolute   time.Duration // and so is one of that age
}

// statePurpose names the rows of log-ins under way.
const statePurpose once.Purpose = "sso_state"

// loginLives is how long a log-in may take. A person who signs up first waits for a
// mail; who takes longer starts again without noticing, see Finish.
const loginLives = 2 * time.Hour

// StateKept is how long an expired log-in is remembered, so that whoever comes back
// later still lands at the place wanted: as long as an activation mail is good.
const StateKept = 8 * 24 * time.Hour

// attempt is what the row of a log-in holds.
type attempt struct {
	Browser  []byte // digest of the browser's cookie
	Nonce    string
	Verifier string // RFC 7636 §4.1
	Wanted   string // path and query at the tracker, or ""
}

func (s *Service) store() store { return store{s.DB} }
