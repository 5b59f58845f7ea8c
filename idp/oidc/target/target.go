// Package target finds what an access token is good for: where, by resource indicators
// (RFC 8707), for what, by scopes and authorization details (RFC 9396), and for how long.
// Never is it more than was granted.
//
//	target.go   Target and Granted; Finder: from what was granted to one token
//	details.go  Details: authorization_details as they came
//	begin.go    Begin: the most that a request can be about
//	longest.go  how long the token may be that says all of it
//	places.go   for which resources details are
package target

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

// Granted is the most that tokens of one grant may be good for.
type Granted struct {
	Scopes    []string
	Resources []string // RFC 8707; empty: our own endpoints
	Details   Details  // RFC 9396
}

// Target is what one access token is good for: where, for what, and for how long.
type Target struct {
	Audience []string `json:"aud,omitempty"` // empty: our own endpoints and nothing else
	Scopes   []string `json:"scopes,omitempty"`
	Details  Details  `json:"details,omitempty"`

	Format string        `json:"-"` // clients.JWT or clients.Opaque
	Lives  time.Duration `json:"-"`
	Barred bool          `json:"-"` // scopes were granted, and none of them is for this place
}

// Plain tells whether the target is just the grant's scopes at our own endpoints, so
// that the token need not say it again.
func (t Target) Plain(scopes []string) bool {
	return len(t.Audience) == 0 && len(t.Details) == 0 && slices.Equal(t.Scopes, scopes)
}

// Here tells whether our own endpoints are among the places.
func (t Target) Here(issuer string) bool {
	return len(t.Audience) == 0 || slices.Contains(t.Audience, issuer)
}

// Finder finds what tokens are for. All fields are filled once.
type Finder struct {
	Clients *clients.Registry
	Issuer  string        // our public URL: the resource that our own endpoints are
	Lives   time.Duration // how long an access token is good, where no resource wants less
}

// Aim finds what the access token of a token request is for: what was granted, or the
// part of it that the request names by resource, scope and authorization_details.
// Never more: that is invalid_target, invalid_scope (RFC 8707 §2.2, RFC 6749 §6). A
// token for named resources is for nothing else; without names it is for all that was
// granted, our own endpoints among them when a scope is about the person. A request that
// names scopes of which no resource takes any is invalid_scope too (RFC 6749 §3.3).
// The same holds for authorization_details: a token has those that are for its resources
// (RFC 9396 §9.1), and one that names some and would get none is refused.
func (f *Finder) Aim(ctx context.Context, client *clients.Client, form url.Values, most Granted) (Target, error) {
	t, err := f.aim(ctx, client, form, most)
	if t.Barred = err == nil && len(t.Scopes) == 0 && len(most.Scopes) > 0; t.Barred && form.Get("scope") != "" {
		return Target{}, wire.Refuse("invalid_scope", "None of the scopes is for the resource.")
	}
	if err == nil && len(t.Details) == 0 && form.Get("authorization_details") != "" {
		return Target{}, errNowhere
	}
	return t, err
}

func (f *Finder) aim(ctx context.Context, client *clients.Client, form url.Values, most Granted) (Target, error) {
	t := Target{Scopes: most.Scopes, Format: client.AccessTokenFormat, Lives: f.Lives}
	if asked := strings.Fields(form.Get("scope")); len(asked) > 0 {
		if !Within(asked, most.Scopes) {
			return Target{}, wire.RefuseAs("invalid_scope")
		}
		t.Scopes = once(asked)
	}
	var err error
	if t.Details, err = most.Details.narrow(form.Get("authorization_details")); err != nil {
		return Target{}, err
	}
	named := once(form["resource"])
	if !Within(named, most.Resources) {
		return Target{}, wire.Refuse("invalid_target", "A resource was not granted.")
	}
	t.Audience = most.Resources
	if len(named) > 0 {
		t.Audience = named
	}
	if !Within(t.Audience, client.Resources) {
		return Target{}, wire.Refuse("invalid_target", "The client may not ask for this resource any more.")
	}
	if len(t.Audience) == 0 {
		return t, nil
	}
	if t, err = f.forResources(ctx, t, len(named) > 0); err != nil {
		return Target{}, err
	}
	t.Details, err = f.forAudience(ctx, client, t.Details, t.Audience)
	return t, err
}

// forResources bends the target to what its resources say: their scopes, one format,
// the shortest lifetime.
func (f *Finder) forResources(ctx context.Context, t Target, named bool) (Target, error) {
	var scopes []string
	for i, id := range t.Audience {
		r, err := f.Clients.Resource(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return Target{}, wire.Refuse("invalid_target", "A resource is unknown.")
		}
		if err != nil {
			return Target{}, err
		}
		if i > 0 && r.TokenFormat != t.Format {
			return Target{}, mixed(named)
		}
		t.Format = r.TokenFormat
		if lives := r.Lives(); lives > 0 && (i == 0 || lives < t.Lives) {
			t.Lives = lives
		}
		scopes = append(scopes, r.Scopes...)
	}
	ours := !named && slices.ContainsFunc(t.Scopes, ofPerson)
	t.Scopes = slices.DeleteFunc(slices.Clone(t.Scopes), func(s string) bool {
		return !slices.Contains(scopes, s) && !(ours && ofPerson(s))
	})
	if ours {
		t.Audience = append(slices.Clone(t.Audience), f.Issuer)
	}
	return t, nil
}

// mixed refuses resources of different formats, and tells a client that named none how to.
func mixed(named bool) *wire.Refusal {
	if named {
		return wire.Refuse("invalid_target", "These resources take tokens of different formats: ask for one at a time.")
	}
	return wire.Refuse("invalid_target", "These resources take tokens of different formats: send resource, to say which one this token is for, and ask for one at a time.")
}

// Resources finds the resources of a request that begins something: those it
// names, all allowed to the client, or those that its scopes and details belong to.
func (f *Finder) Resources(ctx context.Context, client *clients.Client, named, scopes []string, details Details) ([]string, error) {
	for _, id := range named {
		if !clients.IsResource(id) || !slices.Contains(client.Resources, id) {
			return nil, wire.Refuse("invalid_target", "A resource is unknown, or not for this client.")
		}
	}
	if len(client.Resources) == 0 {
		return nil, nil
	}
	all, err := f.Clients.Resources(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, r := range all {
		meant := slices.Contains(named, r.ID)
		if len(named) == 0 && slices.Contains(client.Resources, r.ID) {
			meant = details.goTo(r) || slices.ContainsFunc(r.Scopes, func(s string) bool { return slices.Contains(scopes, s) })
		}
		if meant {
			found = append(found, r.ID)
		}
	}
	if !Within(named, found) {
		return nil, wire.Refuse("invalid_target", "A resource is unknown, or not for this client.")
	}
	return found, nil
}

// Within tells whether every scope, or resource, asked for was granted.
func Within(asked, granted []string) bool {
	return !slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(granted, s) })
}

// once leaves out what is there again: scopes and resources are sets. RFC 6749 §3.3.
func once(texts []string) (set []string) {
	for _, one := range texts {
		if !slices.Contains(set, one) {
			set = append(set, one)
		}
	}
	return set
}
