package sso

import (
	"context"
	"errors"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"golang.org/x/oauth2"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Answer is what came back to /callback.
type Answer struct {
	Query   url.Values
	Browser string // value of the browser's cookie, "" when it has none
	Session string // value of its session cookie; that session ends
}

// Outcome is how a log-in ended. Wanted is also known for most refusals, so that a
// person can start again and still get there.
type Outcome struct {
	Session Session
	Token   string // for the session cookie
	Wanted  string
	Again   bool // too late, but all else is right: start again without a word
}

// Finish ends a log-in. Nothing is sent to the provider before the answer is known to
// belong to this browser and this issuer. Every refusal is a fault with the key of a
// sentence; its cause is for the log.
func (s *Service) Finish(ctx context.Context, a Answer) (Outcome, error) {
	if err := single(a.Query); err != nil {
		return Outcome{}, err
	}
	began, err := s.claim(ctx, a)
	out := Outcome{Wanted: began.Wanted}
	if fault.Is(err, fault.Expired) {
		out.Again = true
		return out, nil
	}
	if err != nil {
		return out, err
	}
	c, err := s.Provider.connect(ctx)
	if err != nil {
		return out, err
	}
	if err := s.checkAnswer(c, a.Query); err != nil {
		return out, err
	}
	who, err := s.exchange(ctx, c, a.Query.Get("code"), began)
	if err != nil {
		return out, err
	}
	out.Session, out.Token, err = s.start(ctx, who, began.Wanted, a.Session)
	return out, err
}

// single refuses parameters that come twice (RFC 6749 §3.1) or are absurdly long.
func single(q url.Values) error {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(q[name]) > 1 || len(q.Get(name)) > 2048 {
			return refused("the parameter %s is doubled or too long", name)
		}
	}
	return nil
}

// claim finds the log-in that the state names and uses it up, if it is this browser's.
// A state of another browser is not touched: its owner may still come.
func (s *Service) claim(ctx context.Context, a Answer) (began attempt, err error) {
	state := a.Query.Get("state")
	ticket, err := s.Tickets.Look(ctx, statePurpose, state, s.Clock())
	if ticket.ID == "" {
		return began, stateFault(err)
	}
	if err := ticket.Read(&began); err != nil {
		return attempt{}, err
	}
	if a.Browser == "" || !secret.Match(began.Browser, secret.Digest(a.Browser)) {
		return attempt{}, fault.Wrap(fault.Invalid, "signin.state", errors.New("the state belongs to another browser"))
	}
	if err == nil {
		_, err = s.Tickets.Spend(ctx, statePurpose, state, s.Clock())
	}
	return began, stateFault(err)
}

// stateFault turns the answers of shared/once into ours.
func stateFault(err error) error {
	switch fault.KindOf(err) {
	case fault.NotFound:
		return fault.Wrap(fault.Invalid, "signin.state", err)
	case fault.Conflict:
		return fault.Wrap(fault.Conflict, "signin.used", err)
	}
	return err
}

// checkAnswer checks what the provider says before any token is asked for.
func (s *Service) checkAnswer(c *connection, q url.Values) error {
	iss, sent := q.Get("iss"), q.Has("iss")
	if sent && iss != s.Provider.Issuer || !sent && c.issParameter { // RFC 9207 §2.4, A-021
		return refused("iss of the answer is %q, want %q", iss, s.Provider.Issuer)
	}
	switch code := q.Get("error"); code {
	case "":
	case "access_denied":
		return fault.Wrap(fault.Denied, "signin.denied", errors.New(code))
	case "temporarily_unavailable":
		return fault.Wrap(fault.Busy, "signin.unreachable", errors.New(code))
	default:
		return fault.Wrap(fault.Invalid, "signin.provider", errors.New("the provider answers with an error: "+printable(code)))
	}
	if q.Get("code") == "" {
		return refused("the answer has neither code nor error")
	}
	return nil
}

// exchange redeems the code and gives who it was for, every token checked.
func (s *Service) exchange(ctx context.Context, c *connection, code string, began attempt) (identity, error) {
	assertion, err := s.assertion(ctx)
	if err != nil {
		return identity{}, err
	}
	web := c.rp.HttpClient()
	var opts []oauth2.AuthCodeOption
	for _, opt := range []rp.CodeExchangeOpt{rp.WithCodeVerifier(began.Verifier), rp.WithClientAssertionJWT(assertion)} {
		opts = append(opts, opt()...)
	}
	tokens, err := c.rp.OAuthConfig().Exchange(context.WithValue(ctx, oauth2.HTTPClient, web), code, opts...)
	if err != nil {
		return identity{}, exchangeFault(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	claims, err := s.verify(ctx, c, raw, tokens.AccessToken, began.Nonce)
	if err != nil {
		return identity{}, fault.Wrap(fault.Invalid, "signin.refused", err)
	}
	said, err := rp.Userinfo[*profile](ctx, tokens.AccessToken, "Bearer", claims.Subject, c.rp) // OIDC Core §5.3.2: same sub
	if errors.Is(err, rp.ErrUserInfoSubNotMatching) {
		return identity{}, fault.Wrap(fault.Invalid, "signin.refused", err)
	}
	if err != nil {
		return identity{}, fault.Wrap(fault.Busy, "signin.unreachable", errors.New("userinfo: "+printable(err.Error())))
	}
	return identity{arrival: said.arrival(claims.Issuer), sid: claims.SessionID, idToken: raw}, nil
}

// exchangeFault tells a provider that refuses from one that is not well.
func exchangeFault(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return fault.Wrap(fault.Busy, "signin.unreachable", err)
	}
	cause := errors.New("token endpoint: " + answer.Response.Status + " " + printable(answer.ErrorCode))
	if answer.Response.StatusCode >= 500 {
		return fault.Wrap(fault.Busy, "signin.unreachable", cause)
	}
	return fault.Wrap(fault.Invalid, "signin.refused", cause)
}
