package clients

import (
	"context"
	"strconv"
	"time"

	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Invitation is an initial access token (RFC 7591 §3).
type Invitation struct {
	ID        string
	Note      string // for whom it was made
	UsesLeft  int
	CreatedAt time.Time
	ExpiresAt time.Time

	Registered int // clients that came by it and are still there; only Invitations fills it

	digest []byte
}

// Open tells whether somebody can register a client with it.
func (i Invitation) Open(now time.Time) bool { return i.UsesLeft > 0 && now.Before(i.ExpiresAt) }

// Invitations gives every initial access token that was not swept away yet, the newest
// first, without the secret half of any.
func (r *Registry) Invitations(ctx context.Context) ([]Invitation, error) {
	return r.Store.invitations(ctx)
}

// RegisteredWith gives the ids of the clients that came by the invitation with that id.
func (r *Registry) RegisteredWith(ctx context.Context, id string) ([]string, error) {
	return r.Store.registeredWith(ctx, id)
}

// Revoked is what a revocation of an initial access token did.
type Revoked struct {
	UsesLeft int      // that were taken away
	Clients  []string // that came by it, all of them, and stay
}

// RevokeInvitation ends an initial access token and notes it in the audit log: nobody
// registers a client with it any more. What was registered with it stays, and is read in the
// same transaction after the end: a client that registers at the same moment is either among
// it, or refused. It gives fault.Conflict for one that is over already.
func (r *Registry) RevokeInvitation(ctx context.Context, log audit.Log, actor string, one Invitation) (done Revoked, err error) {
	err = r.Store.DB.Tx(ctx, func(ctx context.Context) (err error) {
		done.UsesLeft, err = r.Store.endInvitation(ctx, one.ID, r.Clock())
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Conflict, "", "client.invitation_over")
		}
		if err != nil {
			return err
		}
		if done.Clients, err = r.Store.registeredWith(ctx, one.ID); err != nil {
			return err
		}
		return log.Record(ctx, audit.Event{Action: "client.invitation_revoked", Actor: actor, Details: map[string]string{
			"invitation": one.ID, "note": one.Note, "uses_left": strconv.Itoa(done.UsesLeft), "registered": strconv.Itoa(len(done.Clients)),
		}})
	})
	return done, err
}

// Invite makes an initial access token with which so many clients can be registered.
func (r *Registry) Invite(ctx context.Context, note string, uses int, lives time.Duration) (Invitation, string, error) {
	token, now := secret.NewToken(), r.Clock()
	one := Invitation{ID: token.ID, Note: note, UsesLeft: uses, CreatedAt: now, ExpiresAt: now.Add(lives), digest: secret.Digest(token.Secret)}
	return one, token.String(), r.Store.insertInvitation(ctx, one)
}

// Accept uses an initial access token once. It gives fault.Denied for one that is
// unknown, used up or too old. It joins the caller's transaction, so that a
// registration that fails takes nothing away.
func (r *Registry) Accept(ctx context.Context, given string) (id string, err error) {
	token, ok := secret.ParseToken(given)
	if ok {
		err = r.Store.useInvitation(ctx, token.ID, secret.Digest(token.Secret), r.Clock())
	}
	if !ok || fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Denied, "", "oidc.registration_denied")
	}
	return token.ID, err
}

// Invited tells whether an initial access token could be used now, without using it;
// fault.Denied when not.
func (r *Registry) Invited(ctx context.Context, given string) error {
	token, ok := secret.ParseToken(given)
	var err error
	if ok {
		err = r.Store.openInvitation(ctx, token.ID, secret.Digest(token.Secret), r.Clock())
	}
	if !ok || fault.Is(err, fault.NotFound) {
		return fault.New(fault.Denied, "", "oidc.registration_denied")
	}
	return err
}

// Sweep deletes invitations that are too old to be used, and tells how many.
func (r *Registry) Sweep(ctx context.Context, now time.Time) (int64, error) {
	return r.Store.sweepInvitations(ctx, now)
}
