package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

const (
	sendFor     = 30 * time.Second // how long a sender may take
	leaseFor    = 2 * time.Minute  // after this another worker may try; well above sendFor
	firstPause  = 10 * time.Second // before the second attempt; doubles each time
	longestWait = 30 * time.Minute
	giveUpAfter = 24 * time.Hour // F-24
	panicTries  = 5              // a sender that panics this often parks the row (F-37)
	crashTries  = 100            // more attempts than a day of pauses allows: this row ends the process
)

// refusal says that trying again is pointless.
type refusal struct{ error }

// Refused marks err as final: the address does not exist, the message is malformed.
// The row is parked at once.
func Refused(err error) error { return refusal{err} }

// Unwrap gives the cause.
func (r refusal) Unwrap() error { return r.error }

// panicked says that the sender did not return.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("sender panicked: %v", p.value) }

// attempt sends the leased row once and writes down what became of it.
func (o *Outbox) attempt(ctx context.Context, r row) error {
	err := o.send(ctx, r)
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseFor-sendFor)
	defer cancel()
	now := o.Clock()
	var held bool
	var dbErr error
	switch state, pause := judge(err, r, now); state {
	case Sent:
		held, dbErr = o.end(write, r, Sent, "", now)
	case Parked:
		o.log().ErrorContext(ctx, "message parked", "id", r.ID, "kind", r.Kind, "attempts", r.Attempts, "error", err)
		held, dbErr = o.end(write, r, Parked, err.Error(), now)
	default:
		o.log().WarnContext(ctx, "message not sent, will try again", "id", r.ID, "kind", r.Kind, "attempts", r.Attempts, "pause", pause, "error", err)
		held, dbErr = o.again(write, r, err.Error(), now.Add(pause))
	}
	if dbErr == nil && !held {
		o.log().WarnContext(ctx, "lease ran out while sending, another worker has the message", "id", r.ID, "kind", r.Kind)
	}
	return dbErr
}

// judge decides what follows from an attempt.
func judge(err error, r row, now time.Time) (state string, pause time.Duration) {
	if err == nil {
		return Sent, 0
	}
	var final refusal
	var crash panicked
	switch {
	case errors.As(err, &final),
		errors.As(err, &crash) && r.Attempts >= panicTries,
		r.Attempts > crashTries,
		now.Sub(r.CreatedAt) >= giveUpAfter:
		return Parked, 0
	}
	return Queued, pauseAfter(r.Attempts)
}

// pauseAfter gives the pause after so many attempts: doubling, and spread by half
// around that, so that what failed together does not come back together.
func pauseAfter(attempts int) time.Duration {
	pause := longestWait
	if shift := attempts - 1; shift < 16 {
		pause = min(firstPause<<shift, longestWait)
	}
	return pause/2 + rand.N(pause)
}

// send calls the sender of the row. A panic is an error like others.
func (o *Outbox) send(ctx context.Context, r row) (err error) {
	sender := o.Senders[r.Kind]
	switch {
	case sender == nil:
		return Refused(fmt.Errorf("there is no sender for %q", r.Kind))
	case r.Attempts > crashTries:
		return Refused(errors.New("too many attempts that did not end"))
	}
	payload, err := r.open(o.Seal)
	if err != nil {
		return err // another key perhaps: the operator has a day to mend it
	}
	ctx, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			o.log().ErrorContext(ctx, "sender panicked", "id", r.ID, "kind", r.Kind, "panic", value, "stack", string(debug.Stack()))
			err = panicked{value}
		}
	}()
	return sender(ctx, Message{r.ID, r.Kind, r.To, payload, r.Attempts, r.CreatedAt})
}
