// Package keys is the key ring: the keys a program signs with and the public ones by
// which others check it. It never opens a port and never signs a token itself.
//
//	Ring.Ensure    makes what is missing at the first start
//	Ring.Signer    the active private key of an algorithm, from memory (signer.go)
//	Ring.Public    a public key by kid; Ring.JWKS all of them, as they are served
//	Ring.Watch     follows what other nodes and the command line do (watch.go, chores.go)
//
//	Stage, Promote, Rotate, Retire, Purge   the life of a key (life.go, promote.go, succeed.go)
//	Evidence                                who has read the key set, and who not (evidence.go)
//	Revoke, Recover                         a key is compromised; a backup came back (revoke.go, epoch.go)
//	Damage                                  what depends on a key (damage.go)
//	Plan, Keep                              the schedule that a running program keeps (schedule.go)
//	Rewrap                                  another key-encryption key (rewrap.go)
//	Verify                                  checks (verify.go); what proves a row (proof.go, adopt.go)
//	Set, Backup, Import                     the public keys; the private ones, out and in (export.go, import.go)
//
// A key is next, then active, then retired, and is deleted when nothing signed with it
// can be alive. next is published before it signs, so that clients know it by then, and
// Promote asks for evidence that they do. For each algorithm the database allows one
// active and one next key; a change is one transaction, conditional on the ring its
// maker saw, so of two nodes that change it at once one wins and the other sees the
// winner's result, and a process killed at any moment leaves the ring before or after.
//
// Private halves lie in the database sealed by the key-encryption key, bound to their
// kid, and give way to a statement when the key retires: it can never sign again. Or they
// lie in a PKCS #11 device (keys/hsm, device.go), which never gives them out.
package keys

import (
	"context"
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
	Revoked State = "revoked" // compromised: not published, what it signed is refused
)

const (
	// DefaultKeep is how long a retired key is published: longer than any session, so
	// that an ID token sent as a hint at log-out is still known. OIDC RP-Initiated Logout §2.
	DefaultKeep = 30 * 24 * time.Hour
	// DefaultMaxAge is how long a reader may keep the key set.
	DefaultMaxAge = 5 * time.Minute
	// Handover is how long nodes may go on with what they know of the ring: a key that
	// retires may sign that much longer, and a new key is published that much later.
	Handover = tooOld
)

// Algorithms are those a key can be made for. RFC 7518 §3.1, RFC 8037 §3.1.
var Algorithms = []string{"ES256", "RS256", "PS256", "EdDSA"}

// Push names the key that web push messages are signed with (VAPID, RFC 8292). It is a
// P-256 key of the ring like others, but no relying party's business: it is not in the
// key set. Browsers bind subscriptions to it, so no successor is staged by itself.
const Push = "VAPID"

// Key is one key without its private half.
type Key struct {
	KID        string // RFC 7638 thumbprint
	Alg        string // one of Algorithms, or Push
	State      State
	Public     jose.JSONWebKey
	Generation int64 // of the ring when this key changed last
	SealedBy   string
	Device     string // the label in the device, "" for a sealed key

	CreatedAt   time.Time
	StagedAt    time.Time  // became next
	PublishedAt *time.Time // first served by a running program
	ActivatedAt *time.Time
	RetiredAt   *time.Time // from then on it does not sign: Handover after the change
	RevokedAt   *time.Time
	PurgeAfter  *time.Time
}

// Ring is the keys of one program. Fill the exported fields, call Ensure, and run Watch.
type Ring struct {
	DB    *db.DB
	Seal  *secret.Sealer
	Clock clock.Clock
	Log   *slog.Logger
	Audit *audit.Log // changes are recorded there; may be nil
	Actor string     // who changes the ring, for the audit log: "cli"; "" is "system"

	Keep   time.Duration // how long a retired key is published: longer than anything it signed lives; 0 means DefaultKeep
	MaxAge time.Duration // how long readers may keep the key set, as it is served; 0 means DefaultMaxAge
	Every  time.Duration // how often Watch looks; 0 means 2 s
	Needs  []string      // algorithms that must not be without an active key; Ensure adds to it

	// Readers tells who verifies signatures of that algorithm; nil: nobody knows.
	Readers func(ctx context.Context, alg string) ([]Reader, error)
	Harm    Harm   // what depends on a key; nil: nothing that we know
	Device  Device // makes the keys of the algorithms it can; nil: they are sealed in the database

	Columns  []secret.Column   // every column sealed by Seal, for Rewrap; the ring's own is known
	NextKEK  string            // the name of a successor of the key-encryption key that Seal holds already, "" for none
	KeyFile  string            // the file of the key-encryption key, "" when it comes from elsewhere
	SeenFile string            // where this machine remembers how far the database had come (epoch.go); "": beside KeyFile
	Step     func(name string) // called between the steps of a change; tests stop the process there

	now      atomic.Pointer[snapshot]
	checked  atomic.Pointer[time.Time] // when now was last known to be the database's
	failed   atomic.Int64              // signatures that were not given
	one      sync.Mutex                // one refresh at a time
	notebook notebook                  // who read the key set (fetch.go)
	node     node                      // this process among the others (nodes.go)
	asking   asking                    // what the device is being asked (device.go)
}

