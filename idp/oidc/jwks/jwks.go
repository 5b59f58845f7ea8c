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
	"slices"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/clock"
	"tegata/shared/fetch"
)

const (
	fresh   = 5 * time.Minute // a key set is used without looking again
	again   = 5 * time.Second // a key that is not there makes us look, but only so often:
	tries   = 3               // a client that has just changed its keys is not refused
	atLeast = 24 * time.Hour  // a client that cannot be reached keeps its keys for so long
	most    = 1000            // key sets that are kept: a client may name another address each second
)

// errFetch is all that a fetch tells: which addresses answer how is nobody's business
// outside (SSRF). The cause is for the log.
var errFetch = errors.New("jwks: the client's keys could not be fetched")

var errTries = errors.New("they were tried too often of late")

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

// Search tells whether one of the keys at uri serves, of those with that kid if it is not
// "". It fetches when the keys it has are older than five minutes, and when none of them
// serves: the client may have put others in their place, under a kid or without. So a key
// that is new is found at once, and one that was withdrawn serves until the five minutes
// are over, or until somebody brings a new one. Before it fetches it asks may, whose error
// stops it. A set that was had less than a day ago is good while its address does not
// answer; without one that is an error, whose cause is for the log.
func (c *Cache) Search(ctx context.Context, uri, kid string, serves func([]jose.JSONWebKey) bool, may func() error) (bool, error) {
	p := c.at(uri)
	kept := p.get(c.Clock())
	if kept != nil && serves(Named(kept, kid)) {
		return true, nil
	}
	set, err := c.newer(ctx, p, uri, may, kept)
	if err != nil || set == kept {
		return false, err
	}
	return serves(Named(set, kid)), nil
}

// newer gives the set that is at uri now, if that may be looked at, else the last one.
// kept is the one in which nothing was found: a set that came meanwhile will do.
func (c *Cache) newer(ctx context.Context, p *published, uri string, may func() error, kept *jose.JSONWebKeySet) (*jose.JSONWebKeySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := c.Clock()
	if p.isFresh(now) && p.set != kept {
		return p.set, nil
	}
	if now.Sub(p.tried) >= again {
		p.tries = 0
	}
	err := errTries
	if p.tries < tries {
		p.tries, p.tried = p.tries+1, now
		var set *jose.JSONWebKeySet
		if err = may(); err == nil {
			set, err = Fetch(context.WithoutCancel(ctx), c.Client, uri) // others wait for it
		}
		if err == nil {
			p.set, p.fetched = set, now
		}
	}
	if p.set == nil || now.Sub(p.fetched) > atLeast {
		return nil, fmt.Errorf("%w: %w", errFetch, err)
	}
	return p.set, nil
}

// get gives the set when it need not be looked for again.
func (p *published) get(now time.Time) *jose.JSONWebKeySet {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isFresh(now) {
		return p.set
	}
	return nil
}

func (p *published) isFresh(now time.Time) bool { return p.set != nil && now.Sub(p.fetched) < fresh }

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
	return read(text)
}

// read reads a key set. A key that it cannot read is as good as none, and keeps nobody from
// using the others: of a kind that we do not know, or incomplete. RFC 7517 §5.
func read(text []byte) (*jose.JSONWebKeySet, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	set := &jose.JSONWebKeySet{}
	for _, one := range raw.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(one, &key) == nil {
			set.Keys = append(set.Keys, key)
		}
	}
	return set, nil
}

// Named gives the keys of set with that kid, and all of them without one: which of them
// are for what is asked, and how many are tried, is for the caller.
func Named(set *jose.JSONWebKeySet, kid string) []jose.JSONWebKey {
	if kid == "" {
		return set.Keys
	}
	has := func(k jose.JSONWebKey) bool { return k.KeyID == kid }
	switch i := slices.IndexFunc(set.Keys, has); {
	case i < 0:
		return nil
	case !slices.ContainsFunc(set.Keys[i+1:], has): // as in most sets: nothing to copy
		return set.Keys[i : i+1 : i+1]
	}
	return set.Key(kid)
}
