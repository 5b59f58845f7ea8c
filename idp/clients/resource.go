package clients

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The formats of access tokens.
const (
	Opaque = "opaque" // a reference: the resource server asks the introspection endpoint
	JWT    = "jwt"    // RFC 9068: the resource server reads it, with our public keys
)

// The bounds of Resource.TokenLifetime. What a JWT says nobody can take back, so it
// does not say it for long.
const (
	maxLifetime    = time.Hour
	maxJWTLifetime = 5 * time.Minute
)

// Resource is a resource server: where access tokens are used. RFC 8707.
type Resource struct {
	ID            string            `json:"identifier"`               // an absolute URI without a fragment
	Name          map[string]string `json:"name,omitempty"`           // by language
	Scopes        []string          `json:"scopes,omitempty"`         // what tokens for it may allow
	TokenFormat   string            `json:"token_format,omitempty"`   // Opaque or JWT
	TokenLifetime string            `json:"token_lifetime,omitempty"` // "5m"; "" for the provider's own
	DetailTypes   []string          `json:"authorization_details_types,omitempty"`
	ScopeNames    NamesOf           `json:"scope_names,omitempty"`
	DetailNames   NamesOf           `json:"authorization_details_names,omitempty"`
	ClientID      string            `json:"client_id,omitempty"` // as which it asks the introspection endpoint

	Source   string `json:"-"`
	Disabled bool   `json:"-"`
}

// NameIn gives the resource's name in the language, else in English, else its identifier.
func (r Resource) NameIn(language string) string {
	return (&Client{ID: r.ID, Name: r.Name}).NameIn(language)
}

// Lives is how long access tokens for the resource are good; 0 leaves it to the provider.
func (r Resource) Lives() time.Duration {
	d, err := time.ParseDuration(r.TokenLifetime)
	if err != nil {
		return 0 // Check lets only "" through
	}
	return d
}

// Default fills what may be left out.
func (r *Resource) Default() {
	if r.TokenFormat == "" {
		r.TokenFormat = Opaque
	}
}

// Check gives every mistake of the resource, with paths below at.
func (r *Resource) Check(at string) Problems {
	var p Problems
	if !IsResource(r.ID) {
		p.about(at+".identifier", "want an absolute URI without a fragment, of at most 512 characters", ", not %q", r.ID)
	}
	checkScopeNames(&p, at+".scopes", r.Scopes)
	for i, scope := range r.Scopes {
		if slices.Contains(Scopes, scope) {
			p.refuse(fmt.Sprintf("%s.scopes[%d]", at, i), scope, "belongs to OpenID Connect")
		}
	}
	checkScopeNames(&p, at+".authorization_details_types", r.DetailTypes)
	r.ScopeNames.check(&p, at+".scope_names", r.Scopes)
	r.DetailNames.check(&p, at+".authorization_details_names", r.DetailTypes)
	subset(&p, at+".token_format", []string{r.TokenFormat}, []string{Opaque, JWT})
	if r.ClientID != "" && !identifier(r.ClientID) {
		p.add(at+".client_id", "want the id of a client")
	}
	if r.TokenLifetime == "" {
		return p
	}
	longest := maxLifetime
	if r.TokenFormat == JWT {
		longest = maxJWTLifetime
	}
	if d, err := time.ParseDuration(r.TokenLifetime); err != nil || d < time.Second || d > longest {
		p.about(at+".token_lifetime", fmt.Sprintf("want a duration from 1s to %s", longest), ", not %q", r.TokenLifetime)
	}
	return p
}

// IsResource tells whether the text has the form of a resource's identifier: an
// absolute URI without a fragment. RFC 8707 §2.
func IsResource(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "") && u.User == nil &&
		len(text) <= 512 && !strings.Contains(text, "#") && !strings.ContainsFunc(text, notPrintable)
}

// checkScopeNames wants what RFC 6749 §3.3 allows as a scope.
func checkScopeNames(p *Problems, path string, names []string) {
	for i, name := range names {
		bad := func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' }
		if name == "" || len(name) > 128 || strings.ContainsFunc(name, bad) {
			p.about(fmt.Sprintf("%s[%d]", path, i), "want 1 to 128 printable characters without blank, quote and backslash", ", not %q", name)
		}
	}
}

// distinct gives the names, each of them where it comes first.
func distinct(names []string) (all []string) {
	for _, one := range names {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// CheckResources holds a client against the resources there are, with paths below at: what
// it may ask for has to be somewhere.
func (c *Client) CheckResources(at string, all []Resource) Problems {
	var p Problems
	known, elsewhere := slices.Clone(Scopes), map[string]string{}
	ids, types := []string{}, []string{}
	for _, r := range all {
		if types = append(types, r.DetailTypes...); IsResource(r.ID) { // others are a mistake of their own
			ids = append(ids, r.ID)
		}
		if slices.Contains(c.Resources, r.ID) {
			known = append(known, r.Scopes...)
			continue
		}
		for _, scope := range r.Scopes {
			elsewhere[scope] = r.ID
		}
	}
	scopes := func(path string, asked []string) {
		for _, one := range asked {
			if r := elsewhere[one]; r != "" && !slices.Contains(known, one) {
				p.refuse(path, one, fmt.Sprintf("belongs to %s, which has to be in resources too", r))
				continue
			}
			subset(&p, path, []string{one}, distinct(known))
		}
	}
	scopes(at+".scopes", c.Scopes)
	if c.TokenExchange != nil {
		scopes(at+".token_exchange.scopes", c.TokenExchange.Scopes)
	}
	subset(&p, at+".resources", c.Resources, distinct(ids))
	subset(&p, at+".authorization_details_types", c.DetailTypes, distinct(types))
	return p
}
