package oidc

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// claim is who a request says to come from, whether or not that was proved.
type claim struct {
	client *clients.Client
	given  clientauth.Credentials
	path   string
}

// noteAuthorization tells the client's developer how an authorization request went, before
// the answer is sent. A refusal makes nobody one who takes signed answers: any stranger can
// have us sign one for any client.
func (p *Provider) noteAuthorization(ctx context.Context, a *authorization, err error) {
	if p.Diary == nil || a == nil {
		return
	}
	r := clients.Request{ClientID: a.client.ID, Endpoint: "authorize", Outcome: "ok"}
	if err != nil {
		r.Outcome = wire.RefusalOf(err).Code
		r.Reason, r.Details = whyNotAuthorized(a, err)
		if fault.Is(err, fault.Invalid) {
			r.Outcome = "invalid_request" // told to the person alone
		}
	} else if lost := lostScopes(a); lost != "" {
		r.Reason, r.Details = clients.ReasonScope, map[string]string{"scopes": lost}
	} else if lost := lostClaims(a); lost != "" {
		r.Reason, r.Details = clients.ReasonClaims, map[string]string{"claims": lost}
	}
	if a.back.Sign != nil && err == nil {
		p.Diary.NoteSigned(ctx, a.client, clients.AuthorizationAnswers, r)
		return
	}
	p.Diary.Note(r)
}

// noteUnreadable tells it when the parameters could not be read, so that nobody knows
// for sure who asks.
func (p *Provider) noteUnreadable(r *http.Request, err error) {
	wrong := fault.Of(err)
	if p.Diary == nil || wrong == nil || wrong.Field == "" {
		return
	}
	if client, unknown := p.Clients.ByID(r.Context(), r.Form.Get("client_id")); unknown == nil {
		p.Diary.Note(clients.Request{
			ClientID: client.ID, Endpoint: endpoint(r.URL.Path), Outcome: "invalid_request",
			Reason: clients.ReasonTwice, Details: map[string]string{"parameter": legible(wrong.Field)},
		})
	}
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

// lostClaims does the same for claims that were asked for one by one.
func lostClaims(a *authorization) string {
	asked, _ := claims.ReadParameter(a.params.Get("claims"))
	var lost []string
	for _, name := range asked.Names() {
		if !slices.Contains(a.claims.Names(), name) && !slices.Contains(lost, name) {
			lost = append(lost, name)
		}
	}
	return strings.Join(lost, " ")
}

// noteClient tells the client's developer how a request that proves the client went.
func (p *Provider) noteClient(w *work, err error) {
	if p.Diary == nil || err != nil && wire.RefusalOf(err).Code == "authorization_pending" {
		return // a device that waits says nothing new
	}
	c := p.claimant(w)
	if c.client == nil {
		return
	}
	r := clients.Request{ClientID: c.client.ID, Endpoint: endpoint(c.path), Outcome: "ok"}
	seen := p.clockOf(w.arrived, c.given)
	if err != nil {
		r.Outcome = wire.RefusalOf(err).Code
		r.Reason, r.Details = p.whyNotClient(w, c, err, seen)
	}
	r = seen.measuredIn(r)
	if w.signs != "" && err == nil {
		p.Diary.NoteSigned(w.arrived.Context(), c.client, w.signs, r)
		return
	}
	p.Diary.Note(r)
}

// claimant is who says to ask. A request that was refused before its client was looked
// at is told to the client it names: it may be somebody else's, as any that fails.
func (p *Provider) claimant(w *work) claim {
	if w.claimed.client != nil {
		return w.claimed
	}
	form := w.arrived.PostForm
	if form == nil { // the body was not read
		form = url.Values{}
	}
	given, err := clientauth.Read(w.arrived, form)
	if err != nil {
		given = clientauth.Credentials{ID: form.Get("client_id")}
		if user, _, ok := w.arrived.BasicAuth(); ok && given.ID == "" {
			given.ID = user
		}
	}
	client, err := p.Clients.ByID(w.arrived.Context(), given.ID)
	if err != nil {
		return claim{}
	}
	return claim{client, given, w.arrived.URL.Path}
}

// noteUserinfo tells the developer of the client that holds the token how a request
// with it went. A token that nobody knows is nobody's.
func (p *Provider) noteUserinfo(r *http.Request, clientID string, err error) {
	if p.Diary == nil || clientID == "" {
		return
	}
	noted := clients.Request{ClientID: clientID, Endpoint: "userinfo", Outcome: "ok"}
	seen := p.clockOf(r, clientauth.Credentials{})
	if err != nil {
		noted.Outcome = wire.RefusalOf(err).Code
		noted.Reason, noted.Details = p.whyNotToken(r, err, seen)
	}
	p.Diary.Note(seen.measuredIn(noted))
}

// noteLogout tells the developer of the client that a logout request names how it was
// understood. RP-Initiated Logout §2.
func (p *Provider) noteLogout(r *http.Request, params url.Values, bye farewell, err error) {
	id := params.Get("client_id")
	if id == "" && bye.known {
		id = bye.hint.Clients[0]
	}
	if p.Diary == nil || id == "" {
		return
	}
	client, unknown := p.Clients.ByID(r.Context(), id)
	if unknown != nil {
		return
	}
	noted := clients.Request{ClientID: id, Endpoint: "logout", Outcome: "ok"}
	switch wrong := fault.Of(err); {
	case wrong != nil && wrong.Field == "post_logout_redirect_uri":
		noted.Outcome, noted.Reason = "invalid_request", clients.ReasonLogoutURI
		noted.Details = compared(params.Get("post_logout_redirect_uri"), client.PostLogoutRedirectURIs)
	case wrong != nil && wrong.Field == "id_token_hint":
		noted.Outcome, noted.Reason = "invalid_request", clients.ReasonLogoutHint
	case err != nil:
		noted.Outcome, noted.Reason = "server_error", clients.ReasonOurs
	case !bye.known:
		noted.Reason = clients.ReasonLogoutAsks
	}
	p.Diary.Note(noted)
}

// endpoint is the last part of one of our paths.
func endpoint(path string) string { return strings.TrimPrefix(path, "/oauth2/") }

// legible is what a stranger sent, word by word, short and printable. A word that could
// be a secret in the wrong place is left out: long, and of more than small letters.
func legible(s string) string {
	words := strings.Fields(strings.Map(func(r rune) rune {
		if wire.Unprintable(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), 400)]))
	for i, word := range words {
		if len(word) > 12 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_-:./") != "" {
			words[i] = "…"
		}
		words[i] = words[i][:min(len(words[i]), 60)]
	}
	return strings.Join(words[:min(len(words), 10)], " ")
}
