// Package limit counts attempts per account, address and place on a database row,
// so that all nodes count together.
//
//	Rule      so many at once, then one per interval
//	Take      counts one attempt, or refuses it
//	GiveBack  takes one attempt back that was none
//	Forget    starts afresh, after a success
//	Sweep     forgets rows that limit nothing any more
//
// It is the generic cell rate algorithm (ITU-T I.371): a row keeps one time, the
// moment at which all attempts are forgotten. An attempt moves it one interval on; when it
// would lie more than the burst ahead, the attempt is refused and counts nothing. One
// conditional statement does this, so attempts that come at once are exact too.
package limit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// errInTx refuses a count that the caller's transaction could undo.
var errInTx = errors.New("limit: an attempt is counted outside of any transaction, else undoing it gives the attempt back")

// Rule allows Burst attempts at once and then one per Every.
type Rule struct {
	Name  string // "login.account"; rules of the same name share their rows
	Burst int
	Every time.Duration
}

// Limiter counts.
type Limiter struct{ DB *db.DB }

// Take counts one attempt for the key: an account, an address, a place. It gives nil,
// or fault.TooMany with the time until the next attempt is allowed. It refuses to run
// inside a transaction.
func (l Limiter) Take(ctx context.Context, r Rule, key string, now time.Time) error {
	if r.Burst < 1 || r.Every < time.Microsecond {
		return fmt.Errorf("limit: rule %q allows %d per %s", r.Name, r.Burst, r.Every)
	}
	if l.DB.InTx(ctx) {
		return errInTx
	}
	id, slack := r.id(key), time.Duration(r.Burst-1)*r.Every
	w := window{now, now.Add(slack), now.Add(slack + r.Every + skew)}
	taken, err := l.take(ctx, id, w, r.Every)
	if err != nil || taken {
		return err
	}
	freeAt, err := l.freeAt(ctx, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	// The row may have gone or moved since; what the refusal says stays sensible.
	wait := min(max(freeAt.Add(-slack).Sub(now), time.Millisecond), r.Every*time.Duration(r.Burst))
	return fault.Later("limit.too_many", wait)
}

// skew is how far the clocks of two nodes may differ.
const skew = time.Minute

// window is what the time in a row means now.
type window struct {
	now    time.Time // up to here: no attempt counts any more
	latest time.Time // up to here: one more is allowed
	absurd time.Time // beyond: no attempt of ours; the clock was set back since (F-28)
}

// GiveBack takes back one attempt of the key that Take counted a moment ago and that
// turned out to be none, a right code among guesses. The other attempts count on, so who
// has one right answer gets no more guesses by it. Call it once for an attempt, and soon:
// one that is forgotten by itself must not take another along.
func (l Limiter) GiveBack(ctx context.Context, r Rule, key string, now time.Time) error {
	return l.giveBack(ctx, r.id(key), now, r.Every)
}

// Forget takes back all attempts of the key.
func (l Limiter) Forget(ctx context.Context, r Rule, key string) error {
	return l.forget(ctx, r.id(key))
}

// id names the row: the key itself, an address perhaps, is not kept.
func (r Rule) id(key string) string {
	return r.Name + ":" + base64.RawURLEncoding.EncodeToString(secret.Digest(r.Name+"\x00"+key))
}
