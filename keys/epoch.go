package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tegata/shared/secret"
)

// A backup that is restored brings back keys that have retired or were revoked, and
// sessions, codes and tokens that are over. So each machine remembers outside of the
// database how far the database had come: in a file beside the key-encryption key. A
// database that lags behind is refused until somebody has looked at it. Another
// database has another identity and is none of that.

// epoch is how far a database has come.
type epoch struct {
	Generation int64     `json:"generation"` // of the key ring
	BeatAt     time.Time `json:"beat_at"`    // when a running program last wrote to it

	identity string // of the database
}

// slack is how much of the last beats a database may have lost: a standby that took
// over lacks seconds, a backup minutes at least.
const slack = 5 * time.Minute

// Restored says that the database is older than one that this machine has seen.
type Restored struct {
	Has, Seen epochAt
}

type epochAt struct {
	Generation int64
	At         time.Time
}

func (e *Restored) Error() string {
	return fmt.Sprintf("the database is older than the one that was in use here (%s, generation %d; seen %s, generation %d): "+
		"a backup was restored, and it may hold keys, sessions and codes that were over; run: keys recover",
		e.Has.At.UTC().Format(time.RFC3339), e.Has.Generation, e.Seen.At.UTC().Format(time.RFC3339), e.Seen.Generation)
}

// seenFile is where the machine remembers, "" when it cannot.
func (r *Ring) seenFile() string {
	if r.SeenFile != "" || r.KeyFile == "" {
		return r.SeenFile
	}
	return r.KeyFile + ".seen"
}

// checkEpoch refuses a database that lags behind with *Restored, and gives one that is new
// its identity.
func (r *Ring) checkEpoch(ctx context.Context) error {
	if r.seenFile() == "" {
		return nil
	}
	has, err := r.epoch(ctx)
	if err != nil {
		return err
	}
	if has.identity == "" {
		return r.name(ctx, secret.NewID())
	}
	return r.current(has)
}

// Current refuses a database that lags behind with *Restored and changes nothing: for dry
// runs, and for whoever wants to know before doing something outside of it.
func (r *Ring) Current(ctx context.Context) error {
	if r.seenFile() == "" {
		return nil
	}
	has, err := r.epoch(ctx)
	if err != nil {
		return err
	}
	return r.current(has)
}

func (r *Ring) current(has epoch) error {
	all, err := r.readSeen()
	if err != nil {
		return err
	}
	seen := all[has.identity]
	if has.Generation < seen.Generation || has.BeatAt.Add(slack).Before(seen.BeatAt) {
		return &Restored{epochAt{has.Generation, has.BeatAt}, epochAt{seen.Generation, seen.BeatAt}}
	}
	return nil
}

// readSeen gives what this machine remembers, by the identity of the database.
func (r *Ring) readSeen() (map[string]epoch, error) {
	path, all := r.seenFile(), map[string]epoch{}
	if path == "" {
		return all, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// remember writes down how far the database has come, when that is news. A folder that
// cannot be written to is no reason to stop: Verify tells that the guard is off.
func (r *Ring) remember(ctx context.Context) error {
	path := r.seenFile()
	if path == "" {
		return nil
	}
	has, err := r.epoch(ctx) // before the lock: nobody waits there for a database that hangs
	if err != nil {
		return err
	}
	r.node.seen.Lock()
	defer r.node.seen.Unlock()
	all, err := r.readSeen()
	if err != nil {
		return err
	}
	seen, known := all[has.identity]
	if has.identity == "" || known && has.Generation <= seen.Generation && has.BeatAt.Sub(seen.BeatAt) < time.Minute {
		return nil
	}
	has.Generation = max(has.Generation, seen.Generation)
	if seen.BeatAt.After(has.BeatAt) {
		has.BeatAt = seen.BeatAt
	}
	all[has.identity] = has
	if err := writeSeen(path, all); err != nil && !r.node.unwritable {
		r.node.unwritable = true
		r.Log.WarnContext(ctx, "cannot remember how far the database has come; a restored backup will not be noticed", "cause", err)
	}
	return nil
}

// writeSeen replaces the file in one step.
func writeSeen(path string, all map[string]epoch) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".seen-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// restored is why, in the audit log, of what Recover does.
const restored = "a backup was restored"

// Recovery is what Recover did.
type Recovery struct {
	Was     *Restored // nil: the database was not behind
	Damage  Damage    // what was ended
	Revoked []Key
	Active  []Key
}

// Recover makes a restored database fit for use: every session, grant and code in it is
// ended, every key is revoked and replaced. It may be repeated until it has come through.
func (r *Ring) Recover(ctx context.Context, dry bool) (done Recovery, err error) {
	check := r.checkEpoch
	if dry {
		check = r.Current
	}
	if err := check(ctx); err != nil && !errors.As(err, &done.Was) {
		return done, err
	}
	all, err := r.List(ctx)
	if err != nil {
		return done, err
	}
	for _, k := range all {
		if k.State != Revoked {
			done.Revoked = append(done.Revoked, k)
		}
	}
	if dry {
		return done, nil
	}
	if r.Harm != nil {
		if done.Damage, err = r.Harm.EndAll(r.because(ctx, "all", restored)); err != nil {
			return done, err
		}
	}
	r.step("ended")
	done.Active, err = r.replaceAll(ctx, restored)
	return done, err
}

// replaceAll revokes every key and gives each algorithm a fresh active and next one.
func (r *Ring) replaceAll(ctx context.Context, why string) (active []Key, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	fresh, err := r.generatePairs(all)
	if err != nil {
		return nil, err
	}
	seen, err := r.readSeen()
	if err != nil {
		return nil, err
	}
	now := r.Clock()
	err = r.DB.Tx(ctx, func(ctx context.Context) error {
		has, err := r.epoch(ctx)
		if err != nil {
			return err
		}
		if err := r.catchUp(ctx, seen[has.identity]); err != nil {
			return err
		}
		generation, err := r.nextGeneration(ctx, now)
		if err != nil {
			return err
		}
		r.step("begun")
		for _, k := range all {
			if k.State == Revoked {
				continue
			}
			done, err := r.revoke(ctx, k, generation, now, now.Add(r.keep()))
			if err != nil || !done {
				return orElsewhere(err)
			}
			active := ""
			if pair := fresh[k.Alg]; k.State == Active {
				active = pair[0].public.KeyID
			}
			if err := r.record(ctx, "key.revoked", "alg", k.Alg, "revoked", k.KID, "active", active, "why", why); err != nil {
				return err
			}
		}
		for _, pair := range fresh {
			if err := r.insert(ctx, pair[0], Active, generation, now); err != nil {
				return err
			}
			for _, next := range pair[1:] {
				if err := r.insertNext(ctx, next, generation, now); err != nil {
					return err
				}
			}
		}
		r.step("done")
		return nil
	})
	if err != nil {
		r.discardUnused(ctx, slices.Concat(slices.Collect(maps.Values(fresh))...), err)
		return nil, err
	}
	r.step("committed")
	if err := r.refresh(ctx); err != nil {
		return nil, err
	}
	for _, k := range r.now.Load().keys {
		if k.State == Active {
			active = append(active, k)
		}
	}
	return active, r.remember(ctx)
}
