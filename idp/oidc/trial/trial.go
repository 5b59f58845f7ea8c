// Package trial looks at a client's registration as a log-in would, for the operator who
// asks `idp client test`: is every member as it has to be and switched on here, can the
// keys be had and do they fit, how do requests and tokens have to look, and a request to
// try. It speaks of the protocol by its URLs, as the pages do.
//
//	trial.go  Try, and what can be wrong
//	flow.go   what a log-in or a token request of the client looks like
package trial

import (
	"context"
	"net/http"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/jwks"
	"tegata/shared/fetch"
)

// Provider is what a trial has to know of the OpenID Provider.
type Provider struct {
	Issuer    string // its public URL, without a slash at its end
	Setting   clients.Setting
	Resources []clients.Resource
	Clients   []string // the ids of all clients there are, also disabled ones
	Now       time.Time
}

// Finding is one thing that a trial looked at.
type Finding struct {
	OK   bool   // false: a log-in, or a token request, would fail here
	What string // a member of the registration, or a subject, like "tokens"
	Text string // what was found, in English
}

// Try checks everything it can without the client's secret or its people. Nothing is
// sent but requests for the client's keys and for the list of its sector.
func (p Provider) Try(ctx context.Context, c clients.Client) []Finding {
	all := []Finding{{!c.Disabled, "state", map[bool]string{true: "disabled", false: "enabled"}[c.Disabled] + ", from " + c.Source}}
	problems := append(c.CheckIn("client", p.Setting), c.CheckResources("client", p.Resources)...)
	problems = append(problems, c.CheckNames("client", p.Clients)...)
	for _, one := range problems {
		all = append(all, Finding{false, strings.TrimPrefix(one.Path, "client."), one.Message})
	}
	for _, uri := range c.RedirectURIs {
		all = append(all, Finding{c.Redirects(uri), "redirect_uri", uri})
	}
	if len(problems) == 0 {
		all = append(all, Finding{true, "metadata", "every member is as it has to be"})
	}
	outbound := fetch.Client(p.Setting.Development)
	all = append(all, keys(ctx, outbound, c)...)
	all = append(all, sector(ctx, outbound, c)...)
	return append(all, p.flow(c)...)
}

// sector compares the redirect URIs with the list at sector_identifier_uri, as a
// registration does.
func sector(ctx context.Context, outbound *http.Client, c clients.Client) []Finding {
	if c.SectorIdentifierURI == "" {
		return nil
	}
	get := func(uri string) ([]byte, error) { return fetch.Get(ctx, outbound, uri, "application/json") }
	if err := c.CheckSector(get); err != nil {
		return []Finding{{false, "sector_identifier_uri", err.Error()}}
	}
	return []Finding{{true, "sector_identifier_uri", "every redirect URI is on the list at " + c.SectorIdentifierURI}}
}

// keys fetches what jwks_uri holds, as the token endpoint would, and holds it against
// what the client needs keys for. Those under jwks were checked with the other members.
func keys(ctx context.Context, outbound *http.Client, c clients.Client) []Finding {
	if !c.UsesKeys() || !c.HasKeys() {
		return nil
	}
	set := c.JWKS
	if c.JWKSURI != "" {
		var err error
		if set, err = jwks.Fetch(ctx, outbound, c.JWKSURI); err != nil {
			return []Finding{{false, "jwks_uri", "could not be fetched: " + err.Error()}}
		}
	}
	var all []Finding
	for _, one := range c.CheckKeySet("", set) {
		if c.JWKSURI != "" {
			at := strings.TrimPrefix(strings.TrimPrefix(one.Path, "."), "jwks")
			all = append(all, Finding{false, "keys", strings.TrimLeft(at+": ", ".: ") + one.Message})
		}
	}
	if used := c.UsedKeys(set); len(used) > 0 {
		all = append(all, Finding{true, "keys", strings.Join(used, ", ")})
	}
	return all
}
