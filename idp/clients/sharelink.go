package clients

import (
	"context"
	"time"

	"tegata/shared/limit"
	"tegata/shared/once"
)

// shared is the purpose of links that show a client's diary to its developer.
const shared once.Purpose = "client_doctor"

// ShareLives is how long such a link is good.
const ShareLives = time.Hour

// shareRule bounds how often one link is looked at: reloading is fine, polling is not.
var shareRule = limit.Rule{Name: "client doctor", Burst: 30, Every: 30 * time.Second}

// ShareLink gives the token of a link that shows the client's diary for an hour.
func ShareLink(ctx context.Context, store once.Store, clientID string, now time.Time) (string, error) {
	token, err := store.Issue(ctx, once.New{Purpose: shared, Subject: clientID, Payload: clientID, Lives: ShareLives}, now)
	return token.String(), err
}

// Shared gives the client whose diary the token shows, and counts the look. Its errors
// are those of once.Store.Look and limit.Limiter.Take.
func Shared(ctx context.Context, store once.Store, limiter limit.Limiter, token string, now time.Time) (clientID string, until time.Time, err error) {
	ticket, err := store.Look(ctx, shared, token, now)
	if err != nil {
		return "", time.Time{}, err
	}
	if err := limiter.Take(ctx, shareRule, ticket.ID, now); err != nil {
		return "", time.Time{}, err
	}
	return ticket.Subject, ticket.ExpiresAt, nil
}
