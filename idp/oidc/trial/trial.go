// Package trial looks at a client's registration as a log-in would, for the operator who
// asks `idp client test`: is every member as it has to be, can the keys be had, how do
// requests and tokens have to look, and a request to try. It speaks of the protocol by
// its URLs, as the pages do.
package trial

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/jwks"
	"tegata/shared/fetch"
)

// The URLs that clients begin at, below the issuer.
const (
	pathAuthorize = "/oauth2/authorize"
	pathPushed    = "/oauth2/par"
)

// Provider is what a trial has to know of the OpenID Provider.
type Provider struct {
	Issuer      string // its public URL, without a slash at its end
	Development bool   // client keys may be fetched from the own machine
	Resources   []clients.Resource
}

// Finding is one thing that a trial looked at.
type Finding struct {
	OK   bool   // false: a log-in would fail here
	What string // a member of the registration, or a subject, like "tokens"
	Text string // what was found, in English
}

// Try checks everything it can without the client's secret or its people. Nothing is
// sent but the request for the client's keys.
func (p Provider) Try(ctx context.Context, c clients.Client) []Finding {
	var all []Finding
	add := func(ok bool, what, format string, args ...any) {
		all = append(all, Finding{ok, what, fmt.Sprintf(format, args...)})
	}
	add(!c.Disabled, "state", "%s, from %s", map[bool]string{true: "disabled", false: "enabled"}[c.Disabled], c.Source)
	problems := append(c.Check("client", p.Development), c.CheckResources("client", p.Resources)...)
	for _, one := range problems {
		add(false, strings.TrimPrefix(one.Path, "client."), "%s", one.Message)
	}
	for _, uri := range c.RedirectURIs {
		add(c.Redirects(uri), "redirect_uri", "%s", uri)
	}
	if len(problems) == 0 {
		add(true, "metadata", "every member is as it has to be")
	}
	all = append(all, p.keys(ctx, c)...)
	return append(all, p.flow(c)...)
}

// keys fetches what jwks_uri holds, as the token endpoint would, and holds it against
// what the client needs keys for. Those under jwks were checked with the other members.
func (p Provider) keys(ctx context.Context, c clients.Client) []Finding {
	if !c.UsesKeys() || !c.HasKeys() {
		return nil
	}
	set := c.JWKS
	if c.JWKSURI != "" {
		var err error
		if set, err = jwks.Fetch(ctx, fetch.Client(p.Development), c.JWKSURI); err != nil {
			return []Finding{{false, "jwks_uri", "could not be fetched: " + err.Error()}}
		}
	}
	var all []Finding
	for _, one := range c.CheckKeySet("", set) {
		if c.JWKSURI != "" {
			all = append(all, Finding{false, "keys", strings.TrimPrefix(strings.TrimPrefix(one.Path+": ", "."), "jwks: ") + one.Message})
		}
	}
	if used := c.UsedKeys(set); len(used) > 0 {
		all = append(all, Finding{true, "keys", strings.Join(used, ", ")})
	}
	return all
}

// flow tells what a log-in would look like.
func (p Provider) flow(c clients.Client) []Finding {
	proof := map[bool]string{true: "needed", false: "used when the client sends a challenge"}[c.RequirePKCE]
	all := []Finding{
		{true, "authentication", string(c.AuthMethod)},
		{true, "PKCE", proof + ", S256 only"},
		{true, "requests", p.requests(c)},
		{true, "tokens", p.tokens(c)},
		{true, "consent", consent(c)},
		{true, "ID token", idTokenForm(c)},
		{true, "log-out", p.logout(c)},
	}
	if slices.Contains(c.GrantTypes, clients.AuthorizationCode) && len(c.RedirectURIs) > 0 && !c.RequirePushed && !c.RequireSignedRequest {
		all = append(all, Finding{true, "try it", p.Issuer + pathAuthorize + "?" + p.example(c).Encode()})
	}
	return all
}

// requests tells how an authorization request has to come. RFC 9126 §6, RFC 9101 §10.5.
func (p Provider) requests(c clients.Client) string {
	how := "may come as parameters of " + p.Issuer + pathAuthorize
	if c.RequirePushed {
		how = "have to be pushed to " + p.Issuer + pathPushed
	}
	if c.RequireSignedRequest {
		how += ", signed by the client (request)"
	}
	return how
}

// idTokenForm tells how ID tokens of the client are made.
func idTokenForm(c clients.Client) string {
	if how := c.IDTokenEncryption(); how.On() {
		return "signed with " + c.IDTokenAlg + ", then encrypted with " + how.Alg + " and " + how.Enc
	}
	return "signed with " + c.IDTokenAlg
}

// consent tells whether people are asked.
func consent(c clients.Client) string {
	how := "people are asked once for each scope"
	switch {
	case c.FirstParty:
		return "people are not asked: it is ours"
	case c.Public():
		how = "people are asked each time: anybody can say that they are this client"
	case c.Unverified:
		how = "people are asked each time, except by prompt=none"
	}
	if c.Unverified {
		how += "; they are warned that they return to " + c.Return()
	}
	return how
}

// tokens tells what the tokens are bound to. RFC 9449 §5.2, RFC 8705 §3.4.
func (p Provider) tokens(c clients.Client) string {
	switch {
	case c.DPoPBound && c.CertificateBound:
		return "are bound to the key of its DPoP proofs and to its certificate"
	case c.DPoPBound:
		return "are bound to the key of its DPoP proofs, which each request needs"
	case c.CertificateBound:
		return "are bound to its certificate, which each request has to show"
	}
	return "are good for whoever has them, unless the client sends DPoP proofs"
}

func (p Provider) logout(c clients.Client) string {
	var by []string
	if c.BackchannelLogoutURI != "" {
		by = append(by, "is told at "+c.BackchannelLogoutURI)
	}
	if c.FrontchannelLogoutURI != "" {
		by = append(by, "is framed at "+c.FrontchannelLogoutURI)
	}
	if len(by) == 0 {
		return "the client does not hear of the end of a session"
	}
	return strings.Join(by, " and ")
}

// example is an authorization request that this client could make. Its challenge
// belongs to the verifier of RFC 7636 Appendix B.
func (p Provider) example(c clients.Client) url.Values {
	return url.Values{
		"client_id": {c.ID}, "redirect_uri": {c.RedirectURIs[0]}, "response_type": {"code"},
		"scope": {strings.Join(c.Scopes[:min(len(c.Scopes), 3)], " ")}, "state": {"example"}, "nonce": {"example"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
}
