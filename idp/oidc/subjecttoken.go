package oidc

import (
	"context"
	"errors"
	"slices"

	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// unacceptable gives a refused subject or actor token the code of RFC 8693 §2.2.2,
// which is not the one of other grant types.
func unacceptable(err error) error {
	var own *wire.Refusal
	if !errors.As(err, &own) || own.Code != "invalid_grant" {
		return err
	}
	why, reason := own.Why, own.Reason
	if reason == wire.General {
		why, reason = "The subject_token is unknown, expired or revoked.", ""
	}
	return wire.Refuse("invalid_request", why).For(reason).Because(own.Cause)
}

// errForeign is a token of a client that the one that brings it may not exchange tokens of.
var errForeign = wire.Refuse("invalid_request", "The subject_token is not one that the client may exchange.")

// exchanged finds the token that came and looks at everything it hangs on: whose it is,
// and that the client may bring it.
func (p *Provider) exchanged(ctx context.Context, w *work) (grants.Token, error) {
	policy := w.client.TokenExchange
	if policy == nil {
		return grants.Token{}, wire.RefuseAs("unauthorized_client")
	}
	came, from, err := p.bringSubject(ctx, w)
	if err != nil {
		return came, err
	}
	if from.MayAct != "" && from.MayAct != w.client.ID {
		return grants.Token{}, wire.Refuse("invalid_request", "The subject_token says by may_act that somebody else may act with it.") // RFC 8693 §4.4
	}
	if from.MayAct == "" && came.Client != w.client.ID && !slices.Contains(policy.From, came.Client) {
		w.foreign = came.Client
		return grants.Token{}, errForeign
	}
	return came, nil
}

// bringSubject reads the subject_token, with the client it was given to.
func (p *Provider) bringSubject(ctx context.Context, w *work) (grants.Token, *clients.Client, error) {
	kind := w.form.Get("subject_token_type")
	if kind != typeIDToken {
		return p.bring(ctx, w, "subject_token")
	}
	if !slices.Contains(w.client.TokenExchange.SubjectTypes, clients.SubjectIDToken) {
		return grants.Token{}, nil, wire.Refuse("invalid_request", "The client is not registered for this subject_token_type.")
	}
	return p.bringIDToken(ctx, w.form.Get("subject_token"))
}

// bring reads an access token of ours with its type.
func (p *Provider) bring(ctx context.Context, w *work, name string) (grants.Token, *clients.Client, error) {
	if kind := w.form.Get(name + "_type"); kind != typeAccessToken && kind != typeJWT {
		return grants.Token{}, nil, wire.Refuse("invalid_request", "This "+name+"_type is not accepted here.")
	}
	t, err := p.readAccess(ctx, w.form.Get(name))
	var came grants.Token
	if err == nil {
		came, err = p.grants.AccessAndAllowed(ctx, t)
	}
	if fault.Is(err, fault.NotFound) || err == nil && !came.Usable(p.Clock()) {
		return grants.Token{}, nil, wire.Refuse("invalid_request", "The "+name+" is unknown, expired or revoked.")
	}
	if err != nil {
		return came, nil, err
	}
	from, err := p.Clients.ByID(ctx, came.Client)
	if fault.Is(err, fault.NotFound) {
		return grants.Token{}, from, wire.Refuse("invalid_request", "The "+name+" is unknown, expired or revoked.")
	}
	if err != nil || came.Machine {
		return came, from, err
	}
	if came.Root != "" || came.LogIn.SID == "" {
		return came, from, p.stillActive(ctx, came) // its scopes were allowed to another client, or to nobody in particular
	}
	return came, from, p.still(ctx, from, came)
}

// bringIDToken reads an ID token that has not expired. It stands for the grant that it
// was given with, which its jti names, and ends with that; by itself it allows nothing.
func (p *Provider) bringIDToken(ctx context.Context, text string) (grants.Token, *clients.Client, error) {
	unknown := wire.Refuse("invalid_request", "The subject_token is unknown, expired or revoked.")
	now := p.Clock()
	token, ok := p.readHint(text, now)
	if !ok || len(token.Clients) != 1 || !now.Before(token.ExpiresAt) {
		return grants.Token{}, nil, unknown
	}
	came, err := p.grants.ByID(ctx, token.Grant, token.Clients[0])
	if fault.Is(err, fault.NotFound) || err == nil && (came.Over || came.LogIn.Subject != token.Subject) {
		return grants.Token{}, nil, unknown
	}
	if err != nil {
		return grants.Token{}, nil, err
	}
	from, err := p.Clients.ByID(ctx, came.Client)
	if fault.Is(err, fault.NotFound) {
		return grants.Token{}, from, unknown
	}
	if err == nil {
		err = p.still(ctx, from, came)
	}
	came.Scopes, came.Target, came.ExpiresAt = nil, target.Target{}, token.ExpiresAt
	return came, from, err
}

// mayAct is who may act for the subject of the client's tokens, nil for nobody in
// particular. RFC 8693 §4.4.
func mayAct(client *clients.Client) *tokens.Actor {
	if client.MayAct == "" {
		return nil
	}
	return &tokens.Actor{Subject: client.MayAct, Client: client.MayAct}
}
