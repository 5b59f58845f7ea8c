package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// sayable are the reasons that a refusal can carry and that need no more to be told than the
// parameter whose value they show, "" for none.
var sayable = map[clients.Reason]string{
	clients.ReasonPKCEMissing: "", clients.ReasonPKCEMethod: "code_challenge_method",
	clients.ReasonPushedMissing: "", clients.ReasonPushedOver: "", clients.ReasonCodeUsed: "",
	clients.ReasonDenied: "", clients.ReasonLogin: "", clients.ReasonInteraction: "", clients.ReasonConsent: "",
	clients.ReasonResponseType: "response_type", clients.ReasonGrantType: "grant_type",
	clients.ReasonUnregistered: "", clients.ReasonScopeRefused: "scope",
	clients.ReasonTokenOver: "",
}

// meant are the reasons of refusals of which only the code is known, also where fosite makes
// them.
var meant = map[string]clients.Reason{
	"access_denied": clients.ReasonDenied, "login_required": clients.ReasonLogin, "interaction_required": clients.ReasonInteraction,
	"consent_required": clients.ReasonConsent, "unsupported_response_type": clients.ReasonResponseType,
	"unsupported_grant_type": clients.ReasonGrantType, "unauthorized_client": clients.ReasonUnregistered,
	"invalid_scope": clients.ReasonScopeRefused,
}

// reasonOf gives the reason that a refusal carries, and otherwise the sentence that the
// client got.
func reasonOf(refused *wire.Refusal, params url.Values) (clients.Reason, map[string]string) {
	if refused.Code == "server_error" || refused.Code == "temporarily_unavailable" {
		return clients.ReasonOurs, nil
	}
	reason := refused.Reason
	if reason == wire.General {
		reason = meant[refused.Code]
	}
	parameter, ok := sayable[reason]
	switch {
	case !ok:
		return clients.ReasonOther, map[string]string{"why": refused.Why}
	case parameter == "":
		return reason, nil
	case reason == clients.ReasonPKCEMethod && !params.Has(parameter):
		return clients.ReasonPKCENoMethod, nil
	}
	return reason, map[string]string{"given": legible(params.Get(parameter))}
}

// compared is an address that came, fit to be shown, beside the one that is most like
// it among those that are expected.
func compared(given string, expected []string) map[string]string {
	return map[string]string{"given": clients.Masked(given, expected), "registered": clients.Nearest(given, expected)}
}

func whyNotAuthorized(a *authorization, err error) (clients.Reason, map[string]string) {
	var own *wire.Refusal
	wrong := fault.Of(err)
	switch {
	case wrong != nil && wrong.Key == noAnswer: // whatever was wrong with the request
	case a.twice != "":
		return clients.ReasonTwice, map[string]string{"parameter": a.twice}
	case errors.As(err, &own), wrong == nil, wrong.Kind != fault.Invalid:
	case wrong.Key == noRedirectURI:
		return clients.ReasonRedirectMissing, nil
	case wrong.Field == "redirect_uri":
		return clients.ReasonRedirectURI, compared(a.params.Get("redirect_uri"), a.client.RedirectURIs)
	default: // no such pushed request, or another client's
		return clients.ReasonPushedUnknown, nil
	}
	return reasonOf(wire.RefusalOf(err), a.params)
}

// whyNotClient is for the endpoints where clients prove themselves.
func (p *Provider) whyNotClient(w *work, c claim, err error, seen measured) (clients.Reason, map[string]string) {
	refused, hint := wire.RefusalOf(err), ""
	var theirs *fosite.RFC6749Error
	if errors.As(err, &theirs) {
		hint = theirs.HintField
	}
	if reason, details, ok := p.whyNotBrought(w, c, refused); ok {
		return reason, details
	}
	wrong := fault.Of(err)
	switch {
	case refused.Code == "invalid_client":
		return p.whyNotProved(w, c, refused, seen)
	case refused.Code == "invalid_grant" && w.belongsElsewhere(c):
		return clients.ReasonCodeElsewhere, nil
	case aboutProof(refused):
		return p.whyNotProof(w.arrived, refused, seen)
	case wrong != nil && wrong.Key == noRedirectURI:
		return clients.ReasonRedirectMissing, nil
	case wrong != nil && wrong.Field == "redirect_uri":
		return clients.ReasonRedirectURI, compared(w.arrived.PostForm.Get("redirect_uri"), c.client.RedirectURIs)
	case strings.Contains(hint, "PKCE"), strings.Contains(hint, "code_verifier"), strings.Contains(hint, "code verifier"):
		return w.whyNotVerified(), nil
	case strings.Contains(hint, "redirect_uri") && w.request != nil:
		return clients.ReasonRedirectChanged, compared(w.form.Get("redirect_uri"), w.request.Form["redirect_uri"])
	case errors.Is(w.looked, fosite.ErrInvalidatedAuthorizeCode):
		return clients.ReasonCodeUsed, nil
	case refused.Code == "invalid_grant" && w.request == nil && w.code != nil:
		age := p.Clock().Sub(w.code.createdAt())
		return clients.ReasonCodeExpired, map[string]string{"age": seconds(age), "lives": seconds(p.Lifetimes.Code)}
	case refused.Code == "invalid_grant" && w.request == nil && !w.refreshes(c) && slices.Contains(looksUp, w.form.Get("grant_type")):
		return clients.ReasonCodeUnknown, nil
	case errors.Is(err, errScopesGone) && w.refreshes(c):
		return clients.ReasonScopeGone, map[string]string{"given": strings.Join(w.refreshed.Scopes, " "), "registered": strings.Join(c.client.Scopes, " ")}
	}
	return reasonOf(refused, w.arrived.PostForm)
}

