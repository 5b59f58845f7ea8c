package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tegata/shared/db"
)

// mark tells one state of the table from another at the price of one small select.
type mark struct{ generation, count, sum int64 }

// row is a key with its sealed private half.
type row struct {
	Key
	sealed []byte
}

func (r *Ring) mark(ctx context.Context) (m mark, err error) {
	err = r.DB.Row(ctx, `
		select coalesce(max(generation), 0), count(*), cast(coalesce(sum(generation), 0) as bigint)
		from signing_keys`, nil, &m.generation, &m.count, &m.sum)
	return m, err
}

func (r *Ring) nextGeneration(ctx context.Context) (int64, error) {
	m, err := r.mark(ctx)
	return m.generation + 1, err
}

func (r *Ring) load(ctx context.Context) ([]row, error) {
	return db.Collect(ctx, r.DB, `
		select kid, alg, state, public, private, sealed_by, generation,
			created_at, staged_at, published_at, activated_at, retired_at, purge_after
		from signing_keys
		order by alg, case state when 'active' then 0 when 'next' then 1 else 2 end, created_at desc, kid`, nil,
		func(scan db.Scan) (row, error) {
			var k row
			var public string
			err := scan(&k.KID, &k.Alg, &k.State, &public, &k.sealed, &k.SealedBy, &k.Generation,
				&k.CreatedAt, &k.StagedAt, &k.PublishedAt, &k.ActivatedAt, &k.RetiredAt, &k.PurgeAfter)
			if err != nil {
				return k, err
			}
			if err := json.Unmarshal([]byte(public), &k.Public); err != nil {
				return k, fmt.Errorf("signing key %s: public half: %w", k.KID, err)
			}
			return k, nil
		})
}

func (r *Ring) insert(ctx context.Context, k freshKey, state State, generation int64, now time.Time) error {
	public, err := json.Marshal(k.public)
	if err != nil {
		return err
	}
	var activated *time.Time
	if state == Active {
		activated = &now
	}
	_, err = r.DB.Exec(ctx, `
		insert into signing_keys (kid, alg, state, public, private, sealed_by, generation, created_at, staged_at, activated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`,
		k.public.KeyID, k.public.Algorithm, string(state), string(public), k.sealed, r.Seal.ID(), generation, now, activated)
	return err
}

// retire ends the signing life of the active key that the caller saw; done is false
// when it is not active, or not in that generation, any more.
func (r *Ring) retire(ctx context.Context, seen Key, generation int64, now, purgeAfter time.Time) (done bool, err error) {
	n, err := r.DB.Exec(ctx, `
		update signing_keys
		set state = 'retired', private = $1, sealed_by = '', generation = $2, retired_at = $3, purge_after = $4
		where kid = $5 and state = 'active' and generation = $6`,
		[]byte{}, generation, now, purgeAfter, seen.KID, seen.Generation)
	return n == 1, err
}

// activate lets the next key of the algorithm sign; done is false when there is none.
func (r *Ring) activate(ctx context.Context, alg string, generation int64, now time.Time) (done bool, err error) {
	n, err := r.DB.Exec(ctx, `
		update signing_keys set state = 'active', generation = $1, activated_at = $2
		where alg = $3 and state = 'next'`, generation, now, alg)
	return n == 1, err
}

// publish notes that a running program serves these keys now.
func (r *Ring) publish(ctx context.Context, now time.Time) error {
	_, err := r.DB.Exec(ctx, `update signing_keys set published_at = $1 where published_at is null`, now)
	return err
}

// purge deletes retired keys whose time is over.
func (r *Ring) purge(ctx context.Context, now time.Time) (int64, error) {
	return r.DB.Exec(ctx, `delete from signing_keys where state = 'retired' and purge_after <= $1`, now)
}
