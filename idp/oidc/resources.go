package oidc

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// granted is the most that tokens of one grant may be good for.
type granted struct {
	Scopes    []string
	Resources []string // RFC 8707; empty: our own endpoints
	Details   details  // RFC 9396
}

// target is what one access token is good for: where, for what, and for how long.
type target struct {
	Audience []string `json:"aud,omitempty"` // empty: our own endpoints and nothing else
	Scopes   []string `json:"scopes,omitempty"`
	Details  details  `json:"details,omitempty"`

	format string
	lives  time.Duration
}

// plain tells whether the target is just the grant's scopes at our own endpoints, so
// that the token need not say it again.
func (t target) plain(scopes []string) bool {
	return len(t.Audience) == 0 && len(t.Details) == 0 && slices.Equal(t.Scopes, scopes)
}

// here tells whether our own endpoints are among the places.
func (t target) here(issuer string) bool {
	return len(t.Audience) == 0 || slices.Contains(t.Audience, issuer)
}

// aim finds what the access token of a token request is for: what was granted, or the
// part of it that the request names by resource, scope and authorization_details.
// Never more: that is invalid_target, invalid_scope (RFC 8707 §2.2, RFC 6749 §6). A
// token for named resources is for nothing else; without names it is for all that was
// granted, our own endpoints among them when a scope is about the person.
func (p *Provider) aim(ctx context.Context, client *clients.Client, form url.Values, most granted) (target, error) {
	t := target{Scopes: most.Scopes, format: client.AccessTokenFormat, lives: p.Lifetimes.Access}
	if asked := strings.Fields(form.Get("scope")); len(asked) > 0 {
		if !within(asked, most.Scopes) {
			return target{}, wire.RefuseAs("invalid_scope")
		}
		t.Scopes = asked
	}
	var err error
	if t.Details, err = most.Details.narrow(form.Get("authorization_details")); err != nil {
		return target{}, err
	}
	named := form["resource"]
	if !within(named, most.Resources) {
		return target{}, wire.Refuse("invalid_target", "A resource was not granted.")
	}
	t.Audience = most.Resources
	if len(named) > 0 {
		t.Audience = named
	}
	if !within(t.Audience, client.Resources) {
		return target{}, wire.Refuse("invalid_target", "The client may not ask for this resource any more.")
	}
	if len(t.Audience) == 0 {
		return t, nil
	}
	return p.forResources(ctx, t, len(named) > 0)
}

// forResources bends the target to what its resources say: their scopes, one format,
// the shortest lifetime.
func (p *Provider) forResources(ctx context.Context, t target, named bool) (target, error) {
	var scopes []string
	for i, id := range t.Audience {
		r, err := p.Clients.Resource(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return target{}, wire.Refuse("invalid_target", "A resource is unknown.")
		}
		if err != nil {
			return target{}, err
		}
		if i > 0 && r.TokenFormat != t.format {
			return target{}, wire.Refuse("invalid_target", "These resources take tokens of different formats: ask for one at a time.")
		}
		t.format = r.TokenFormat
		if lives := r.Lives(); lives > 0 && (i == 0 || lives < t.lives) {
			t.lives = lives
		}
		scopes = append(scopes, r.Scopes...)
	}
	ours := !named && slices.ContainsFunc(t.Scopes, func(s string) bool { return slices.Contains(clients.Scopes, s) })
	t.Scopes = slices.DeleteFunc(slices.Clone(t.Scopes), func(s string) bool {
		return !slices.Contains(scopes, s) && !(ours && slices.Contains(clients.Scopes, s))
	})
	if ours {
		t.Audience = append(slices.Clone(t.Audience), p.Issuer)
	}
	return t, nil
}

// readResources finds the resources of a request that begins something: those it
// names, all allowed to the client, or those that its scopes belong to.
func (p *Provider) readResources(ctx context.Context, client *clients.Client, named, scopes []string) ([]string, error) {
	for _, id := range named {
		if !clients.IsResource(id) || !slices.Contains(client.Resources, id) {
			return nil, wire.Refuse("invalid_target", "A resource is unknown, or not for this client.")
		}
	}
	if len(client.Resources) == 0 {
		return nil, nil
	}
	all, err := p.Clients.Resources(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, r := range all {
		meant := slices.Contains(named, r.ID)
		if len(named) == 0 && slices.Contains(client.Resources, r.ID) {
			meant = slices.ContainsFunc(r.Scopes, func(s string) bool { return slices.Contains(scopes, s) })
		}
		if meant {
			found = append(found, r.ID)
		}
	}
	if !within(named, found) {
		return nil, wire.Refuse("invalid_target", "A resource is unknown, or not for this client.")
	}
	return found, nil
}

// readTargets reads resource and authorization_details at the authorization endpoint.
func (p *Provider) readTargets(ctx context.Context, a *authorization) (err error) {
	if a.resources, err = p.readResources(ctx, a.client, a.params["resource"], a.scopes); err != nil {
		return err
	}
	a.details, err = readDetails(a.client, a.params.Get("authorization_details"))
	return err
}
