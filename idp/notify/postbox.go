package notify

import (
	"context"
	"time"

	"tegata/shared/clock"
)

// postboxKeeps bounds what a development run gathers.
const postboxKeeps = 500

// Postbox keeps letters instead of sending them: in development and in tests.
type Postbox struct {
	Store Store
	Clock clock.Clock
}

// Deliver is the Transport. A letter that comes twice is kept once.
func (p Postbox) Deliver(ctx context.Context, l Letter) error {
	l.At = p.Clock()
	return p.Store.keep(ctx, l)
}

// All gives the letters, the newest first.
func (p Postbox) All(ctx context.Context) ([]Letter, error) {
	return p.Store.letters(ctx, postboxKeeps)
}

// Sweep deletes all but the newest letters, those older than a week.
func (p Postbox) Sweep(ctx context.Context, now time.Time) (int64, error) {
	return p.Store.forget(ctx, now.Add(-7*24*time.Hour))
}
