package sso

import (
	"context"
	"net/url"

	"tegata/shared/fault"
)

// SignedOut is the value of state that comes back from the provider's log-out; the
// start page then says that both sessions are over. It proves nothing.
const SignedOut = "signed-out"

// SignOut ends the session behind a cookie and gives the URL where the browser ends
// the provider's session too (OIDC RP-Initiated Logout §2), or the start page when
// there is none to end. Somebody who is not signed in is signed out.
func (s *Service) SignOut(ctx context.Context, token, language string) (string, error) {
	start := s.PublicURL + "/?state=" + SignedOut
	n, err := s.ByToken(ctx, token)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Expired) {
		return start, nil
	}
	if err != nil {
		return "", err
	}
	idToken, err := s.Seal.Open(idTokenSeal, n.ID, n.idToken)
	if err != nil {
		idToken = nil // another key-encryption key: the provider will ask instead
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		ended, err := s.store().end(ctx, n.ID, s.Clock())
		if err != nil || !ended {
			return err
		}
		return s.record(ctx, "session.ended", n)
	})
	if err != nil {
		return "", err
	}
	c, err := s.Provider.connect(ctx)
	if err != nil || c.rp.GetEndSessionEndpoint() == "" {
		return start, nil // ours is over; the provider's ends by itself
	}
	return s.endSessionURL(c.rp.GetEndSessionEndpoint(), string(idToken), language)
}

func (s *Service) endSessionURL(endpoint, idToken, language string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if idToken != "" {
		q.Set("id_token_hint", idToken)
	}
	q.Set("client_id", s.Provider.ClientID)
	q.Set("post_logout_redirect_uri", s.PublicURL+"/")
	q.Set("state", SignedOut)
	if language != "" {
		q.Set("ui_locales", language)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// SignOutOrigin is where the form of the log-out button ends up, for the content
// policy of pages that carry it.
func (p *Provider) SignOutOrigin() string {
	if c := p.known.Load(); c != nil && c.rp.GetEndSessionEndpoint() != "" {
		return c.rp.GetEndSessionEndpoint()
	}
	return p.Issuer
}
