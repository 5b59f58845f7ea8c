package oidc

import (
	"context"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/sessions"
	"tegata/shared/limit"
)

// What strangers may make us do: each of these writes a row, or calls an address that a
// client chose. An office or a school behind one address stays far below.
var (
	// strangers bounds conversations that people without a session begin from one place.
	strangers = limit.Rule{Name: "interaction.place", Burst: 1200, Every: time.Second}
	// pushing bounds requests pushed in the name of public clients from one place.
	pushing = limit.Rule{Name: "pushed.place", Burst: 300, Every: time.Second}
	// fetching bounds calls to addresses of one client, for one purpose. It is more than
	// jwks.Cache asks for by itself, so only a client that keeps changing its address
	// meets it there.
	fetching = limit.Rule{Name: "fetch.client", Burst: 60, Every: time.Second}
)

// What is fetched.
const (
	fetchesKeys    = "keys"
	fetchesRequest = "request"
)

// mayAsk counts a conversation that a stranger is about to begin.
func (p *Provider) mayAsk(ctx context.Context, signedIn *sessions.Session) error {
	where := accounts.Place(ctx)
	if signedIn != nil || where == "" {
		return nil
	}
	return p.Limit.Take(ctx, strangers, where, p.Clock())
}

// mayPush counts a request of a client that proved nothing. RFC 9126 §7.1 and §2.3,
// which asks for status 429.
func (p *Provider) mayPush(ctx context.Context, client *registered) error {
	where := accounts.Place(ctx)
	if !client.Public() || where == "" {
		return nil
	}
	return p.Limit.Take(ctx, pushing, where, p.Clock())
}

// mayFetch counts a call to an address that the client chose. Anybody can send a browser
// here with the client's id and request_uri, so those count for each place alone: nobody
// uses up what others need.
func (p *Provider) mayFetch(ctx context.Context, what, client string) error {
	key := what + "\x00" + client
	if what == fetchesRequest {
		key += "\x00" + accounts.Place(ctx)
	}
	return p.Limit.Take(ctx, fetching, key, p.Clock())
}
