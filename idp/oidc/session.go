package oidc

import (
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"

	"tegata/idp/oidc/grants"
)

var _ openid.Session = (*session)(nil)

// session is a log-in as fosite carries it through a request.
type session struct {
	grants.LogIn

	grant   string            // that a code made with it leads to, "" when none was made
	claims  jwt.IDTokenClaims // what fosite writes at_hash into
	headers jwt.Headers       // unused: idtoken.go writes its own
}

// IDTokenClaims is where fosite leaves the hash of the access token. It gets no
// times: those it would hold against the machine's clock.
func (s *session) IDTokenClaims() *jwt.IDTokenClaims {
	s.claims.Subject = s.Subject
	return &s.claims
}

// IDTokenHeaders is what fosite takes the algorithm for at_hash from; all of ours
// use SHA-256.
func (s *session) IDTokenHeaders() *jwt.Headers { return &s.headers }

// SetExpiresAt does nothing: rows carry the times, by our clock.
func (*session) SetExpiresAt(fosite.TokenType, time.Time) {}

// GetExpiresAt says nothing, so that fosite answers with the configured lifetime.
func (*session) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

// GetUsername gives nothing; nobody is known by a user name here.
func (*session) GetUsername() string { return "" }

// GetSubject gives the sub of the person.
func (s *session) GetSubject() string { return s.Subject }

// Clone copies the session, with nothing shared that could be written to.
func (s *session) Clone() fosite.Session {
	if s == nil {
		return nil
	}
	return &session{LogIn: s.LogIn.Clone(), grant: s.grant, claims: jwt.IDTokenClaims{AccessTokenHash: s.claims.AccessTokenHash}}
}
