package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tegata/shared/audit"
	"tegata/shared/fault"
)

// Revocation says which key is compromised.
type Revocation struct {
	KID     string
	All     bool // every key of the ring is: the key-encryption key got out
	KeepAll bool // end no sessions
	Why     string
}

// RevokedKeys is what came of it.
type RevokedKeys struct {
	Revoked []Key
	Active  []Key  // what signs instead
	Ended   Damage // the receipt
}

// Revoke takes a compromised key out of the set at once: what it signed, or whoever has
// it signs, is refused from the moment readers fetch the set again. An active key is
// replaced by the next one, when that was published, else by a fresh one. Then the
// sessions and grants that can hold its tokens are ended. It may be repeated for a key
// that is revoked already: what is left is ended.
func (r *Ring) Revoke(ctx context.Context, q Revocation) (done RevokedKeys, err error) {
	if q.All {
		return r.revokeAll(ctx, q)
	}
	rows, all, err := r.listed(ctx)
	if err != nil {
		return done, err
	}
	k, err := byKID(all, q.KID)
	if err != nil {
		return done, err
	}
	switch k.State {
	case Active:
		err = r.revokeActive(ctx, rows, all, k, q)
	case Next, Retired:
		err = r.revokeOther(ctx, k, q)
	}
	if fault.Is(err, fault.Conflict) {
		return done, fmt.Errorf("the key changed at the same moment; look at it again: %w", err)
	}
	if err != nil {
		return done, err
	}
	done, err = r.endFor(ctx, k, q)
	if (k.State == Active || k.State == Next) && r.makes(k.Alg) {
		r.stageAfter(ctx, k.Alg)
	}
	return done, err
}

// revokeActive lets the next key take the place of k. A compromised key does not wait for the
// device: it is asked for a fresh one only when there is no next one that may sign.
func (r *Ring) revokeActive(ctx context.Context, rows []row, all []Key, k Key, q Revocation) error {
	s := succession{Promotion: Promotion{Alg: k.Alg, Stage: r.stagesWith(k.Alg), Force: true, Why: q.Why}, old: &k, revoked: true}
	if next, ok := find(all, k.Alg, Next); ok {
		s.next = &next // even when it was not published: it is as good as a fresh one
		switch err := r.believed(ctx, rows, next.KID); {
		case fault.Is(err, fault.Busy):
			r.Log.WarnContext(ctx, "the next key takes the place of the revoked one, and signs when the device is back", "cause", err)
		case err != nil:
			r.Log.ErrorContext(ctx, "a fresh key takes the place of the revoked one, and not the next one", "cause", err)
			s.next, s.Stage = nil, false // the place of the next key is taken
		}
	}
	return r.succeed(ctx, s)
}

// revokeOther revokes a key that does not sign; a next key gets a successor.
func (r *Ring) revokeOther(ctx context.Context, k Key, q Revocation) error {
	n := 0
	if k.State == Next && r.stagesWith(k.Alg) {
		n = 1
	}
	fresh, err := r.generate(k.Alg, n)
	if err != nil {
		return err
	}
	return r.changeWith(ctx, fresh, func(ctx context.Context, generation int64, now time.Time) error {
		done, err := r.revoke(ctx, k, generation, now, now.Add(r.keep()))
		if err != nil || !done {
			return orElsewhere(err)
		}
		staged := ""
		for _, f := range fresh {
			staged = f.public.KeyID
			if err := r.insertNext(ctx, f, generation, now); err != nil {
				return err
			}
		}
		return r.record(ctx, "key.revoked", "alg", k.Alg, "revoked", k.KID, "staged", staged, "why", q.Why)
	})
}

// stagesWith tells whether a revocation stages a next key in the same change: where that is
// made here, and cannot fail.
func (r *Ring) stagesWith(alg string) bool { return alg != Push && !r.makes(alg) }

// stageAfter stages a next key that is made in the device after a revocation. Nothing depends
// on it, so it comes last: the device may be away, full, or hang.
func (r *Ring) stageAfter(ctx context.Context, alg string) {
	if alg == Push {
		return
	}
	if _, _, err := r.Stage(ctx, alg, false); err != nil {
		r.Log.WarnContext(ctx, "the key is revoked, but no next key could be staged; do it later: keys stage", "alg", alg, "cause", err)
	}
}

// endFor ends what depends on a key that is revoked.
func (r *Ring) endFor(ctx context.Context, k Key, q Revocation) (done RevokedKeys, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return done, err
	}
	if k, err = byKID(all, k.KID); err != nil {
		return done, err
	}
	done.Revoked = []Key{k}
	if active, ok := find(all, k.Alg, Active); ok {
		done.Active = []Key{active}
	}
	r.step("revoked")
	if k.ActivatedAt == nil || k.Alg == Push {
		return done, nil
	}
	if q.KeepAll || r.Harm == nil {
		return done, r.addReaders(ctx, []string{k.Alg}, &done)
	}
	from, until := r.signed(k)
	if done.Ended, err = r.Harm.End(r.because(ctx, k.KID, q.Why), k.Alg, from, until); err != nil {
		return done, fmt.Errorf("the key is revoked, but not everything that depends on it was ended; run it again: %w", err)
	}
	err = r.tellEnded(ctx, k.KID, []string{k.Alg}, &done)
	return done, err
}

// because gives a context in which what ends does so since keys were revoked: nobody logged
// out, as the audit log would tell of each session otherwise.
func (r *Ring) because(ctx context.Context, revoked, why string) context.Context {
	details := map[string]string{"revoked": revoked}
	if why != "" {
		details["why"] = why
	}
	return audit.WithCause(ctx, audit.Cause{Actor: r.actor(), Details: details})
}

// tellEnded writes down what was ended, as soon as it was, and then looks who believes the
// keys besides: whatever becomes of that, the audit log has what cannot be undone.
func (r *Ring) tellEnded(ctx context.Context, which string, algs []string, done *RevokedKeys) (err error) {
	ended := done.Ended.String()
	if err := r.record(ctx, "key.revoked.ended", "revoked", which, "ended", ended); err != nil {
		return err
	}
	return r.addReaders(ctx, algs, done)
}

func (r *Ring) revokeAll(ctx context.Context, q Revocation) (done RevokedKeys, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return done, err
	}
	if err := r.checkEpoch(ctx); err != nil {
		return done, err
	}
	for _, k := range all {
		if k.State != Revoked {
			done.Revoked = append(done.Revoked, k)
		}
	}
	if done.Active, err = r.replaceAll(ctx, q.Why); err != nil {
		return done, err
	}
	r.step("revoked")
	if q.KeepAll || r.Harm == nil {
		return done, r.addReaders(ctx, algorithmsOf(done.Revoked), &done)
	}
	if done.Ended, err = r.Harm.EndAll(r.because(ctx, "all", q.Why)); err != nil {
		return done, fmt.Errorf("the keys are revoked, but not everything that depends on them was ended; run it again: %w", err)
	}
	err = r.tellEnded(ctx, "all", algorithmsOf(done.Revoked), &done)
	return done, err
}

// algorithmsOf gives the algorithms of these keys that relying parties know.
func algorithmsOf(all []Key) (algs []string) {
	for _, k := range all {
		if k.Alg != Push && !slices.Contains(algs, k.Alg) {
			algs = append(algs, k.Alg)
		}
	}
	return algs
}
