package keys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Damage counts what depends on keys.
type Damage struct {
	Sessions int            `json:"sessions"`
	Grants   int            `json:"grants"` // each with its tokens
	Clients  []ClientDamage `json:"clients"`
}

// ClientDamage is one client's part of it.
type ClientDamage struct {
	ID       string   `json:"client"`
	Name     string   `json:"name,omitempty"`
	Takes    []string `json:"takes,omitempty"` // what of it is signed with the algorithm; none: it shares a session
	Sessions int      `json:"sessions"`
	Grants   int      `json:"grants"`
	Queued   int      `json:"queued"` // back-channel log-outs, to be sent by a running program
}

// String tells it in one line. Clients that nothing ends for are counted apart: they are no
// part of what was ended, and only believe the key until they fetch the key set again.
func (d Damage) String() string {
	believe := 0
	for _, c := range d.Clients {
		if c.Sessions == 0 && c.Grants == 0 {
			believe++
		}
	}
	text := some(d.Sessions, "session") + ", " + some(d.Grants, "grant") + ", " + some(len(d.Clients)-believe, "client")
	switch believe {
	case 0:
	case 1:
		text += "; 1 client only believes the key"
	default:
		text += "; " + some(believe, "client") + " only believe the key"
	}
	return text
}

func some(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Harm is what a program knows and does about a compromised key. Which key signed a
// token is not stored, so everything that can hold one of its tokens counts.
type Harm interface {
	// Count tells what can hold tokens signed with the algorithm between the times.
	Count(ctx context.Context, alg string, from, until time.Time) (Damage, error)
	// End ends that and tells the clients. It works in steps and may be repeated; it
	// gives what it ended itself.
	End(ctx context.Context, alg string, from, until time.Time) (Damage, error)
	// EndAll ends every session, grant and code.
	EndAll(ctx context.Context) (Damage, error)
}

// Damage counts what depends on a key. No session and no token does on the push key.
func (r *Ring) Damage(ctx context.Context, k Key) (Damage, error) {
	if r.Harm == nil || k.ActivatedAt == nil || k.Alg == Push {
		return Damage{}, nil
	}
	from, until := r.signed(k)
	d, err := r.Harm.Count(ctx, k.Alg, from, until)
	if err != nil {
		return d, err
	}
	return r.withReaders(ctx, k.Alg, d)
}

// withReaders adds the active readers of the algorithm that nothing ends for: until they
// fetch the key set again they believe what is signed with the compromised key. Of those
// that something ends for it says what they take.
func (r *Ring) withReaders(ctx context.Context, alg string, d Damage) (Damage, error) {
	readers, active, err := r.readersOf(ctx, alg)
	if err != nil {
		return d, err
	}
	d.Clients = slices.Clone(d.Clients)
	for _, one := range readers {
		i := slices.IndexFunc(d.Clients, func(c ClientDamage) bool { return c.ID == one.ID })
		if i >= 0 {
			d.Clients[i].Takes = union(d.Clients[i].Takes, one.Takes)
		} else if active(one) {
			d.Clients = append(d.Clients, ClientDamage{ID: one.ID, Name: one.Name, Takes: one.Takes})
		}
	}
	slices.SortFunc(d.Clients, func(a, b ClientDamage) int { return cmp.Compare(a.ID, b.ID) })
	return d, nil
}

// union gives all, and those of more that are not among them, in a list of its own.
func union(all, more []string) []string {
	all = slices.Clone(all)
	for _, one := range more {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// signed is the time in which the key can have signed.
func (r *Ring) signed(k Key) (from, until time.Time) {
	from, until = *k.ActivatedAt, r.Clock()
	if k.RetiredAt != nil {
		until = *k.RetiredAt
	}
	return from, until.Add(Handover)
}

// addReaders names those who believe the keys besides, also where nothing was ended.
func (r *Ring) addReaders(ctx context.Context, algs []string, done *RevokedKeys) (err error) {
	ended := done.Ended.String()
	for _, alg := range algs {
		if done.Ended, err = r.withReaders(ctx, alg, done.Ended); err != nil {
			return fmt.Errorf("revoked and ended (%s), but who else believes it is not known: %w", ended, err)
		}
	}
	return nil
}
