package oidc

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
)

// clientCredentials is the grant type of a client that acts for itself. RFC 6749 §4.4.
// Its token is about nobody: scopes about a person are refused, and there is no
// refresh token. Without a scope it is for all that the client may have.
func (p *Provider) clientCredentials(ctx context.Context, w *work) error {
	scopes := withoutPerson(w.client.Scopes)
	asked := strings.Fields(w.form.Get("scope"))
	if !within(asked, scopes) {
		return refuse("invalid_scope", sentences["invalid_scope"])
	}
	if len(asked) > 0 {
		scopes = asked
	}
	most, err := p.wish(ctx, w, scopes)
	if err != nil {
		return err
	}
	aimed, err := p.aim(ctx, &w.client.Client, w.form, most)
	if err != nil {
		return err
	}
	w.target, w.about = &aimed, &session{Subject: w.client.ID}
	w.write = func(ctx context.Context, now time.Time) error { return p.writeClientToken(ctx, w, now) }
	return nil
}

// wish is the most that a token request without an authorization before it can be
// about: these scopes, the resources they belong to or that are named, and details.
func (p *Provider) wish(ctx context.Context, w *work, scopes []string) (most granted, err error) {
	most.Scopes = scopes
	if most.Resources, err = p.readResources(ctx, &w.client.Client, w.form["resource"], scopes); err != nil {
		return most, err
	}
	most.Details, err = readDetails(&w.client.Client, w.form.Get("authorization_details"))
	return most, err
}

func (p *Provider) writeClientToken(ctx context.Context, w *work, now time.Time) error {
	return p.store.insertClientToken(ctx, w.client.ID, w.about, freshToken{
		ID: w.access.ID, Digest: w.accessDigest(), Target: w.target, Bound: w.bound, ExpiresAt: now.Add(w.accessLives(p)),
	}, now)
}

// withoutPerson leaves out the scopes that are about somebody who logged in.
func withoutPerson(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(clients.Scopes, s) })
}
