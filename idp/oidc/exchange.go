package oidc

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
	"tegata/shared/fault"
)

// The token types that exist here. RFC 8693 §3.
const (
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeIDToken     = "urn:ietf:params:oauth:token-type:id_token"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
)

// maxActors bounds the chain of actors in one token.
const maxActors = 4

// tokenExchange gives a token for the one that came, for another place. RFC 8693. The
// registration says whose tokens the client may bring; what comes out is for the
// client's own resources, allows no more than what came and what the registration
// adds, does not outlive it, and ends with its grant. Whatever is wrong with the tokens
// is invalid_request here (§2.2.2).
func (p *Provider) tokenExchange(ctx context.Context, w *work) (opened, error) {
	o, err := p.openExchange(ctx, w)
	return o, unacceptable(err)
}

func (p *Provider) openExchange(ctx context.Context, w *work) (opened, error) {
	came, err := p.exchanged(ctx, w)
	if err != nil {
		return opened{}, err
	}
	about := &session{LogIn: grants.LogIn{
		AccountID: came.LogIn.AccountID, Subject: came.LogIn.Subject, SID: came.LogIn.SID,
		AuthTime: came.LogIn.AuthTime, ACR: came.LogIn.ACR, AMR: came.LogIn.AMR,
	}}
	if about.From, err = cameFrom(came); err != nil {
		return opened{}, err
	}
	if about.Through = cameThrough(came, w.client.ID); !came.Machine {
		account, err := p.Accounts.ByID(ctx, came.LogIn.AccountID)
		if err != nil {
			return opened{}, err
		}
		if about.Subject, err = p.subject(ctx, w.client.Client, account.Identity()); err != nil {
			return opened{}, err
		}
	}
	if about.Actor, err = p.actorFor(ctx, w, came); err != nil {
		return opened{}, err
	}
	aimed, kind, err := p.aimExchange(ctx, w, came)
	if err != nil {
		return opened{}, err
	}
	about.Resources, about.Details = aimed.Audience, aimed.Details
	return opened{
		about: about, target: &aimed, scopes: aimed.Scopes, machine: came.Machine, kind: kind,
		write: func(ctx context.Context, now time.Time) error {
			return unacceptable(p.writeExchanged(ctx, w, came, now))
		},
	}, nil
}

// cameFrom gives the access tokens that the new token ends with: the one that came, and
// those which that one came from. An ID token is none, and cannot be revoked.
func cameFrom(came grants.Token) ([]string, error) {
	if len(came.LogIn.From) >= grants.MaxFrom {
		return nil, wire.Refuse("invalid_request", "The subject_token has gone through too many hands.")
	}
	if came.Kind != grants.Access {
		return nil, nil
	}
	return append([]string{came.ID}, came.LogIn.From...), nil
}

// cameThrough gives the clients in the middle that the new token of the holder ends with,
// where no person is: each that had a token on the way. With one of a person the grants tell.
func cameThrough(came grants.Token, holder string) []string {
	if !came.Machine {
		return nil
	}
	return slices.DeleteFunc(append([]string{came.Client}, came.LogIn.Through...), func(id string) bool {
		return id == came.LogIn.Subject || id == holder
	})
}

// actorFor tells through whom the new token goes: the holder of the actor_token, or
// the client itself unless its registration says that it acts as the person.
func (p *Provider) actorFor(ctx context.Context, w *work, came grants.Token) (*tokens.Actor, error) {
	before := came.LogIn.Actor
	depth := 0
	for a := before; a != nil; a = a.Actor {
		depth++
	}
	if depth >= maxActors {
		return nil, wire.Refuse("invalid_request", "The subject_token has gone through too many hands.")
	}
	if w.form.Get("actor_token") == "" {
		if w.form.Has("actor_token_type") {
			return nil, wire.Refuse("invalid_request", "There is an actor_token_type without an actor_token.")
		}
		if w.client.TokenExchange.Impersonation {
			return before, nil
		}
		return &tokens.Actor{Subject: w.client.ID, Client: w.client.ID, Actor: before}, nil
	}
	acts, _, err := p.bring(ctx, w, "actor_token")
	if err != nil {
		return nil, err
	}
	if acts.Client != w.client.ID {
		return nil, wire.Refuse("invalid_request", "The actor_token is not the client's own.")
	}
	return &tokens.Actor{Subject: acts.LogIn.Subject, Client: acts.Client, Actor: before}, nil
}

