package clients

import (
	"context"
	"time"

	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// FromRegistration is the source of clients that registered themselves.
const FromRegistration = "registration"

// Registration is how a client came to us by itself.
type Registration struct {
	ClientID     string
	InvitationID string // "" when registration was open to everybody
	Place        string
	CreatedAt    time.Time
	UsedAt       *time.Time // when it first got tokens; nil: never

	digest []byte // of the registration access token
}

// Register writes a client that registered itself and gives the token with which it
// can be managed (RFC 7592 §3). It joins the caller's transaction.
func (r *Registry) Register(ctx context.Context, c Client, about Registration) (token string, err error) {
	token, now := secret.Text(), r.Clock()
	c.Source = FromRegistration
	about.ClientID, about.CreatedAt, about.digest = c.ID, now, secret.Digest(token)
	err = r.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := r.Store.put(ctx, c, now); err != nil {
			return err
		}
		return r.Store.insertRegistration(ctx, about)
	})
	return token, err
}

// Managed gives the client that the registration access token belongs to. A client
// that does not exist, has not registered itself, or has another token is
// fault.Denied: which one shall not show (RFC 7592 §2.1, A-058).
func (r *Registry) Managed(ctx context.Context, id, token string) (Client, Registration, error) {
	denied := fault.New(fault.Denied, "", "oidc.registration_denied")
	if !identifier(id) {
		return Client{}, Registration{}, denied
	}
	about, err := r.Store.registration(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && !secret.Match(about.digest, secret.Digest(token)) {
		return Client{}, Registration{}, denied
	}
	if err != nil {
		return Client{}, Registration{}, err
	}
	c, err := r.Store.byID(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && (c.Disabled || c.Source != FromRegistration) {
		return Client{}, Registration{}, denied
	}
	return c, about, err
}

// Registered tells how a client came to us by itself; fault.NotFound when it did not.
func (r *Registry) Registered(ctx context.Context, id string) (Registration, error) {
	return r.Store.registration(ctx, id)
}

// Used notes that a client gets tokens. It writes once in the life of a client that
// registered itself, and joins the caller's transaction.
func (r *Registry) Used(ctx context.Context, c *Client) error {
	if r.UsedBefore(c) {
		return nil
	}
	err := r.Store.use(ctx, c.ID, r.Clock())
	if err == nil {
		r.Store.DB.AfterCommit(ctx, func() { r.used.Store(c.ID, true) })
	}
	return err
}

// UsedBefore tells whether Used has nothing to write.
func (r *Registry) UsedBefore(c *Client) bool {
	_, known := r.used.Load(c.ID)
	return known || c.Source != FromRegistration
}

// SweepUnused forgets the clients that registered themselves before the moment, have
// never got tokens, and were not changed since. It tells how many, and the audit log
// which.
func (r *Registry) SweepUnused(ctx context.Context, log audit.Log, before time.Time) (n int64, err error) {
	ids, err := r.Store.unused(ctx, before)
	for _, id := range ids {
		swept := false
		err = r.Store.DB.Tx(ctx, func(ctx context.Context) error {
			swept, err = r.Store.removeUnused(ctx, id, r.Clock())
			if err != nil || !swept {
				return err
			}
			return log.Record(ctx, audit.Event{Action: "client.swept", Client: id, Details: map[string]string{"why": "never used"}})
		})
		if err != nil {
			return n, err
		}
		if swept {
			r.kept.Delete(id)
			n++
		}
	}
	return n, err
}

// Replace writes the client anew.
func (r *Registry) Replace(ctx context.Context, c Client) error {
	defer r.kept.Delete(c.ID)
	return r.Store.replace(ctx, c, r.Clock())
}

// Remove deletes a client that registered itself, and with it its grants, tokens and what
// people allowed it.
func (r *Registry) Remove(ctx context.Context, id string) error {
	defer r.kept.Delete(id)
	return r.Store.DB.Tx(ctx, func(ctx context.Context) error { return r.Store.remove(ctx, id, r.Clock()) })
}
