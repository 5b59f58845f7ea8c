package oidc

import (
	"net/http"
	"strconv"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/jws"
)

// What a client's clock is measured by.
const (
	byAssertion = "assertion"
	byProof     = "proof"
)

// measured is how far the clock is ahead that wrote the iat of what came. The journey
// of the request is in it, so a second or two mean nothing.
type measured struct {
	ahead time.Duration
	by    string // "" when nothing was measured
}

// clockOf measures the clock of who sent the request: by its DPoP proof, which is made
// for this very request (RFC 9449 §4.2), otherwise by its assertion. Neither needs to
// be genuine: a clock that is wrong is why many are refused. An iat has whole seconds, so
// what our clock has beyond them does not count.
func (p *Provider) clockOf(r *http.Request, given clientauth.Credentials) measured {
	now := p.Clock().Truncate(time.Second)
	if issued := dpop.Said(r).Issued; issued != nil {
		return measured{issued.Time().Sub(now), byProof}
	}
	if given.Method == clients.PrivateKeyJWT && given.Assertion.Issued != nil {
		return measured{given.Assertion.Issued.Time().Sub(now), byAssertion}
	}
	return measured{}
}

// matters tells whether a clock is further off than is let pass.
func (m measured) matters() bool { return m.by != "" && m.ahead.Abs() > jws.Leeway }

// inMilliseconds tells whether the iat is a count of milliseconds: as seconds it would
// lie in the far future.
func (m measured) inMilliseconds() bool { return m.ahead > 100*365*24*time.Hour }

// reason names what is wrong with the clock. Off by half or whole hours means that
// somebody took local time for UTC, as a rule.
func (m measured) reason() (clients.Reason, map[string]string) {
	nearest := m.ahead.Abs().Round(30 * time.Minute)
	switch {
	case m.inMilliseconds():
		return clients.ReasonMilliseconds, map[string]string{}
	case nearest >= 30*time.Minute && nearest <= 14*time.Hour && (m.ahead.Abs()-nearest).Abs() <= time.Minute:
		return clients.ReasonZone, map[string]string{}
	}
	return clients.ReasonClock, map[string]string{}
}

// measuredIn adds the measurement to a request.
func (m measured) measuredIn(r clients.Request) clients.Request {
	if m.by == "" || m.inMilliseconds() {
		return r
	}
	if r.Details == nil {
		r.Details = map[string]string{}
	}
	r.Details["clock"], r.Details["clock_by"] = strconv.FormatInt(int64(m.ahead/time.Second), 10), m.by
	return r
}
