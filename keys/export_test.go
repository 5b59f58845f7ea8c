package keys

import (
	"context"
	"time"
)

// Look is one round of Watch.
func (r *Ring) Look(ctx context.Context) error { return r.look(ctx) }

// Forget makes the ring believe that it was last read so long ago: a process that stood
// still.
func (r *Ring) Forget(d time.Duration) {
	at := time.Now().Add(-d)
	r.checked.Store(&at)
}
