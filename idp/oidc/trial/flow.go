package trial

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
)

// The URLs that clients begin at, below the issuer.
const (
	pathAuthorize = "/oauth2/authorize"
	pathPushed    = "/oauth2/par"
	pathDevice    = "/oauth2/device_authorization"
)

// flow tells what a log-in would look like, or a token request of a client that no person
// logs in with.
func (p Provider) flow(c clients.Client) []Finding {
	all := []Finding{{true, "authentication", p.authentication(c)}}
	tell := func(what, text string) {
		if text != "" {
			all = append(all, Finding{true, what, text})
		}
	}
	browser := c.May(clients.AuthorizationCode) || c.May(clients.Implicit)
	people := browser || c.May(clients.DeviceCode)
	if browser {
		tell("PKCE", map[bool]string{true: "needed", false: "used when the client sends a challenge"}[c.RequirePKCE]+", S256 only")
		tell("requests", p.requests(c))
		tell("request_uris", strings.Join(c.RequestURIs, ", "))
	}
	tell("devices", p.devices(c))
	tell("without people", alone(c))
	tell("tokens", p.tokens(c))
	all = append(all, p.resources(c)...)
	if people {
		tell("consent", consent(c))
		tell("ID token", idTokenForm(c))
		tell("log-out", p.logout(c))
	} else {
		tell("log-in", "nobody logs in with this client: it has no grant type for that")
	}
	if c.May(clients.AuthorizationCode) && len(c.RedirectURIs) > 0 && !c.RequirePushed && !c.RequireSignedRequest {
		tell("try it", p.Issuer+pathAuthorize+"?"+p.example(c).Encode())
	}
	return all
}

// authentication tells how the client proves itself, and how many secrets it can do that
// with at this moment.
func (p Provider) authentication(c clients.Client) string {
	how := string(c.AuthMethod)
	if len(c.SecretDigests) == 0 {
		return how
	}
	until, two := c.TwoSecrets(p.Now)
	switch {
	case !two:
		return how + ", one secret works"
	case until.IsZero():
		return how + ", two secrets work, both without an end"
	}
	return how + ", two secrets work, the older one until " + until.UTC().Format(time.DateTime) + "Z"
}

// devices tells how something without a browser begins. RFC 8628 §3.1.
func (p Provider) devices(c clients.Client) string {
	if !c.May(clients.DeviceCode) {
		return ""
	}
	return "begin at " + p.Issuer + pathDevice
}

// alone tells by what the client gets tokens without anybody in front of a page.
func alone(c clients.Client) string {
	var ways []string
	if c.May(clients.ClientCredentials) {
		ways = append(ways, "gets tokens for itself")
	}
	if x := c.TokenExchange; x != nil && c.May(clients.TokenExchangeType) {
		from := slices.Concat([]string{"its own"}, x.From)
		ways = append(ways, "exchanges access tokens: "+strings.Join(from, ", "))
	}
	if c.May(clients.JWTBearer) {
		var issuers []string
		for _, one := range c.AssertionIssuers {
			issuers = append(issuers, one.Issuer)
		}
		ways = append(ways, "brings JWTs of "+strings.Join(issuers, ", "))
	}
	return strings.Join(ways, "; ")
}

// resources tells what the client may ask tokens for, and about which tokens it may ask.
func (p Provider) resources(c clients.Client) (all []Finding) {
	for i, r := range p.Resources {
		if slices.ContainsFunc(p.Resources[:i], func(before clients.Resource) bool { return before.ID == r.ID }) {
			continue // as it will be after the next start
		}
		if r.ClientID == c.ID {
			all = append(all, Finding{true, "introspection", "may ask about tokens for " + r.ID})
		}
		if !slices.Contains(c.Resources, r.ID) {
			continue
		}
		text := fmt.Sprintf("%s: %s tokens", r.ID, r.TokenFormat)
		if r.TokenLifetime != "" {
			text += " for " + r.TokenLifetime
		}
		both := func(what string, a, b []string) {
			if shared := slices.DeleteFunc(slices.Clone(a), func(one string) bool { return !slices.Contains(b, one) }); len(shared) > 0 {
				text += ", " + what + " " + strings.Join(shared, " ")
			}
		}
		both("scopes", r.Scopes, c.Scopes)
		both("details", r.DetailTypes, c.DetailTypes)
		all = append(all, Finding{true, "resource", text})
		for _, one := range r.CheckNames("", p.Clients) {
			all = append(all, Finding{false, "resource", r.ID + ": " + strings.TrimPrefix(one.Path, ".") + ": " + one.Message})
		}
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
