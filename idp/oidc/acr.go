package oidc

import (
	"slices"

	"tegata/idp/oidc/wire"
	"tegata/idp/sessions"
)

// readWantedPerson takes the people whom the claims parameter names like the person of
// an id_token_hint: somebody else must not be answered for (OIDC Core §5.5.1).
func readWantedPerson(_ *Provider, a *authorization) error {
	switch {
	case len(a.claims.Subjects) == 0:
	case len(a.wanted) == 0:
		a.wanted = a.claims.Subjects
	case !slices.Contains(a.claims.Subjects, a.wanted[0]):
		return wire.Refuse("invalid_request", "The id_token_hint and the claims parameter name two people.")
	}
	return nil
}

// checkACR refuses what no log-in here can reach, before anybody is asked for one.
// An acr that is not essential is a wish (OIDC Core §5.5.1.1).
func checkACR(_ *Provider, a *authorization) error {
	if len(a.claims.ACRs) > 0 && !slices.ContainsFunc(a.claims.ACRs, func(one string) bool { return slices.Contains(acrs, one) }) {
		return errUnmet
	}
	return nil
}

// acrs is what log-ins here can reach.
var acrs = []string{sessions.ACRPassword}

// errUnmet is OpenID Connect Core Error Code unmet_authentication_requirements §2.
var errUnmet = wire.Refuse("unmet_authentication_requirements", "No log-in here reaches what was asked for.")

// meets tells whether the log-in is of a class that was demanded.
func (a *authorization) meets(s *sessions.Session) error {
	if s == nil {
		return errNoPerson
	}
	if len(a.claims.ACRs) > 0 && !slices.Contains(a.claims.ACRs, s.ACR) {
		return errUnmet
	}
	return nil
}
