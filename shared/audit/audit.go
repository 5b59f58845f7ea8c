// Package audit remembers what happened, for good: one row per event that matters to
// security, never a secret, written in the transaction of the fact it tells.
//
//	Origin     where a request came from, carried in the context (origin.go)
//	Cause      whose act it is, carried there when it is not the person's own (origin.go)
//	Record     a new event
//	Seal       gives new events their place in the hash chain (chain.go)
//	Verify     whether any sealed event was changed, removed or moved (chain.go)
//	Tail       the newest events, or those after one that is known
//	Export     the sealed events as JSON lines, for keeping elsewhere (export.go)
//
// Record touches no row that others touch, so logins never wait for each other here.
// A worker seals every few seconds; what is not sealed yet, Verify cannot vouch
// for, and says so. Whoever may write to the database could still build the whole
// chain anew: an export, or only the head that Verify prints, kept elsewhere shows it.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/secret"
)

// MaxText bounds what strangers can make us remember: a place, an agent, one detail, in
// bytes. Whoever has more to say shortens it where it makes sense; the rest is cut off.
const MaxText = 512

// Event is one thing that happened.
type Event struct {
	ID      string            // UUIDv7; Record fills it
	At      time.Time         // Record fills it
	Action  string            // what: "account.activated"
	Actor   string            // who did it: an account id, "cli", "client", "provider", "system"; "" when unknown
	Subject string            // to whom: an account id
	Client  string            // through which client
	Details map[string]string // the rest; never a secret, a code or a whole token
	Origin                    // Record fills it from the context
}

// Log keeps the events.
type Log struct {
	DB    *db.DB
	Clock clock.Clock
}

// Record writes the event; within a transaction it stands or falls with it.
func (l Log) Record(ctx context.Context, e Event) error {
	if e.Action == "" {
		return fmt.Errorf("audit: event without an action")
	}
	e.ID, e.At = secret.NewID(), l.Clock()
	if e.Origin == (Origin{}) {
		e.Origin = OriginOf(ctx)
	}
	details, err := e.clean()
	if err != nil {
		return err
	}
	return l.insert(ctx, e, details)
}

// clean makes texts fit for both databases and gives the details as JSON with its
// keys in order. A strange User-Agent must not make a login fail.
func (e *Event) clean() (details string, err error) {
	for _, s := range []*string{&e.Actor, &e.Subject, &e.Client, &e.RequestID, &e.Place, &e.Agent} {
		*s = cleanText(*s)
	}
	kept := make(map[string]string, len(e.Details))
	for k, v := range e.Details {
		kept[cleanText(k)] = cleanText(v)
	}
	b, err := json.Marshal(kept)
	return string(b), err
}

func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > MaxText {
		s = strings.ToValidUTF8(s[:MaxText], "") // without half a character at the end
	}
	return s
}

// Tail gives events in the order of their ids: the newest n, or with after the first
// n that follow that id.
func (l Log) Tail(ctx context.Context, n int, after string) ([]Event, error) {
	if after != "" {
		return l.following(ctx, after, n)
	}
	return l.newest(ctx, n)
}