// snapshot is the ring as it was at one generation. It never changes.
type snapshot struct {
	mark    mark
	keys    []Key
	signers map[string]*guarded // by algorithm
	public  map[string]Key      // by kid
	jwks    []byte
	etag    string
	lacking bool // the device that alone proves a key was away

	proved   map[string]bool // by kid; false when an older version sealed it (proof.go)
	unsealed map[string]bool // what nothing proves, by kid; true when it was proved before
	older    bool            // a key that lives is of an older version
}

// Ensure gives each algorithm an active key where it lacks one, and a next key to one
// that is new, and reads the ring. Any number of nodes may do so at once. It refuses a
// database that is older than what this machine has seen (epoch.go).
func (r *Ring) Ensure(ctx context.Context, algs ...string) error {
	for _, alg := range algs {
		if !slices.Contains(r.Needs, alg) {
			r.Needs = append(slices.Clip(r.Needs), alg)
		}
	}
	if err := r.refresh(ctx); err != nil {
		return err
	}
	if err := r.checkEpoch(ctx); err != nil {
		return err
	}
	if err := r.provedByDevice(ctx); err != nil {
		return err
	}
	if err := r.adoptOlder(ctx); err != nil {
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

// missing gives the states that a key of the algorithm has to be made for.
func (r *Ring) missing(alg string) []State {
	all := r.now.Load().keys
	_, active := find(all, alg, Active)
	_, next := find(all, alg, Next)
	switch {
	case active:
		return nil // whether there is a next key is for the operator or the schedule
	case next, alg == Push:
		return []State{Active}
	}
	return []State{Active, Next}
}

// add makes a key in each of the states. Making comes first: RSA takes its time, and
// nothing may wait inside a transaction.
func (r *Ring) add(ctx context.Context, alg string, states []State) error {
	fresh, err := r.generate(alg, len(states))
	if err != nil {
		return err
	}
	return r.changeWith(ctx, fresh, func(ctx context.Context, generation int64, now time.Time) error {
		for i, state := range states {
			if err := r.insert(ctx, fresh[i], state, generation, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// change runs do in one transaction with a new generation of the ring, and reads the
// ring again. Changes come one after the other, on all nodes.
func (r *Ring) change(ctx context.Context, do func(ctx context.Context, generation int64, now time.Time) error) error {
	if err := r.checkEpoch(ctx); err != nil {
		return err
	}
	now := r.Clock()
	err := r.DB.Tx(ctx, func(ctx context.Context) error {
		generation, err := r.nextGeneration(ctx, now)
		if err != nil {
			return err
		}
		r.step("begun")
		if err := do(ctx, generation, now); err != nil {
			return err
		}
		r.step("done")
		return nil
	})
	if err != nil {
		return err
	}
	r.step("committed")
	if err := r.refresh(ctx); err != nil {
		return err
	}
	return r.remember(ctx)
}

func (r *Ring) step(name string) {
	if r.Step != nil {
		r.Step(name)
	}
}

// record tells the audit log, in the transaction of the change. details are names and
// values in turn; empty values are left out.
func (r *Ring) record(ctx context.Context, action string, details ...string) error {
	if r.Audit == nil {
		return nil
	}
	e := audit.Event{Action: action, Actor: r.actor(), Details: map[string]string{}}
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			e.Details[details[i]] = details[i+1]
		}
	}
	return r.Audit.Record(ctx, e)
}

func (r *Ring) actor() string {
	if r.Actor == "" {
		return "system"
	}
	return r.Actor
}

func (r *Ring) keep() time.Duration {
	if r.Keep > 0 {
		return max(r.Keep, 2*r.maxAge())
	}
	return DefaultKeep
}

func (r *Ring) maxAge() time.Duration {
	if r.MaxAge > 0 {
		return r.MaxAge
	}
	return DefaultMaxAge
}

// List gives every key, as the database has it now: by algorithm, active first.
func (r *Ring) List(ctx context.Context) ([]Key, error) {
	_, all, err := r.listed(ctx)
	return all, err
}

// listed is List with the rows themselves.
func (r *Ring) listed(ctx context.Context) (rows []row, all []Key, err error) {
	if rows, err = r.load(ctx); err != nil {
		return nil, nil, err
	}
	all = make([]Key, len(rows))
	for i, row := range rows {
		all[i] = row.Key
	}
	return rows, all, nil
}

// find gives the first key of the algorithm in that state.
func find(all []Key, alg string, state State) (Key, bool) {
	for _, k := range all {
		if k.Alg == alg && k.State == state {
			return k, true
		}
	}
	return Key{}, false
}

// byKID gives the key whose kid begins with the text, when it is the only one.
func byKID(all []Key, text string) (Key, error) {
	var found []Key
	for _, k := range all {
		if k.KID == text {
			return k, nil
		}
		if len(text) >= 6 && len(text) < len(k.KID) && k.KID[:len(text)] == text {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return Key{}, fault.New(fault.NotFound, "kid", "keys.unknown_kid").With("kid", text)
}

// Find gives the key with that kid, or the only one whose kid begins with at least six
// letters of it; fault.NotFound otherwise.
func (r *Ring) Find(ctx context.Context, kid string) (Key, error) {
	all, err := r.List(ctx)
	if err != nil {
		return Key{}, err
	}
	return byKID(all, kid)
}
