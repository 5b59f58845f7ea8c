package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/fault"
)

// tooOld is the age at which a snapshot may no longer be signed with before the
// database was asked: a node that was paused must not sign with a retired key (F-20).
const tooOld = 10 * time.Second

// slow is a signature that may have waited for a device. Meanwhile Watch kept the snapshot
// fresh, so the age does not tell that the key may have retired since.
const slow = time.Second

// Signer gives the active private key of the algorithm and its kid. It works from
// memory; only when the database has not been heard of for tooOld does it ask, and
// gives fault.Busy when there is no answer. The key looks at the ring again when its
// process stood still before or while it signed.
func (r *Ring) Signer(ctx context.Context, alg string) (kid string, key crypto.Signer, err error) {
	if kid, key, err = r.signer(ctx, alg); err != nil {
		r.failed.Add(1)
	}
	return kid, key, err
}

// Failed counts signatures that this process was asked for and could not give.
func (r *Ring) Failed() int64 { return r.failed.Load() }

// signer is Signer for who does not mean to sign.
func (r *Ring) signer(ctx context.Context, alg string) (kid string, key crypto.Signer, err error) {
	if r.age() > tooOld {
		if err := r.refresh(ctx); err != nil {
			return "", nil, fault.Wrap(fault.Busy, "keys.unknown", err)
		}
	}
	now := r.now.Load()
	s, ok := now.signers[alg]
	if !ok {
		err := fmt.Errorf("keys: there is no active %s key", alg)
		if now.lacking { // the device may have it
			err = fault.Wrap(fault.Busy, "keys.device_away", err)
		}
		return "", nil, err
	}
	return s.kid, s, nil
}

// guarded is a private key that does not sign once its ring has gone on.
type guarded struct {
	ring     *Ring
	kid, alg string
	key      crypto.Signer
}

func (g *guarded) Public() crypto.PublicKey { return g.key.Public() }

// Sign signs, and forgets the signature when the key has retired meanwhile: the
// process may have been stopped for minutes at any point (F-20), and a device may take long.
// Without random an
// ECDSA key of ours takes the nonce of RFC 6979, and every other key its usual way.
func (g *guarded) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	defer func() {
		if err != nil {
			g.ring.failed.Add(1)
		}
	}()
	if _, ours := g.key.(*ecdsa.PrivateKey); random == nil && !ours {
		random = rand.Reader
	}
	began := time.Now()
	signature, err = g.key.Sign(random, digest, opts)
	old := g.ring.age() > tooOld
	if err != nil || !old && time.Since(began) < slow {
		return signature, err
	}
	if old {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		if err := g.ring.refresh(ctx); err != nil {
			return nil, fault.Wrap(fault.Busy, "keys.unknown", err)
		}
	}
	if now := g.ring.now.Load().signers[g.alg]; now == nil || now.kid != g.kid {
		return nil, fault.New(fault.Busy, "", "keys.rotated_elsewhere")
	}
	return signature, nil
}

// age tells how long ago the database was last heard of.
func (r *Ring) age() time.Duration {
	at := r.checked.Load()
	if at == nil {
		return 1<<63 - 1
	}
	// Both clocks: the monotonic one stands still while a machine sleeps, the wall
	// clock may be set back.
	now := time.Now()
	return max(now.Sub(*at), now.Round(0).Sub(at.Round(0)))
}

// Public gives the public key of that kid: active, next, or retired and not yet to be
// purged. ok is false for any other, revoked ones among them.
func (r *Ring) Public(kid string) (key jose.JSONWebKey, ok bool) {
	s := r.now.Load()
	if s == nil {
		return jose.JSONWebKey{}, false
	}
	k, ok := s.public[kid]
	if !ok || over(k, r.Clock()) {
		return jose.JSONWebKey{}, false
	}
	return k.Public, true
}

// over tells whether nothing that the key signed can be alive.
func over(k Key, now time.Time) bool { return k.PurgeAfter != nil && !now.Before(*k.PurgeAfter) }

// JWKS gives the public keys as they are served (RFC 7517 §5), and an entity tag.
// The bytes are shared: do not change them. Whoever serves them calls Fetched.
func (r *Ring) JWKS() (set []byte, etag string) {
	if r.age() > tooOld { // a node that was paused does not serve what it knew then
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		if err := r.refresh(ctx); err != nil && r.Log != nil {
			r.Log.Warn("serving a key set that may be old", "cause", err)
		}
	}
	s := r.now.Load()
	if s == nil {
		return []byte(`{"keys":[]}`), `"none"`
	}
	return s.jwks, s.etag
}

// take builds a snapshot; private halves that the last one had open are kept open.
func (r *Ring) take(m mark, rows []row) (*snapshot, error) {
	s := &snapshot{mark: m, signers: map[string]*guarded{}, public: map[string]Key{}, proved: map[string]bool{}, unsealed: map[string]bool{}}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	now := r.Clock()
	var doubts []doubt
	for _, row := range rows {
		s.keys = append(s.keys, row.Key)
		err := r.proved(s, row)
		if row.State == Revoked || over(row.Key, now) {
			continue // Watch deletes it soon
		}
		if err != nil {
			if row.State == Active && !fault.Is(err, fault.Busy) {
				return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
			}
			doubts = append(doubts, doubt{row, err})
			continue
		}
		if row.Alg != Push {
			s.public[row.KID] = row.Key
			set.Keys = append(set.Keys, row.Public)
		}
		if row.State != Active {
			continue
		}
		key, err := r.opened(row)
		if err != nil {
			return nil, err
		}
		s.signers[row.Alg] = &guarded{r, row.KID, row.Alg, key}
	}
	r.tellDoubts(s, doubts)
	var err error
	s.jwks, err = json.Marshal(set)
	sum := sha256.Sum256(s.jwks)
	s.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return s, err
}
