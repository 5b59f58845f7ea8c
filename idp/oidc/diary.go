package oidc

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
)

// claim is who a request says to come from, whether or not that was proved.
type claim struct {
	client *clients.Client
	given  credentials
	path   string
}

// noteAuthorization tells the client's developer how an authorization request went.
func (p *Provider) noteAuthorization(a *authorization, err error) {
	if p.Diary == nil || a == nil {
		return
	}
	r := clients.Request{ClientID: a.client.ID, Endpoint: "authorize", Outcome: "ok"}
	if err != nil {
		r.Outcome = refusalOf(err).Code
		r.Reason, r.Details = whyNotAuthorized(a, err)
		if r.Reason == clients.ReasonRedirectURI {
			r.Outcome = "invalid_request" // told to the person alone
		}
	} else if lost := lostScopes(a); lost != "" {
		r.Reason, r.Details = clients.ReasonScope, map[string]string{"scopes": lost}
	}
	p.Diary.Note(r)
}

func whyNotAuthorized(a *authorization, err error) (string, map[string]string) {
	var own *refusal
	if a.back.uri == "" && !errors.As(err, &own) {
		given := a.params.Get("redirect_uri")
		return clients.ReasonRedirectURI, map[string]string{
			"given": clients.Masked(given), "registered": clients.Nearest(given, a.client.RedirectURIs),
		}
	}
	why := refusalOf(err).Why
	switch {
	case strings.Contains(why, "PKCE"):
		return clients.ReasonPKCEMissing, nil
	case strings.Contains(why, "code_challenge_method"):
		return clients.ReasonPKCEMethod, map[string]string{"given": legible(a.params.Get("code_challenge_method"))}
	}
	return clients.ReasonOther, map[string]string{"why": why}
}

// lostScopes names the scopes that were asked for and that this client does not get.
func lostScopes(a *authorization) string {
	var lost []string
	for _, scope := range strings.Fields(a.params.Get("scope")) {
		if !slices.Contains(a.scopes, scope) && len(lost) < 10 {
			lost = append(lost, legible(scope))
		}
	}
	return strings.Join(lost, " ")
}

// noteClient tells the client's developer how a request that proves the client went.
func (p *Provider) noteClient(w *work, err error) {
	c := w.claimed
	if p.Diary == nil || c.client == nil || err != nil && refusalOf(err).Code == "authorization_pending" {
		return // a device that waits says nothing new
	}
	r := clients.Request{ClientID: c.client.ID, Endpoint: strings.TrimPrefix(c.path, "/oauth2/"), Outcome: "ok"}
	ahead, measured := clockOf(c.given, p.Clock())
	if err != nil {
		r.Outcome = refusalOf(err).Code
		r.Reason, r.Details = whyNotClient(w, err, ahead)
	}
	if measured && r.Details == nil {
		r.Details = map[string]string{}
	}
	if measured {
		r.Details["clock"] = strconv.FormatInt(int64(ahead/time.Second), 10)
	}
	p.Diary.Note(r)
}

// clockOf tells how far the clock is ahead that made the client's assertion. The
// journey of the request is in it, so a second or two mean nothing.
func clockOf(given credentials, now time.Time) (ahead time.Duration, measured bool) {
	if given.method != clients.PrivateKeyJWT || given.assertion.Issued == nil {
		return 0, false
	}
	return given.assertion.Issued.Time().Sub(now).Round(time.Second), true
}

func whyNotClient(w *work, err error, ahead time.Duration) (string, map[string]string) {
	c, refused := w.claimed, refusalOf(err)
	var theirs *fosite.RFC6749Error
	hint := ""
	if errors.As(err, &theirs) {
		hint = theirs.HintField
	}
	switch {
	case w.client == nil && c.given.method != c.client.AuthMethod:
		return clients.ReasonAuthMethod, map[string]string{"given": string(c.given.method), "registered": string(c.client.AuthMethod)}
	case w.client == nil && ahead.Abs() > leeway && slices.Contains(aboutTime, refused.Why):
		return clients.ReasonClock, map[string]string{}
	case w.client == nil && c.given.method == clients.PrivateKeyJWT:
		return clients.ReasonAssertion, map[string]string{"why": refused.Why}
	case w.client == nil:
		return clients.ReasonSecret, nil
	case strings.Contains(hint, "PKCE"), strings.Contains(hint, "code_verifier"), strings.Contains(hint, "code verifier"):
		return clients.ReasonPKCEMismatch, nil
	case strings.Contains(hint, "redirect_uri"):
		return clients.ReasonRedirectChanged, nil
	case errors.Is(err, errUsed), errors.Is(w.looked, fosite.ErrInvalidatedAuthorizeCode):
		return clients.ReasonCodeUsed, nil
	case refused.Code == "invalid_grant" && w.request == nil && w.refreshed == nil && slices.Contains(looksUp, w.form.Get("grant_type")):
		return clients.ReasonCodeUnknown, nil
	}
	return clients.ReasonOther, map[string]string{"why": refused.Why}
}

// looksUp are the grant types that bring a code or refresh token of ours.
var looksUp = []string{clients.AuthorizationCode, clients.RefreshToken}

// aboutTime are the refusals of an assertion that a clock that is wrong leads to.
var aboutTime = []string{
	"The client assertion has expired.", "The client assertion lives for too long.",
	"The client assertion is not good yet.", "The client assertion comes from the future.",
}

// legible is what a stranger sent, short and printable.
func legible(s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 40)]
}
