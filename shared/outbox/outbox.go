// Package outbox sends what has to be sent – mail, text messages, push, back-channel
// logout – after the fact it tells is durable: Put writes a row in the caller's
// transaction, a worker sends it. Nothing is sent inside a request.
//
//	Put          queues a message
//	Run          the worker, until its context ends (worker.go)
//	Deliver      all that is due now, once; for tests and commands
//	Refused      how a sender says that trying again is pointless (attempt.go)
//	Find, List   what became of messages, for pages and operators (store.go)
//	Retry        gives a parked message another day (store.go)
//	Sweep        forgets messages that are over for long (store.go)
//
// A row is queued, then sending, then sent or parked. To send it, a worker takes a
// lease by one conditional UPDATE, which also counts the attempt; any number of
// workers on any number of nodes may run. A worker that dies leaves a lease that runs out, so a
// message may be sent twice after a crash, and never by two workers at once. A failed
// attempt is repeated after a growing pause for a day, then the row is parked.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/secret"
)

// The states of a message.
const (
	Queued  = "queued"
	Sending = "sending"
	Sent    = "sent"
	Parked  = "parked"
)

// Message is what a sender gets.
type Message struct {
	ID        string // the same at each attempt: senders may use it against doubles
	Kind      string
	To        string
	Payload   []byte // JSON, see Read
	Attempts  int    // this one included
	CreatedAt time.Time
}

// Read decodes the payload into what it points at.
func (m Message) Read(into any) error {
	if err := json.Unmarshal(m.Payload, into); err != nil {
		return fmt.Errorf("outbox: payload of %s: %w", m.Kind, err)
	}
	return nil
}

// Sender sends one message. It has sendFor to do so; an error means "again later",
// unless it is wrapped by Refused.
type Sender func(ctx context.Context, m Message) error

// Outbox keeps the messages and sends them.
type Outbox struct {
	DB      *db.DB
	Clock   clock.Clock
	Senders map[string]Sender // by Kind
	Log     *slog.Logger      // nil means slog.Default
	Seal    *secret.Sealer    // keeps payloads, which hold links and codes, unreadable at rest; nil leaves them plain
	Workers int               // messages sent at once; 0 means 4

	once sync.Once
	wake chan struct{}
}

// Put queues a message for the sender of kind. Within a transaction it stands or falls
// with it, and the worker wakes up after the commit.
func (o *Outbox) Put(ctx context.Context, kind, to string, payload any) (id string, err error) {
	plain, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("outbox: payload of %s: %w", kind, err)
	}
	r := row{
		Row:     Row{ID: secret.NewID(), Kind: kind, To: to, State: Queued, CreatedAt: o.Clock()},
		payload: plain,
	}
	if err := r.seal(o.Seal); err != nil {
		return "", err
	}
	if err := o.insert(ctx, r); err != nil {
		return "", err
	}
	o.DB.AfterCommit(ctx, o.Wake)
	return r.ID, nil
}

// Wake tells the worker of this process that something is due.
func (o *Outbox) Wake() {
	select {
	case o.woken() <- struct{}{}:
	default: // it is awake
	}
}

func (o *Outbox) woken() chan struct{} {
	o.once.Do(func() { o.wake = make(chan struct{}, 1) })
	return o.wake
}

func (o *Outbox) log() *slog.Logger {
	if o.Log == nil {
		return slog.Default()
	}
	return o.Log
}

const sealPurpose = "outbox"

// SealedColumn is where the encrypted payloads lie.
var SealedColumn = secret.Column{
	Name: "messages to send", Table: "outbox", Row: "id", Box: "payload", By: "sealed_by", Purpose: sealPurpose,
}

// seal encrypts the payload for its row.
func (r *row) seal(s *secret.Sealer) (err error) {
	if s == nil {
		return nil
	}
	r.payload, err = s.Seal(sealPurpose, r.ID, r.payload)
	r.sealedBy = secret.SealedBy(r.payload)
	return err
}

// open is the reverse of seal.
func (r *row) open(s *secret.Sealer) ([]byte, error) {
	if r.sealedBy == "" {
		return r.payload, nil
	}
	if s == nil {
		return nil, fmt.Errorf("outbox: payload is sealed by key %s and there is none", r.sealedBy)
	}
	return s.Open(sealPurpose, r.ID, r.payload)
}
