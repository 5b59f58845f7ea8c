package keys

import (
	"context"
	"crypto"
	"errors"
	"time"
)

// Look is one round of Watch, both halves of it.
func (r *Ring) Look(ctx context.Context) error {
	return errors.Join(r.look(ctx), r.chores(ctx))
}

// LookOnly is the half that does not wait for the device.
func (r *Ring) LookOnly(ctx context.Context) error { return r.look(ctx) }

// Forget makes the ring believe that it was last read so long ago: a process that stood
// still.
func (r *Ring) Forget(d time.Duration) {
	at := time.Now().Add(-d)
	r.checked.Store(&at)
}

// Chores is the other half.
func (r *Ring) Chores(ctx context.Context) error { return r.chores(ctx) }

// Ask asks a key of the device.
func (r *Ring) Ask(ctx context.Context, kid string, key Probed) error { return r.ask(ctx, kid, key) }

// Beside does work beside the looks, one at a time.
func Beside(work func(context.Context) error) (run func(context.Context) error) {
	return (&beside{work: work}).run
}

// Turns gives one turn of Watch after the other; wait waits until its chores are over.
func (r *Ring) Turns() (turn func(context.Context), wait func()) {
	w := r.watching()
	return w.turn, w.chores.wait
}

// Believe makes the ring believe that it has just read that this key signs.
func (r *Ring) Believe(alg, kid string, key crypto.Signer) {
	now := time.Now()
	r.now.Store(&snapshot{signers: map[string]*guarded{alg: {r, kid, alg, key}}})
	r.checked.Store(&now)
}
