package oidc

import (
	"context"
	"slices"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/wire"
)

// clientCredentials is the grant type of a client that acts for itself. RFC 6749 §4.4.
// Its token is about nobody: scopes about a person are refused, there is no refresh
// token, and nothing is written. Without a scope it is for all that the client may have.
func (p *Provider) clientCredentials(ctx context.Context, w *work) (opened, error) {
	scopes := withoutPerson(w.client.Scopes)
	asked := strings.Fields(w.form.Get("scope"))
	if !target.Within(asked, scopes) {
		return opened{}, wire.RefuseAs("invalid_scope")
	}
	if len(asked) > 0 {
		scopes = asked
	}
	most, err := p.wish(ctx, w, scopes)
	if err != nil {
		return opened{}, err
	}
	aimed, err := p.targets.Aim(ctx, w.client.Client, w.form, most)
	if err != nil {
		return opened{}, err
	}
	return opened{about: &session{LogIn: grants.LogIn{Subject: w.client.ID}}, target: &aimed, machine: true}, nil
}

// wish is the most that a token request without an authorization before it can be
// about: these scopes, the resources they belong to or that are named, and details.
func (p *Provider) wish(ctx context.Context, w *work, scopes []string) (target.Granted, error) {
	return p.targets.Begin(ctx, w.client.Client, w.form["resource"], scopes, w.form.Get("authorization_details"))
}

// withoutPerson leaves out the scopes that are about somebody who logged in.
func withoutPerson(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(clients.Scopes, s) })
}
