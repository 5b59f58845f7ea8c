package clients

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tegata/shared/clock"
	"tegata/shared/fault"
)

// fresh is how long a client is answered from memory: a change made on another node
// or by the command line counts for new requests after that. Tokens of a client that was
// disabled end at once, since the client is read together with them.
const fresh = time.Second / 2

// Registry answers which clients exist. Its methods may be called at once.
type Registry struct {
	Store Store
	Clock clock.Clock

	kept      sync.Map // id → entry
	used      sync.Map // ids whose first use is written
	resources atomic.Pointer[resourceList]
}

type entry struct {
	client *Client
	until  time.Time
}

// ErrDisabled is the cause of the fault.NotFound about a client that is registered and
// switched off. Its diary tells that; nobody outside learns that there is one.
var ErrDisabled = errors.New("clients: the client is switched off")

// ByID gives an enabled client; nil and fault.NotFound when there is none. The client is
// shared with others: read it only.
func (r *Registry) ByID(ctx context.Context, id string) (*Client, error) {
	now := r.Clock()
	if e, ok := r.kept.Load(id); ok && now.Before(e.(entry).until) {
		return e.(entry).client, nil
	}
	if !identifier(id) {
		return nil, fault.New(fault.NotFound, "client_id", "oidc.unknown_client")
	}
	c, err := r.Store.byID(ctx, id)
	if err == nil && c.Disabled {
		off := fault.Wrap(fault.NotFound, "oidc.unknown_client", ErrDisabled)
		off.Field, err = "client_id", off
	}
	if err != nil {
		r.kept.Delete(id)
		return nil, err
	}
	c.dropOldSecret(now)
	r.kept.Store(id, entry{&c, now.Add(fresh)})
	return &c, nil
}

// Find gives a client, a disabled one too, as it is in the database: to be shown or
// changed, not to be served. fault.NotFound when there is none.
func (r *Registry) Find(ctx context.Context, id string) (Client, error) { return r.Store.byID(ctx, id) }

// List gives every client, disabled ones too, in the order of their ids.
func (r *Registry) List(ctx context.Context) ([]Client, error) { return r.Store.all(ctx) }

// Sync brings the database in step with the file: clients of the file are written,
// clients that left the file are disabled. Clients from elsewhere stay untouched. Of
// two nodes that do it at once both succeed.
func (r *Registry) Sync(ctx context.Context, file []Client) error {
	err := filed[Client]{
		all: r.Store.all, put: r.Store.put, disable: r.Store.disable,
		of: func(c Client) (string, bool) { return c.ID, c.Source == SourceConfig && !c.Disabled },
	}.sync(ctx, r.Store.DB, file, r.Clock())
	r.kept.Clear()
	return err
}