// aimExchange finds what the new token is for, and its type.
func (p *Provider) aimExchange(ctx context.Context, w *work, came grants.Token) (aimed target.Target, kind string, err error) {
	kind = typeAccessToken
	switch w.form.Get("requested_token_type") {
	case "", typeAccessToken:
	case typeJWT:
		kind = typeJWT
	default:
		return aimed, "", wire.Refuse("invalid_request", "This requested_token_type does not exist here.")
	}
	named := slices.Concat(w.form["resource"], w.form["audience"])
	if len(named) == 0 {
		return aimed, "", wire.Refuse("invalid_target", "Say by resource or audience what the token is for.")
	}
	most := target.Granted{Scopes: withoutPerson(came.Scopes), Details: came.Target.Details}
	for _, scope := range w.client.TokenExchange.Scopes {
		if !slices.Contains(most.Scopes, scope) {
			most.Scopes = append(most.Scopes, scope)
		}
	}
	if most.Resources, err = p.targets.Resources(ctx, w.client.Client, named, nil, nil); err != nil {
		return aimed, "", err
	}
	form := map[string][]string{"resource": named, "scope": w.form["scope"], "authorization_details": w.form["authorization_details"]}
	if aimed, err = p.targets.Aim(ctx, w.client.Client, form, most); err != nil {
		return aimed, "", err
	}
	aimed.Barred = len(aimed.Scopes) == 0 && len(came.Scopes) > 0 // those about the person, too: RFC 8693 §2.2.1
	if kind == typeJWT && aimed.Format != clients.JWT {
		return aimed, "", wire.Refuse("invalid_request", "This resource does not take JWTs.")
	}
	aimed.Lives = min(aimed.Lives, came.ExpiresAt.Sub(p.Clock()))
	if aimed.Lives <= 0 {
		return aimed, "", wire.Refuse("invalid_request", "The subject_token is unknown, expired or revoked.") // since it was looked at
	}
	return aimed, kind, nil
}

// writeExchanged writes the new token below the grant of the old one.
func (p *Provider) writeExchanged(ctx context.Context, w *work, came grants.Token, now time.Time) error {
	details := map[string]string{"from": came.Client, "to": strings.Join(w.target.Audience, " ")}
	event := audit.Event{Action: "token.exchanged", Client: w.client.ID, Subject: came.LogIn.AccountID, Details: details}
	if err := p.Audit.Record(ctx, event); err != nil {
		return err
	}
	if came.Machine {
		return nil // its token says everything
	}
	root := came.Root
	if root == "" {
		root = came.Grant
	}
	return p.writeDerived(ctx, w, grants.Grant{Offline: came.Offline, Root: root}, now)
}

// writeDerived writes a grant that no log-in led to, for its access token; g says how long
// it lasts: with its session or its root, or on its own.
func (p *Provider) writeDerived(ctx context.Context, w *work, g grants.Grant, now time.Time) error {
	g.ID, g.Client, g.Registered, g.Scopes, g.LogIn = w.grant, w.client.ID, w.client.RegisteredAt, w.target.Scopes, &w.opened.about.LogIn
	g.Derived, g.ExpiresAt, g.AskedAt = true, now.Add(w.accessLives(p)), w.began
	err := p.grants.InsertDerived(ctx, g, now)
	if fault.Is(err, fault.Expired) {
		return wire.RefuseAs("invalid_grant")
	}
	return err
}
