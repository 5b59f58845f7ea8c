package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/db"
)

// mark tells one state of the ring from another at the price of one small select.
type mark struct {
	generation, count, sum int64
	ring                   int64  // the generation of the last change, whether or not its keys are still there
	kek                    string // which key-encryption key seals; "" until it was changed once
}

// row is a key with its sealed private half, or what stands in its place (proof.go).
type row struct {
	Key
	sealed []byte
}

func (r *Ring) mark(ctx context.Context) (m mark, err error) {
	err = r.DB.Row(ctx, `
		select coalesce(max(generation), 0), count(*), cast(coalesce(sum(generation), 0) as bigint),
			(select generation from key_ring where id = 1), (select kek from key_ring where id = 1)
		from signing_keys`, nil, &m.generation, &m.count, &m.sum, &m.ring, &m.kek)
	m.ring = max(m.ring, m.generation)
	return m, err
}

// nextGeneration begins a change of the ring; another one waits here until this one is
// over.
func (r *Ring) nextGeneration(ctx context.Context, now time.Time) (generation int64, err error) {
	err = r.DB.Row(ctx, `
		update key_ring set beat_at = $1, generation = 1 + (
			select case when key_ring.generation > coalesce(max(k.generation), 0) then key_ring.generation else coalesce(max(k.generation), 0) end
			from signing_keys k)
		where id = 1 returning generation`, db.Args(now), &generation)
	return generation, err
}

func (r *Ring) load(ctx context.Context) ([]row, error) {
	return db.Collect(ctx, r.DB, `
		select kid, alg, state, public, private, sealed_by, device, generation,
			created_at, staged_at, published_at, activated_at, retired_at, revoked_at, purge_after
		from signing_keys
		order by alg, case state when 'active' then 0 when 'next' then 1 when 'retired' then 2 else 3 end, created_at desc, kid`, nil,
		func(scan db.Scan) (row, error) {
			var k row
			var public string
			err := scan(&k.KID, &k.Alg, &k.State, &public, &k.sealed, &k.SealedBy, &k.Device, &k.Generation,
				&k.CreatedAt, &k.StagedAt, &k.PublishedAt, &k.ActivatedAt, &k.RetiredAt, &k.RevokedAt, &k.PurgeAfter)
			if err != nil {
				return k, err
			}
			if err := json.Unmarshal([]byte(public), &k.Public); err != nil {
				return k, fmt.Errorf("signing key %s: public half: %w", k.KID, err)
			}
			given := k.Public // certificates and addresses of some are nothing of ours
			k.Public = jose.JSONWebKey{Key: given.Key, KeyID: given.KeyID, Algorithm: given.Algorithm, Use: given.Use}
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
		insert into signing_keys (kid, alg, state, public, private, sealed_by, device, generation, created_at, staged_at, activated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)`,
		k.public.KeyID, k.alg, string(state), string(public), k.sealed, sealedBy(k.sealed), k.device, generation, now, activated)
	return err
}

// retire ends the signing life of a key as the caller saw it; done is false when it is
// not in that state, or not in that generation, any more.
func (r *Ring) retire(ctx context.Context, seen Key, generation int64, at, purgeAfter time.Time) (done bool, err error) {
	box, err := r.sealStatement(seen.KID, seen.Alg, Retired)
	if err != nil {
		return false, err
	}
	n, err := r.DB.Exec(ctx, `
		update signing_keys
		set state = 'retired', private = $1, sealed_by = $8, generation = $2, retired_at = $3, purge_after = $4
		where kid = $5 and state = $6 and generation = $7`,
		box, generation, at, purgeAfter, seen.KID, string(seen.State), seen.Generation, sealedBy(box))
	if err != nil || n != 1 {
		return false, err
	}
	return true, r.end(ctx, seen, at)
}

// reseal puts another sealed value in a row that is as it was.
func (r *Ring) reseal(ctx context.Context, k row, box []byte) (done bool, err error) {
	n, err := r.DB.Exec(ctx, `
		update signing_keys set private = $1, sealed_by = $2
		where kid = $3 and state = $4 and generation = $5 and private = $6`,
		box, sealedBy(box), k.KID, string(k.State), k.Generation, k.sealed)
	return n == 1, err
}

// end notes that a key must not come back, for longer than its row is kept.
func (r *Ring) end(ctx context.Context, k Key, at time.Time) error {
	_, err := r.DB.Exec(ctx, `insert into ended_keys (kid, alg, ended_at) values ($1, $2, $3) on conflict (kid) do nothing`, k.KID, k.Alg, at)
	return err
}

// ending is when a key ended, and when its row was deleted.
type ending struct {
	kid    string
	at     time.Time
	purged *time.Time
}

// ended gives the keys of this ring that ended, by kid, also those that are deleted.
func (r *Ring) ended(ctx context.Context) (map[string]ending, error) {
	all, err := db.Collect(ctx, r.DB, `select kid, ended_at, purged_at from ended_keys`, nil, func(scan db.Scan) (e ending, err error) {
		return e, scan(&e.kid, &e.at, &e.purged)
	})
	kids := map[string]ending{}
	for _, e := range all {
		kids[e.kid] = e
	}
	return kids, err
}

// revoke takes a key out of the set for good, whatever state it was in.
func (r *Ring) revoke(ctx context.Context, seen Key, generation int64, now, purgeAfter time.Time) (done bool, err error) {
	box, err := r.sealStatement(seen.KID, seen.Alg, Revoked)
	if err != nil {
		return false, err
	}
	n, err := r.DB.Exec(ctx, `
		update signing_keys
		set state = 'revoked', private = $1, sealed_by = $8, generation = $2, revoked_at = $3, purge_after = $4,
			retired_at = coalesce(retired_at, $3)
		where kid = $5 and state = $6 and generation = $7`,
		box, generation, now, purgeAfter, seen.KID, string(seen.State), seen.Generation, sealedBy(box))
	if err != nil || n != 1 {
		return false, err
	}
	return true, r.end(ctx, seen, now)
}

// activate lets a next key sign; done is false when it is not next any more.
func (r *Ring) activate(ctx context.Context, seen Key, generation int64, now time.Time) (done bool, err error) {
	n, err := r.DB.Exec(ctx, `
		update signing_keys set state = 'active', generation = $1, activated_at = $2
		where kid = $3 and state = 'next' and generation = $4`, generation, now, seen.KID, seen.Generation)
	return n == 1, err
}

// publish notes that a running program serves these keys now.
func (r *Ring) publish(ctx context.Context, upTo int64, now time.Time) error {
	_, err := r.DB.Exec(ctx, `update signing_keys set published_at = $1 where published_at is null and generation <= $2`, now, upTo)
	return err
}

// emptied notes that the device does not hold the key any more.
func (r *Ring) emptied(ctx context.Context, kid string) error {
	_, err := r.DB.Exec(ctx, `update signing_keys set device = '' where kid = $1 and state in ('retired', 'revoked')`, kid)
	return err
}

// purge deletes a key that has retired or was revoked.
func (r *Ring) purge(ctx context.Context, kid string, now time.Time) (done bool, err error) {
	n, err := r.DB.Exec(ctx, `delete from signing_keys where kid = $1 and state in ('retired', 'revoked')`, kid)
	if err != nil || n != 1 {
		return false, err
	}
	_, err = r.DB.Exec(ctx, `update ended_keys set purged_at = $2 where kid = $1`, kid, now)
	return true, err
}
