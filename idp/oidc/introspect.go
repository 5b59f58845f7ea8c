package oidc

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// introspectionJWT is the media type of a signed answer. RFC 9701 §4.
const introspectionJWT = "application/token-introspection+jwt"

// introspect answers POST /oauth2/introspect (RFC 7662), signed when the client asks
// for that (RFC 9701).
func (p *Provider) introspect(ctx context.Context, w http.ResponseWriter, work *work) (func(), error) {
	answer, err := p.introspectToken(ctx, w, work)
	if err != nil || !prefersTo(work.arrived, introspectionJWT, "application/json") {
		return func() { wire.WriteJSON(w, http.StatusOK, answer) }, err
	}
	work.signs = clients.IntrospectionAnswers
	text, err := p.claimsText(ctx, claimsText{
		typ: "token-introspection+jwt", alg: work.client.SigningAlg(work.signs),
		client: work.client.Client, encryption: work.client.IntrospectionEncryption(),
		claims: claims.Set{
			{Name: "iss", Value: p.Issuer}, {Name: "aud", Value: work.client.ID}, {Name: "iat", Value: p.Clock().Unix()},
			{Name: "token_introspection", Value: answer},
		},
	})
	return func() { wire.WriteText(w, introspectionJWT, text) }, err
}

func (p *Provider) introspectToken(ctx context.Context, w http.ResponseWriter, work *work) (tokens.Introspection, error) {
	form, err := p.readProven(ctx, w, work)
	if err != nil {
		return tokens.Introspection{}, err
	}
	if work.client.Public() { // anybody can say that they are this client
		return tokens.Introspection{}, wire.Refuse("invalid_client", "A client has to prove itself to ask about tokens.")
	}
	if work.assertion != nil {
		if err := p.remember(ctx, work, p.Clock()); err != nil {
			return tokens.Introspection{}, err
		}
	}
	given := form.Get("token")
	if given == "" {
		return tokens.Introspection{}, wire.Refuse("invalid_request", "The parameter token is missing.")
	}
	return p.tell(ctx, work, given)
}

// tell says what the client may know of the token. The hint of the request is not
// needed: one look finds either kind.
func (p *Provider) tell(ctx context.Context, work *work, given string) (tokens.Introspection, error) {
	came, err := p.tokenBy(ctx, given)
	if fault.Is(err, fault.NotFound) || err == nil && !came.Usable(p.Clock()) {
		return tokens.Introspection{}, nil
	}
	if err != nil {
		return tokens.Introspection{}, err
	}
	if may, err := p.mayKnow(ctx, work.client, came); err != nil || !may {
		return tokens.Introspection{}, err
	}
	if !came.Machine && !came.Person.Active {
		return tokens.Introspection{}, nil
	}
	from, err := p.Clients.ByID(ctx, came.Client)
	if fault.Is(err, fault.NotFound) {
		return tokens.Introspection{}, nil
	}
	if err != nil {
		return tokens.Introspection{}, err
	}
	answer := p.describeToken(came)
	answer.MayAct = mayAct(from)
	return answer, nil
}

// accessBy finds an access token by what somebody holds; fault.NotFound when it is none
// of ours.
func (p *Provider) accessBy(ctx context.Context, given string) (grants.Token, error) {
	t, err := p.readAccess(ctx, given)
	if err != nil {
		return grants.Token{}, err
	}
	return p.grants.Access(ctx, t)
}

// tokenBy is accessBy for tokens of either kind.
func (p *Provider) tokenBy(ctx context.Context, given string) (grants.Token, error) {
	came, err := p.accessBy(ctx, given)
	if !fault.Is(err, fault.NotFound) {
		return came, err
	}
	return p.grants.Refresh(ctx, given)
}

// mayKnow tells whether the token is the client's own or made out to it: by its id, or
// by a resource that asks as this client. Refresh tokens are nobody else's business.
func (p *Provider) mayKnow(ctx context.Context, client *registered, came grants.Token) (bool, error) {
	if came.Client == client.ID {
		return true, nil
	}
	if came.Kind != grants.Access {
		return false, nil
	}
	for _, id := range came.Target.Audience {
		r, err := p.Clients.Resource(ctx, id)
		if err == nil && r.ClientID == client.ID {
			return true, nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return false, err
		}
	}
	return slices.Contains(came.Target.Audience, client.ID), nil
}

func (p *Provider) describeToken(came grants.Token) tokens.Introspection {
	answer := tokens.Introspection{
		Active: true, Scope: strings.Join(came.Scopes, " "), Client: came.Client,
		Expires: came.ExpiresAt.Unix(), Issued: came.CreatedAt.Unix(), Subject: came.LogIn.Subject,
		Audience: p.audienceOf(came.Target), Issuer: p.Issuer, ID: came.ID,
		AuthTime: unix(came.LogIn.AuthTime), ACR: came.LogIn.ACR, Details: came.Target.Details, Actor: came.LogIn.Actor, Bound: came.Bound,
	}
	if came.Kind == grants.Access {
		answer.TokenType = came.Bound.TokenType()
		return answer
	}
	answer.Audience, answer.Details = tokens.Audience{p.Issuer}, came.LogIn.Details // it is used here and nowhere else
	return answer
}
