package keys

import (
	"context"
	"fmt"
	"math"
	"slices"

	"tegata/shared/fault"
)

// Promotion says which algorithm's next key shall sign.
type Promotion struct {
	Alg     string
	Stage   bool     // stage a new next key in the same step
	Force   bool     // without asking for evidence; without a next key a fresh one signs at once
	Vouched []string // readers whom the operator knows to be ready
	Why     string   // for the audit log
	Dry     bool

	again bool // also when somebody did it a moment ago
}

// Promoted is what came of it.
type Promoted struct {
	Old      *Key // retired; nil when the algorithm is new
	Now      Key  // signs
	Next     *Key // staged
	Evidence Evidence
	Elsewise bool // somebody else did it at the same moment, or a moment ago; the result is theirs
	Staged   bool // with Elsewise: they promoted only, and Next was staged now
}

// NotYet refuses a promotion for want of evidence.
type NotYet struct{ Evidence Evidence }

func (e *NotYet) Error() string { return e.Evidence.Why() }

// Promote lets the next key of the algorithm sign and retires the active one. It
// refuses with *NotYet until the readers can know the key, unless it is forced. Running
// programs follow within seconds. Of those who do it at once, all get the one result, and
// so does whoever comes while the programs still hand over to the key: clocks of two
// machines are no better than that. Without a next key it gives fault.NotFound.
func (r *Ring) Promote(ctx context.Context, p Promotion) (done Promoted, err error) {
	rows, all, err := r.listed(ctx)
	if err != nil {
		return done, err
	}
	old, signs := find(all, p.Alg, Active)
	next, staged := find(all, p.Alg, Next)
	if before, ok := r.justRetired(all, old, p.Stage); ok && p.Force && !p.again {
		done.Old, done.Evidence.Key = &before, old
		return r.elsewhere(ctx, done, p)
	}
	if !staged && (!p.Force || !signs) {
		return done, fault.New(fault.NotFound, "alg", "keys.no_next").With("alg", p.Alg)
	}
	if staged {
		if err := r.believed(ctx, rows, next.KID); err != nil {
			return done, err
		}
	}
	asks := next
	if !staged { // a key that is made now: nobody can have it
		asks = Key{Alg: p.Alg, Generation: math.MaxInt64}
	}
	if done.Evidence, err = r.Evidence(ctx, asks, p.Vouched); err != nil {
		return done, err
	}
	if !done.Evidence.Enough() && !p.Force {
		return done, &NotYet{done.Evidence}
	}
	if signs {
		done.Old = &old
	}
	if p.Dry {
		return done.planned(p, next, staged), nil
	}
	s := succession{Promotion: p, evidence: done.Evidence}
	if signs {
		s.old = &old
	}
	if staged {
		s.next = &next
	}
	err = r.succeed(ctx, s)
	if fault.Is(err, fault.Conflict) {
		return r.elsewhere(ctx, done, p)
	}
	if err != nil {
		return done, err
	}
	return r.promoted(ctx, done, p.Alg)
}

// elsewhere gives what somebody else did. When that was to promote and this is to rotate,
// the key that is missing is staged: it comes to the same as one rotation, and no key
// signs that nobody can have.
func (r *Ring) elsewhere(ctx context.Context, done Promoted, p Promotion) (Promoted, error) {
	done.Elsewise = true
	done, err := r.promoted(ctx, done, p.Alg)
	if err != nil || !p.Stage || done.Next != nil {
		return done, err
	}
	next, made, err := r.Stage(ctx, p.Alg, p.Dry)
	done.Next, done.Staged = &next, made
	return done, err
}

// justRetired gives the key that active took the place of, when programs may be handing
// over to it still and nothing was changed since. Both were written in one change, so in
// one generation. To a rotation it is no other change that a next key was staged since: to
// promote and to stage is to rotate.
func (r *Ring) justRetired(all []Key, active Key, rotates bool) (before Key, ok bool) {
	if active.ActivatedAt == nil || r.Clock().Sub(*active.ActivatedAt).Abs() >= Handover {
		return Key{}, false
	}
	at := slices.IndexFunc(all, func(k Key) bool {
		return k.Alg == active.Alg && k.State == Retired && k.Generation == active.Generation
	})
	newer := func(k Key) bool {
		return k.Alg == active.Alg && k.Generation > active.Generation && !(rotates && k.State == Next)
	}
	if at < 0 || slices.ContainsFunc(all, newer) {
		return Key{}, false // the first key of a program, or in the place of a revoked one
	}
	return all[at], true
}

// planned fills in the keys in the states that they would have; those that would be made
// have no kid.
func (done Promoted) planned(p Promotion, next Key, staged bool) Promoted {
	if done.Now = next; !staged {
		done.Now = Key{Alg: p.Alg}
	}
	done.Now.State = Active
	if done.Old != nil {
		done.Old.State = Retired
	}
	if p.Stage {
		done.Next = &Key{Alg: p.Alg, State: Next}
	}
	return done
}

// promoted fills in the ring as it is now.
func (r *Ring) promoted(ctx context.Context, done Promoted, alg string) (Promoted, error) {
	all, err := r.List(ctx)
	if err != nil {
		return done, err
	}
	now, ok := find(all, alg, Active)
	if !ok || done.Old != nil && now.KID == done.Old.KID {
		return done, fmt.Errorf("keys: %s was not promoted", alg)
	}
	if done.Now = now; done.Evidence.Key.KID == "" {
		done.Evidence.Key = now
	}
	if k, ok := find(all, alg, Next); ok {
		done.Next = &k
	}
	if done.Old != nil {
		if k, err := byKID(all, done.Old.KID); err == nil {
			done.Old = &k
		}
	}
	return done, nil
}

// Rotate is a forced Promote that stages a new key, also a moment after another: for
// tests, and for the first hour of a program. It gives the key that stopped to sign and the one that signs now.
func (r *Ring) Rotate(ctx context.Context, alg string) (old, now Key, err error) {
	all, err := r.List(ctx)
	if err != nil {
		return Key{}, Key{}, err
	}
	if _, ok := find(all, alg, Active); !ok {
		return Key{}, Key{}, fault.New(fault.NotFound, "alg", "keys.no_active").With("alg", alg)
	}
	done, err := r.Promote(ctx, Promotion{Alg: alg, Stage: true, Force: true, again: true})
	if err != nil {
		return Key{}, Key{}, err
	}
	return *done.Old, done.Now, nil
}
