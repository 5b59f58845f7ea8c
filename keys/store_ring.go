package keys

import (
	"context"
	"time"
)

func (r *Ring) plan(ctx context.Context) (p Plan, err error) {
	var every, before, patience int64
	err = r.DB.Row(ctx, `select rotate_every, stage_before, patience from key_ring where id = 1`, nil, &every, &before, &patience)
	return Plan{micro(every), micro(before), micro(patience)}, err
}

func micro(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func (r *Ring) writePlan(ctx context.Context, p Plan) error {
	_, err := r.DB.Exec(ctx, `update key_ring set rotate_every = $1, stage_before = $2, patience = $3 where id = 1`,
		p.Every.Microseconds(), p.Before.Microseconds(), p.Patience.Microseconds())
	return err
}

// lease takes or prolongs the lease of the schedule, unless another node has it.
func (r *Ring) lease(ctx context.Context, id string, now, until time.Time) (mine bool, err error) {
	n, err := r.DB.Exec(ctx, `
		update key_ring set lease_by = $1, lease_until = $2
		where id = 1 and (lease_by = $1 or lease_until < $3)`, id, until, now)
	return n == 1, err
}

// epoch is how far the database has come.
func (r *Ring) epoch(ctx context.Context) (e epoch, err error) {
	err = r.DB.Row(ctx, `
		select identity, generation, beat_at from key_ring where id = 1`, nil,
		&e.identity, &e.Generation, &e.BeatAt)
	return e, err
}

// name gives the database its identity, if it has none.
func (r *Ring) name(ctx context.Context, identity string) error {
	_, err := r.DB.Exec(ctx, `update key_ring set identity = $1 where id = 1 and identity = ''`, identity)
	return err
}

// catchUp sets a database as far as this machine has seen one; never back.
func (r *Ring) catchUp(ctx context.Context, e epoch) error {
	_, err := r.DB.Exec(ctx, `
		update key_ring set
			generation = case when generation < $1 then $1 else generation end,
			beat_at = case when beat_at < $2 then $2 else beat_at end
		where id = 1`, e.Generation, e.BeatAt)
	return err
}

// useKEK notes which key-encryption key seals from now on.
func (r *Ring) useKEK(ctx context.Context, id string) error {
	_, err := r.DB.Exec(ctx, `update key_ring set kek = $1 where id = 1`, id)
	return err
}
