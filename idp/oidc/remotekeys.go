package oidc

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
	keysFresh   = 5 * time.Minute // a key set is used without looking again
	keysAgain   = 5 * time.Second // an unknown kid makes us look, but only so often:
	keysTries   = 3               // a client that has just changed its keys is not refused
	keysAtLeast = 24 * time.Hour  // a client that cannot be reached keeps its keys for so long
)

// errKeys is all that a fetch tells: which addresses answer how is nobody's business
// outside (SSRF). The cause is for the log.
var errKeys = errors.New("oidc: the client's keys could not be fetched")

// remoteKeys keeps the key sets that clients publish at their jwks_uri.
type remoteKeys struct {
	client *http.Client
	clock  clock.Clock
	kept   sync.Map // uri → *published
}

// published is one key set. Its lock is held while it is fetched, so that one
// request fetches and the others wait for it.
type published struct {
	mu      sync.Mutex
	set     *jose.JSONWebKeySet
	fetched time.Time
	tried   time.Time
	tries   int // of late
}

// keys gives the keys with that kid at uri, fetching when the set is old or does not
// have it, and if may says that it may.
func (k *remoteKeys) keys(ctx context.Context, uri, kid string, may func() error) ([]jose.JSONWebKey, error) {
	v, _ := k.kept.LoadOrStore(uri, &published{})
	p := v.(*published)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := k.clock()
	if p.set != nil && now.Sub(p.fetched) < keysFresh {
		if found := named(p.set, kid); len(found) > 0 {
			return found, nil
		}
	}
	if now.Sub(p.tried) >= keysAgain {
		p.tries = 0
	}
	if p.tries < keysTries {
		p.tries, p.tried = p.tries+1, now
		var set *jose.JSONWebKeySet
		err := may()
		if err == nil {
			set, err = k.fetch(context.WithoutCancel(ctx), uri) // others wait for it
		}
		if err == nil {
			p.set, p.fetched = set, now
		} else if p.set == nil || now.Sub(p.fetched) > keysAtLeast {
			return nil, fmt.Errorf("%w: %w", errKeys, err)
		}
	}
	if p.set == nil {
		return nil, errKeys
	}
	return named(p.set, kid), nil
}

func (k *remoteKeys) fetch(ctx context.Context, uri string) (*jose.JSONWebKeySet, error) {
	text, err := fetch.Get(ctx, k.client, uri, "application/json")
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	return &set, json.Unmarshal(text, &set)
}
