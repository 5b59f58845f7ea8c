// Package singlelogout tells clients that a session ended, or that a person took back
// what a client is allowed.
//
//	farewells.go     whom: the clients that the session let in
//	backchannel.go   by the outbox: a logout token, posted (OIDC Back-Channel Logout)
//	frontchannel.go  by the person's browser: a frame (OIDC Front-Channel Logout)
package singlelogout

import (
	"context"
	"net/http"

	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/oidc/jws"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/outbox"
)

// Farewells tells clients that a session ended: the ones with a back-channel address
// by the outbox, the ones with a front-channel address by the person's browser. All
// fields are needed.
type Farewells struct {
	Issuer      string
	Clients     *clients.Registry
	Connections *connections.Service
	Outbox      *outbox.Outbox
	Signer      *jws.Signer
	Clock       clock.Clock
	Outbound    *http.Client // Client
}

// Queue puts a message for each client of the session that wants one into the outbox.
// It is sessions.Service.Ended and joins its transaction, so that no session ends
// without its messages.
func (f *Farewells) Queue(ctx context.Context, one sessions.Session) error {
	if !f.Clock().Before(one.ExpiresAt) {
		return nil // it was over, and clients know when by the ID token
	}
	members, err := f.members(ctx, one.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.client.BackchannelLogoutURI == "" {
			continue
		}
		if err := f.put(ctx, message{m.client.ID, m.subject, one.ID, one.ExpiresAt}); err != nil {
			return err
		}
	}
	return nil
}

// Withdrawn is Queue for one client and one session: the person took back what the
// client is allowed. It is connections.Service.Withdrawn and joins its transaction.
func (f *Farewells) Withdrawn(ctx context.Context, one connections.Visit) error {
	client, err := f.Clients.ByID(ctx, one.ClientID)
	if fault.Is(err, fault.NotFound) || err == nil && client.BackchannelLogoutURI == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return f.put(ctx, message{one.ClientID, one.Subject, one.SessionID, one.ExpiresAt})
}

// Told gives the clients that Queue would tell of the end of a session.
func (f *Farewells) Told(ctx context.Context, sid string) (ids []string, err error) {
	members, err := f.members(ctx, sid)
	for _, m := range members {
		if m.client.BackchannelLogoutURI != "" {
			ids = append(ids, m.client.ID)
		}
	}
	return ids, err
}

// member is a client that a session has let in.
type member struct {
	client  *clients.Client
	subject string
}

func (f *Farewells) members(ctx context.Context, sid string) ([]member, error) {
	all, err := f.Connections.OfSession(ctx, sid)
	if err != nil {
		return nil, err
	}
	var members []member
	for _, m := range all {
		client, err := f.Clients.ByID(ctx, m.ClientID)
		if fault.Is(err, fault.NotFound) {
			continue // disabled since
		}
		if err != nil {
			return nil, err
		}
		members = append(members, member{client, m.Subject})
	}
	return members, nil
}
