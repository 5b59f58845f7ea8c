package keys

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/fault"
)

// tooOld is the age at which a snapshot may no longer be signed with before the
// database was asked: a node that was paused must not sign with a retired key (F-20).
const tooOld = 10 * time.Second

// Signer gives the active private key of the algorithm and its kid. It works from
// memory; only when the database has not been heard of for tooOld does it ask, and
// gives fault.Busy when there is no answer.
func (r *Ring) Signer(ctx context.Context, alg string) (kid string, key crypto.Signer, err error) {
	if r.age() > tooOld {
		if err := r.refresh(ctx); err != nil {
			return "", nil, fault.Wrap(fault.Busy, "keys.unknown", err)
		}
	}
	s, ok := r.now.Load().signers[alg]
	if !ok {
		return "", nil, fmt.Errorf("keys: there is no active %s key", alg)
	}
	return s.kid, s.key, nil
}

// age tells how long ago the database was last heard of.
func (r *Ring) age() time.Duration {
	at := r.checked.Load()
	if at == nil {
		return 1<<63 - 1
	}
	// Both clocks: the monotonic one stands still while a machine sleeps, the wall
	// clock may be set back.
	return max(time.Since(*at), time.Now().Round(0).Sub(at.Round(0)))
}

// Public gives the public key of that kid: active, next, or retired and not yet to be
// purged. ok is false for any other.
func (r *Ring) Public(kid string) (key jose.JSONWebKey, ok bool) {
	s := r.now.Load()
	if s == nil {
		return jose.JSONWebKey{}, false
	}
	k, ok := s.public[kid]
	if !ok || k.PurgeAfter != nil && !r.Clock().Before(*k.PurgeAfter) {
		return jose.JSONWebKey{}, false
	}
	return k.Public, true
}

// JWKS gives the public keys as they are served (RFC 7517 §5), and an entity tag.
// The bytes are shared: do not change them.
func (r *Ring) JWKS() (set []byte, etag string) {
	s := r.now.Load()
	if s == nil {
		return []byte(`{"keys":[]}`), `"none"`
	}
	return s.jwks, s.etag
}

// take builds a snapshot; private halves that the last one had open are kept open.
func (r *Ring) take(m mark, rows []row) (*snapshot, error) {
	s := &snapshot{mark: m, signers: map[string]signer{}, public: map[string]Key{}}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	now := r.Clock()
	for _, row := range rows {
		s.keys = append(s.keys, row.Key)
		if row.PurgeAfter != nil && !now.Before(*row.PurgeAfter) {
			continue // Watch deletes it soon
		}
		s.public[row.KID] = row.Key
		set.Keys = append(set.Keys, row.Public)
		if row.State != Active {
			continue
		}
		key, err := r.opened(row)
		if err != nil {
			return nil, err
		}
		s.signers[row.Alg] = signer{row.KID, key}
	}
	var err error
	s.jwks, err = json.Marshal(set)
	sum := sha256.Sum256(s.jwks)
	s.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return s, err
}

func (r *Ring) opened(row row) (crypto.Signer, error) {
	if last := r.now.Load(); last != nil {
		if s := last.signers[row.Alg]; s.kid == row.KID {
			return s.key, nil
		}
	}
	return r.open(row)
}
