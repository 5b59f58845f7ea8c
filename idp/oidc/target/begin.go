package target

import (
	"context"
	"encoding/json"
	"slices"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// Begin finds the most that a request that begins something can be about: these scopes, the
// resources it names or that scopes and details belong to, and its details. Each of the
// details has to be for one of these resources, or for our own endpoints if a token will be
// good there, as Aim has it, and what is for one of them has to fit one token: a person would
// approve what no token ever carries. RFC 9396 §5.
func (f *Finder) Begin(ctx context.Context, client *clients.Client, named, scopes []string, details string) (most Granted, err error) {
	most.Scopes = scopes
	if most.Details, err = f.Details(ctx, client, details); err != nil {
		return Granted{}, err
	}
	if most.Resources, err = f.Resources(ctx, client, named, scopes, most.Details); err != nil {
		return Granted{}, err
	}
	if len(most.Details) == 0 {
		return most, nil
	}
	places := most.Resources
	if len(places) == 0 || slices.ContainsFunc(scopes, ofPerson) {
		places = append(slices.Clone(places), f.Issuer)
	}
	kept, err := f.forAudience(ctx, client, most.Details, places)
	if err == nil && len(kept) < len(most.Details) {
		err = errNowhere
	}
	if err != nil {
		return most, err
	}
	return most, f.fit(ctx, client, most, places)
}

// fit refuses details of which some place is to get more than a token has room for. Where
// one for all places at once has no room, the client can name the place that it is for.
func (f *Finder) fit(ctx context.Context, client *clients.Client, most Granted, places []string) error {
	resources, err := f.of(ctx, client)
	if err != nil {
		return err
	}
	for _, place := range places {
		t := Target{Audience: []string{place}, Scopes: most.Scopes, Format: client.AccessTokenFormat}
		for _, r := range resources {
			if r.ID == place || place == f.Issuer && slices.Contains(most.Resources, r.ID) {
				t.Format = r.TokenFormat
			}
		}
		if place == f.Issuer {
			t.Audience = places // nobody can name it
		}
		if t.Details, err = f.forAudience(ctx, client, most.Details, []string{place}); err != nil {
			return err
		}
		if len(t.Details) > 0 && t.atMost(f.Issuer, client.ID) > Longest(t.Format) {
			return ErrTooLong
		}
	}
	return nil
}

// Reach refuses a request that begins something and whose scopes are all for other
// resources than those it names: its tokens would be good for none of them. RFC 6749 §3.3.
func (f *Finder) Reach(ctx context.Context, scopes, resources []string) error {
	if len(scopes) == 0 || len(resources) == 0 || slices.ContainsFunc(scopes, ofPerson) {
		return nil
	}
	for _, id := range resources {
		r, err := f.Clients.Resource(ctx, id)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.Scopes, func(s string) bool { return slices.Contains(scopes, s) }) {
			return nil
		}
	}
	return wire.Refuse("invalid_scope", "None of the scopes is for the resource.")
}

// ofPerson tells whether a scope is about the person: a token with it is good at our own
// endpoints.
func ofPerson(scope string) bool { return slices.Contains(clients.Scopes, scope) }

// goTo tells whether one of the details is for the resource.
func (d Details) goTo(r clients.Resource) bool {
	return slices.ContainsFunc(d, func(one json.RawMessage) bool { return aboutOf(one).goesTo(r) })
}
