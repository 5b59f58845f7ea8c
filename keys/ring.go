// Package keys is the key ring: the keys a program signs with and the public ones by
// which others check it. It never opens a port and never signs a token itself.
//
//	Ring.Ensure    makes what is missing at the first start
//	Ring.Signer    the active private key of an algorithm, from memory (signer.go)
//	Ring.Public    a public key by kid; Ring.JWKS all of them, as they are served
//	Ring.Rotate    active → retired, next → active, a new next (rotate.go)
//	Ring.Watch     follows what other nodes and the command line do (watch.go)
//	Ring.List      every key, for people
//
// A key is next, then active, then retired, and is deleted when nothing signed with it
// can be alive. next is published long before it signs, so that clients know it by
// then. For each algorithm the database allows one active and one next key; a change is
// one transaction, conditional on the ring its maker saw, so of two nodes that rotate
// at once one wins and the other sees the winner's result.
//
// Private halves lie in the database sealed by the key-encryption key, bound to their
// kid, and are emptied when the key retires: it can never sign again.
package keys

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// State is where a key is in its life.
type State string

// The states, in order.
const (
	Next    State = "next"    // published, does not sign yet
	Active  State = "active"  // signs
	Retired State = "retired" // does not sign any more; what it signed is still checked
)

// DefaultKeep is how long a retired key is published: longer than any session, so
// that an ID token sent as a hint at log-out is still known. OIDC RP-Initiated Logout §2.
const DefaultKeep = 30 * 24 * time.Hour

// Key is one key without its private half.
type Key struct {
	KID        string // RFC 7638 thumbprint
	Alg        string // ES256, RS256, PS256, EdDSA
	State      State
	Public     jose.JSONWebKey
	Generation int64 // of the ring when this key changed last
	SealedBy   string

	CreatedAt   time.Time
	StagedAt    time.Time  // became next
	PublishedAt *time.Time // first served by a running program
	ActivatedAt *time.Time
	RetiredAt   *time.Time
	PurgeAfter  *time.Time
}

// Ring is the keys of one program. Fill the exported fields, call Ensure, and run Watch.
type Ring struct {
	DB    *db.DB
	Seal  *secret.Sealer
	Clock clock.Clock
	Log   *slog.Logger
	Audit *audit.Log    // rotations are recorded there; may be nil
	Actor string        // who rotates, for the audit log: "cli"; "" is "system"
	Keep  time.Duration // how long a retired key is published; 0 means DefaultKeep
	Every time.Duration // how often Watch looks; 0 means 2 s

	now     atomic.Pointer[snapshot]
	checked atomic.Pointer[time.Time] // when now was last known to be the database's
	one     sync.Mutex                // one refresh at a time
}

// snapshot is the ring as it was at one generation. It never changes.
type snapshot struct {
	mark    mark
	keys    []Key
	signers map[string]signer // by algorithm
	public  map[string]Key    // by kid
	jwks    []byte
	etag    string
}

type signer struct {
	kid string
	key crypto.Signer
}

// Ensure gives each algorithm an active and a next key where it lacks them, and reads
// the ring. Any number of nodes may do so at once.
func (r *Ring) Ensure(ctx context.Context, algs ...string) error {
	if err := r.refresh(ctx); err != nil {
		return err
	}
	made := false
	for _, alg := range algs {
		missing := r.missing(alg)
		if len(missing) == 0 {
			continue
		}
		if err := r.add(ctx, alg, missing); err != nil && !fault.Is(err, fault.Conflict) {
			return fmt.Errorf("keys: make %s key: %w", alg, err)
		} // a conflict: another node was faster, and its keys are as good
		made = true
	}
	if !made {
		return nil
	}
	return r.refresh(ctx)
}

// missing gives the states that no key of the algorithm is in.
func (r *Ring) missing(alg string) []State {
	states := []State{Active, Next}
	for _, k := range r.now.Load().keys {
		if k.Alg == alg {
			states = slices.DeleteFunc(states, func(s State) bool { return s == k.State })
		}
	}
	return states
}

// add makes a key in each of the states. Making comes first: RSA takes its time, and
// nothing may wait inside a transaction.
func (r *Ring) add(ctx context.Context, alg string, states []State) error {
	fresh := make([]freshKey, len(states))
	for i := range states {
		var err error
		if fresh[i], err = r.generate(alg); err != nil {
			return err
		}
	}
	now := r.Clock()
	return r.DB.Tx(ctx, func(ctx context.Context) error {
		generation, err := r.nextGeneration(ctx)
		if err != nil {
			return err
		}
		for i, state := range states {
			if err := r.insert(ctx, fresh[i], state, generation, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// List gives every key, as the database has it now: by algorithm, active first.
func (r *Ring) List(ctx context.Context) ([]Key, error) {
	rows, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Key, len(rows))
	for i, row := range rows {
		all[i] = row.Key
	}
	return all, nil
}
