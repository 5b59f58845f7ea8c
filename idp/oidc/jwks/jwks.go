// Package jwks reads the key sets that clients publish at their jwks_uri (RFC 7517), and
// keeps them for a while: Cache does both, Fetch reads one, Named picks from one. It
// decides nothing about clients: who may be called how often, the caller says.
package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/clock"
	"tegata/shared/fetch"
)

const (
	fresh   = 5 * time.Minute // a key set is used without looking again
	again   = 5 * time.Second // an unknown kid makes us look, but only so often:
	tries   = 3               // a client that has just changed its keys is not refused
	atLeast = 24 * time.Hour  // a client that cannot be reached keeps its keys for so long
	most    = 1000            // key sets that are kept: a client may name another address each second
)

// errFetch is all that a fetch tells: which addresses answer how is nobody's business
// outside (SSRF). The cause is for the log.
var errFetch = errors.New("jwks: the client's keys could not be fetched")

// Cache keeps the key sets that clients publish. Both exported fields are needed.
type Cache struct {
	Client *http.Client // of shared/fetch
	Clock  clock.Clock

	mu   sync.Mutex
	kept map[string]*published // by uri
}

// published is one key set. Its lock is held while it is fetched, so that one
// request fetches and the others wait for it.
type published struct {
	used time.Time // under the lock of the cache

	mu      sync.Mutex
	set     *jose.JSONWebKeySet
	fetched time.Time
	tried   time.Time
	tries   int // of late
}

// Keys gives the keys with that kid at uri, fetching when the set is older than five
// minutes or does not have the kid. Before it fetches it asks may, whose error stops it.
// A set that was had less than a day ago is good while its address does not answer;
// without one that is an error, whose cause is for the log.
func (c *Cache) Keys(ctx context.Context, uri, kid string, may func() error) ([]jose.JSONWebKey, error) {
	p := c.at(uri)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := c.Clock()
	if p.set != nil && now.Sub(p.fetched) < fresh {
		if found := Named(p.set, kid); len(found) > 0 {
			return found, nil
		}
	}
	if now.Sub(p.tried) >= again {
		p.tries = 0
	}
	if p.tries < tries {
		p.tries, p.tried = p.tries+1, now
		var set *jose.JSONWebKeySet
		err := may()
		if err == nil {
			set, err = Fetch(context.WithoutCancel(ctx), c.Client, uri) // others wait for it
		}
		if err == nil {
			p.set, p.fetched = set, now
		} else if p.set == nil || now.Sub(p.fetched) > atLeast {
			return nil, fmt.Errorf("%w: %w", errFetch, err)
		}
	}
	if p.set == nil {
		return nil, errFetch
	}
	return Named(p.set, kid), nil
}

// at gives what is kept of an address. Where there is too much, what was used the longest
// time ago goes.
func (c *Cache) at(uri string) *published {
	now := c.Clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.kept[uri]
	if p == nil {
		if c.kept == nil {
			c.kept = map[string]*published{}
		}
		if len(c.kept) >= most {
			c.dropOldest()
		}
		p = &published{}
		c.kept[uri] = p
	}
	p.used = now
	return p
}

func (c *Cache) dropOldest() {
	oldest := ""
	for uri, p := range c.kept {
		if oldest == "" || p.used.Before(c.kept[oldest].used) {
			oldest = uri
		}
	}
	delete(c.kept, oldest)
}

// Fetch reads the key set at uri, once and now. Why it failed is for the log only.
func Fetch(ctx context.Context, client *http.Client, uri string) (*jose.JSONWebKeySet, error) {
	text, err := fetch.Get(ctx, client, uri, "application/json")
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	return &set, json.Unmarshal(text, &set)
}

// Named gives the keys of set with that kid; without one all of them, but not many.
func Named(set *jose.JSONWebKeySet, kid string) []jose.JSONWebKey {
	if kid != "" {
		return set.Key(kid)
	}
	return set.Keys[:min(len(set.Keys), 8)]
}
