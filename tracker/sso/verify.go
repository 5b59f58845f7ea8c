package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"tegata/shared/fault"
	"tegata/tracker/candidates"
)

// idTokenAlg is the only signature we take (RFC 8725 §3.1): none, HS256 with our own
// words as key, and a weaker one that was never agreed on are all refused.
const idTokenAlg = "ES256"

// skew is how far the provider's clock may be from ours.
const skew = 30 * time.Second

// identity is whom a code was for.
type identity struct {
	arrival candidates.Arrival
	sid     string
	idToken string
}

// verify checks an ID token: a line per rule of OIDC Core §3.1.3.7, the signature
// before anything that depends on who signed.
func (s *Service) verify(ctx context.Context, c *connection, raw, accessToken, nonce string) (*oidc.IDTokenClaims, error) {
	if raw == "" {
		return nil, rp.ErrMissingIDToken
	}
	claims := new(oidc.IDTokenClaims)
	payload, err := oidc.ParseToken(raw, claims)
	if err != nil {
		return nil, errors.New("the ID token cannot be read")
	}
	if err := oidc.CheckSignature(ctx, raw, payload, claims, []string{idTokenAlg}, c.keys); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oidc.CheckIssuerWithISSVerifier(claims, s.Provider.Issuer, nil),
		oidc.CheckAudience(claims, s.Provider.ClientID),
		onlyUs(claims.Audience),
		oidc.CheckAuthorizedParty(claims, s.Provider.ClientID),
		oidc.CheckSubject(claims),
		checkTimes(claims, s.Clock()),
		checkNonce(claims.Nonce, nonce),
		rp.VerifyAccessToken(accessToken, claims.AccessTokenHash, claims.SignatureAlg),
	} {
		if err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// onlyUs refuses a token that is meant for others too: we trust no other audience.
func onlyUs(audience []string) error {
	if len(audience) != 1 {
		return fmt.Errorf("the ID token has %d audiences, want only ours", len(audience))
	}
	return nil
}

func checkTimes(claims *oidc.IDTokenClaims, now time.Time) error {
	switch {
	case claims.IssuedAt == 0:
		return oidc.ErrIatMissing
	case claims.GetIssuedAt().After(now.Add(skew)):
		return oidc.ErrIatInFuture
	case !now.Add(-skew).Before(claims.GetExpiration()):
		return oidc.ErrExpired
	case claims.NotBefore.AsTime().After(now.Add(skew)):
		return errors.New("the ID token is not valid yet")
	}
	return nil
}

// checkNonce compares without telling either: errors go to the log.
func checkNonce(got, want string) error {
	if want == "" || got != want {
		return errors.New("nonce does not match")
	}
	return nil
}

// profile is what userinfo says, read leniently: it fills forms and decides nothing.
type profile struct {
	Subject    string `json:"sub"`
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Country    string `json:"country"`
	Zone       string `json:"zoneinfo"`
	Address    struct {
		Country string `json:"country"`
	} `json:"address"`
}

// GetSubject is what the library compares with the ID token's.
func (p *profile) GetSubject() string { return p.Subject }

func (p *profile) arrival(issuer string) candidates.Arrival {
	a := candidates.Arrival{
		Issuer: issuer, Subject: p.Subject, GivenName: p.GivenName, FamilyName: p.FamilyName, Email: p.Email,
		Country: p.Country, Zone: p.Zone,
	}
	if a.GivenName == "" && a.FamilyName == "" {
		a.GivenName = p.Name
	}
	if len(a.Country) != 2 {
		a.Country = p.Address.Country
	}
	if len(a.Country) != 2 {
		a.Country = ""
	}
	return a
}

// refused is the answer to everything that smells: one sentence for the person, the
// reason for the log.
func refused(format string, args ...any) error {
	return fault.Wrap(fault.Invalid, "signin.refused", fmt.Errorf(format, args...))
}

// printable makes what others sent fit for one line of the log.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}