// looksUp are the grant types that bring a code or refresh token of ours.
var looksUp = []string{clients.AuthorizationCode, clients.RefreshToken}

// whyNotVerified tells what is wrong between the code_verifier and the code_challenge of a
// code. RFC 7636 §4.6.
func (w *work) whyNotVerified() clients.Reason {
	switch {
	case w.code != nil && w.code.Challenge == "":
		return clients.ReasonPKCENoChallenge
	case !w.form.Has("code_verifier"):
		return clients.ReasonPKCENoVerifier
	}
	return clients.ReasonPKCEMismatch
}

// belongsElsewhere tells whether the code or refresh token that came was given to another
// client than the one that brings it, or to one that had its id before.
func (w *work) belongsElsewhere(c claim) bool {
	if w.code != nil {
		return w.code.Client != c.client.ID || w.code.Registered != registeredAt(c.client)
	}
	return w.refreshed != nil && w.refreshed.Client != c.client.ID
}

// refreshes tells whether a refresh token of that client was found.
func (w *work) refreshes(c claim) bool {
	return w.refreshed != nil && w.refreshed.Client == c.client.ID
}

// whyNotProved tells why the client could not be authenticated.
func (p *Provider) whyNotProved(w *work, c claim, refused *wire.Refusal, seen measured) (clients.Reason, map[string]string) {
	byCertificate := c.client.ByCertificate() && c.given.Method == clients.None
	switch {
	case byCertificate:
		return clients.ReasonCertificate, map[string]string{"why": refused.Why}
	case w.client == nil && c.given.Method != "" && c.given.Method != c.client.AuthMethod:
		return clients.ReasonAuthMethod, map[string]string{"given": string(c.given.Method), "registered": string(c.client.AuthMethod)}
	case refused.Reason == clients.ReasonClock && seen.by == byAssertion && seen.matters():
		return seen.reason()
	case refused.Reason == clients.ReasonAudience && len(c.given.Assertion.Audience) > 0:
		return p.whyNotAudience(c)
	case c.given.Method == clients.PrivateKeyJWT:
		return clients.ReasonAssertion, map[string]string{"why": refused.Why}
	case w.client == nil && c.client.HasSecret() && refused.Reason == wire.General:
		return clients.ReasonSecret, nil
	}
	return clients.ReasonOther, map[string]string{"why": refused.Why}
}

// whyNotAudience tells whom an assertion is made out to and whom it should be, and whether
// the registration could let it pass: many libraries name the token endpoint.
func (p *Provider) whyNotAudience(c claim) (clients.Reason, map[string]string) {
	aud, reason := c.given.Assertion.Audience, clients.ReasonAudience
	if !c.client.FAPI() && c.client.AuthAudience != "endpoint" && p.prover.Takes("endpoint", aud) {
		reason = clients.ReasonAudienceSetting
	}
	return reason, compared(audienceText(aud), p.prover.Audiences(c.client.AuthAudience))
}

// aboutProof tells whether the refusal is about a DPoP proof.
func aboutProof(refused *wire.Refusal) bool {
	return refused.Code == "invalid_dpop_proof" || refused.Code == "use_dpop_nonce" || refused.Reason == clients.ReasonProofMissing
}

// whyNotProof tells what is wrong with a DPoP proof. RFC 9449 §4.3.
func (p *Provider) whyNotProof(r *http.Request, refused *wire.Refusal, seen measured) (clients.Reason, map[string]string) {
	said := dpop.Said(r)
	switch refused.Reason {
	case clients.ReasonProofURL:
		expected := []string{p.Issuer + r.URL.Path}
		if p.MTLS != "" && p.MTLS != p.Issuer {
			expected = append(expected, p.MTLS+r.URL.Path)
		}
		return clients.ReasonProofURL, compared(said.URL, expected)
	case clients.ReasonProofMethod:
		return clients.ReasonProofMethod, map[string]string{"given": legible(said.Method), "registered": r.Method}
	case clients.ReasonClock:
		if seen.by == byProof {
			return seen.reason()
		}
	case clients.ReasonProofReplayed:
		return clients.ReasonProofReplayed, nil
	}
	if refused.Code == "use_dpop_nonce" {
		return clients.ReasonProofNonce, nil
	}
	if len(r.Header.Values("DPoP")) == 0 {
		return clients.ReasonProofMissing, nil
	}
	return clients.ReasonProof, map[string]string{"why": refused.Why}
}

// whyNotToken tells what is wrong with an access token at userinfo.
func (p *Provider) whyNotToken(r *http.Request, err error, seen measured) (clients.Reason, map[string]string) {
	refused := wire.RefusalOf(err)
	switch {
	case aboutProof(refused):
		return p.whyNotProof(r, refused, seen)
	case refused.Code == "insufficient_scope":
		return clients.ReasonTokenScope, nil
	}
	return reasonOf(refused, nil)
}
