package clients

import (
	"context"
	"slices"
	"time"

	"tegata/keys"
)

// Signed is a kind of thing that we sign for a client.
type Signed string

// The kinds there are.
const (
	IDTokens             Signed = "ID tokens"
	LogoutTokens         Signed = "logout tokens"
	UserinfoAnswers      Signed = "userinfo"
	IntrospectionAnswers Signed = "introspection"         // RFC 9701
	AuthorizationAnswers Signed = "authorization answers" // JARM
	AccessTokens         Signed = "access tokens"         // in JWT form, that the client is given
	CheckedTokens        Signed = "access tokens of others"
)

const (
	// AccessTokenAlg signs access tokens in JWT form: resource servers of ours read them,
	// and all of them can (RFC 9068 §2.1 asks for RS256 of servers in general).
	AccessTokenAlg = "ES256"
	// usualAlg is what a client gets that registered nothing: RFC 9701 §6, JARM §3.
	usualAlg = "RS256"
	// noteAgain is how long a line that says that an answer was signed by default speaks
	// for those after it: NoteSigned makes sure of one in this time.
	noteAgain = 24 * time.Hour
	// takesFor is how old that line may be. A client that is active still takes what it was
	// given when it came last, up to noteAgain after the line.
	takesFor = keys.ActiveFor + noteAgain
)

// SigningAlg is the algorithm that we sign such a thing with for the client; "" where it
// is not signed. It is the one place where that is chosen.
func (c *Client) SigningAlg(what Signed) string {
	switch what {
	case UserinfoAnswers:
		return c.UserinfoAlg
	case IntrospectionAnswers:
		return orUsual(c.IntrospectionAlg)
	case AuthorizationAnswers:
		return orUsual(c.ResponseAlg)
	case AccessTokens, CheckedTokens:
		return AccessTokenAlg
	}
	return c.IDTokenAlg // and logout tokens: OIDC Back-Channel Logout §2.4
}

func orUsual(alg string) string {
	if alg == "" {
		return usualAlg
	}
	return alg
}

// Taker is a client with what it takes that is signed with one algorithm.
type Taker struct {
	Client
	Takes  []Signed
	Lately bool // it is known by what it was given, in keys.ActiveFor and up to a day before
}

// Holds tells whether the client is given something signed, and not only checks what
// others were given.
func (t Taker) Holds() bool {
	return slices.ContainsFunc(t.Takes, func(s Signed) bool { return s != CheckedTokens })
}

// Takers gives the clients that take something signed with the algorithm, disabled ones
// too, in the order of their ids.
func (r *Registry) Takers(ctx context.Context, alg string) (takers []Taker, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	resources, err := r.Resources(ctx)
	if err != nil {
		return nil, err
	}
	byDefault, err := diaryStore{r.Store.DB}.signedWith(ctx, usualAlg, r.Clock().Add(-takesFor))
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		takes := slices.DeleteFunc(c.signed(resources, byDefault[c.ID]), func(s Signed) bool { return c.SigningAlg(s) != alg })
		if len(takes) > 0 {
			lately := slices.ContainsFunc(takes, func(s Signed) bool { return slices.Contains(byDefault[c.ID], s) })
			takers = append(takers, Taker{c, takes, lately})
		}
	}
	return takers, nil
}

// signed gives the kinds of things that the client can have got from us signed. Any
// client may ask for signed answers to authorization requests, and any that proves itself
// for signed introspection. Where the registration names no algorithm for them, byDefault
// tells whether it did: otherwise every client would take RS256, and few do.
func (c *Client) signed(resources []Resource, byDefault []Signed) (all []Signed) {
	withPeople := c.May(AuthorizationCode) || c.May(Implicit)
	chosen := func(alg string, what Signed) bool {
		return alg != "" && alg != usualAlg || slices.Contains(byDefault, what)
	}
	reads := slices.ContainsFunc(resources, func(r Resource) bool { return r.TokenFormat == JWT && r.ClientID == c.ID })
	isGiven := slices.ContainsFunc(resources, func(r Resource) bool { return r.TokenFormat == JWT && slices.Contains(c.Resources, r.ID) })
	for _, one := range []struct {
		what Signed
		is   bool
	}{
		{IDTokens, withPeople || c.May(DeviceCode)},
		{LogoutTokens, c.BackchannelLogoutURI != ""},
		{UserinfoAnswers, c.UserinfoAlg != ""},
		{IntrospectionAnswers, !c.Public() && (c.IntrospectionAlg != "" || chosen("", IntrospectionAnswers))},
		{AuthorizationAnswers, withPeople && chosen(c.ResponseAlg, AuthorizationAnswers)},
		{AccessTokens, c.AccessTokenFormat == JWT || isGiven},
		{CheckedTokens, reads},
	} {
		if one.is {
			all = append(all, one.what)
		}
	}
	return all
}
