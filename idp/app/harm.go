package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"tegata/keys"
)

// harm is what depends on the keys of the provider, and how it is ended.
type harm struct{ *Services }

// tally adds up damage.
type tally struct {
	keys.Damage
	clients  map[string]*keys.ClientDamage
	sessions map[string][]string // those that end, by id: who hears of it
}

func newTally() *tally {
	return &tally{clients: map[string]*keys.ClientDamage{}, sessions: map[string][]string{}}
}

func (t *tally) client(id string) *keys.ClientDamage {
	if t.clients[id] == nil {
		t.clients[id] = &keys.ClientDamage{ID: id}
	}
	return t.clients[id]
}

// add counts grants and the sessions that end with them: the clients that such a session let in
// are counted with it, whatever algorithm they take, since they are logged out as well.
func (t *tally) add(all []holding, ends []ending) {
	for _, g := range all {
		if g.grant != "" {
			t.client(g.client).Grants++
			t.Grants++
		}
	}
	for _, one := range ends {
		if _, counted := t.sessions[one.session]; counted {
			continue
		}
		t.sessions[one.session] = one.told
		for _, id := range one.clients {
			t.client(id).Sessions++
		}
		for _, id := range one.told {
			t.client(id).Queued++
		}
	}
}

// sum gives the damage with the clients in order of their ids.
func (t *tally) sum(a affected) keys.Damage {
	t.Sessions = len(t.sessions)
	t.Clients = []keys.ClientDamage{}
	for _, id := range slices.Sorted(maps.Keys(t.clients)) {
		t.clients[id].Name, t.clients[id].Takes = a.names[id], a.takes[id]
		t.Clients = append(t.Clients, *t.clients[id])
	}
	return t.Damage
}

// affected is whom a key concerns.
type affected struct {
	names map[string]string   // of all clients, by id
	takes map[string][]string // what those take that take something of the algorithm
	holds map[string]bool     // whose grants end
}

// affected gives the clients that are given something signed with the algorithm; all
// for "".
func (h harm) affected(ctx context.Context, alg string) (affected, error) {
	a := affected{map[string]string{}, map[string][]string{}, map[string]bool{}}
	all, err := h.Clients.List(ctx)
	if err != nil {
		return a, err
	}
	for _, c := range all {
		a.names[c.ID], a.holds[c.ID] = c.NameIn("en"), alg == ""
	}
	if alg == "" {
		return a, nil
	}
	takers, err := h.Clients.Takers(ctx, alg)
	for _, t := range takers {
		a.takes[t.ID], a.holds[t.ID] = words(t.Takes), t.Holds()
	}
	return a, err
}

// Count counts the grants that are alive and the sessions that go on, where a client can
// have got a token between the times: what began before the end of it, since a refresh
// makes a new ID token, and so does another log-in of the same session.
func (h harm) Count(ctx context.Context, alg string, _, until time.Time) (keys.Damage, error) {
	return h.sumUp(ctx, alg, until, func(t *tally, all []holding) error {
		ends, err := h.endings(ctx, all)
		t.add(all, ends)
		return err
	})
}

// End ends them, and the sessions the grants began in.
func (h harm) End(ctx context.Context, alg string, _, until time.Time) (keys.Damage, error) {
	return h.sumUp(ctx, alg, until, func(t *tally, all []holding) error { return h.end(ctx, t, all) })
}

func (h harm) sumUp(ctx context.Context, alg string, until time.Time, each func(*tally, []holding) error) (keys.Damage, error) {
	a, err := h.affected(ctx, alg)
	if err != nil {
		return keys.Damage{}, err
	}
	t := newTally()
	err = h.walk(ctx, a.holds, until, func(all []holding) error { return each(t, all) })
	return t.sum(a), err
}

// EndAll ends every session, grant and code there is.
func (h harm) EndAll(ctx context.Context) (keys.Damage, error) {
	now := h.Clock()
	damage, err := h.End(ctx, "", time.Time{}, now.Add(24*time.Hour))
	if err != nil {
		return damage, err
	}
	for {
		some, err := h.openSessions(ctx, batch)
		if err != nil || len(some) == 0 {
			return damage, errorOr(err, func() error { return h.dropCodes(ctx) })
		}
		for _, id := range some {
			if err := h.Sessions.End(ctx, id); err != nil {
				return damage, err
			}
		}
		damage.Sessions += len(some)
	}
}

func errorOr(err error, do func() error) error {
	if err != nil {
		return err
	}
	return do()
}

// batch is how many rows are looked at in one go.
const batch = 200

// walk gives what these clients hold, in batches: first the grants that are alive, then
// the sessions. A grant without offline_access is over with its access token, minutes
// after the log-in, and an ID token that came through the browser has none; the client
// believes the log-in for as long as the session goes on.
func (h harm) walk(ctx context.Context, holds map[string]bool, until time.Time, each func([]holding) error) error {
	for _, next := range []func(context.Context, holding, time.Time, int) ([]holding, error){h.liveGrants, h.letIn} {
		for last := (holding{}); ; {
			rows, err := next(ctx, last, until, batch)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			last = rows[len(rows)-1]
			rows = slices.DeleteFunc(rows, func(one holding) bool { return !holds[one.client] })
			if err := each(rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// ending is a session that ends, with the clients it let in and those that hear of it.
type ending struct {
	session       string
	clients, told []string
}

// endings gives the sessions that these are of and that are not over yet.
func (h harm) endings(ctx context.Context, all []holding) (ends []ending, err error) {
	bySession := map[string][]string{}
	for _, g := range all {
		bySession[g.session] = append(bySession[g.session], g.client)
	}
	for _, id := range slices.Sorted(maps.Keys(bySession)) {
		open, err := h.isOpen(ctx, id)
		if err != nil {
			return nil, err
		}
		if !open {
			continue
		}
		one := ending{session: id, clients: bySession[id]}
		members, err := h.Connections.OfSession(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			one.clients = append(one.clients, m.ClientID)
		}
		slices.Sort(one.clients)
		one.clients = slices.Compact(one.clients)
		if one.told, err = h.Farewells.Told(ctx, id); err != nil {
			return nil, err
		}
		ends = append(ends, one)
	}
	return ends, nil
}

// end ends grants and sessions and tells the clients, all or nothing.
func (h harm) end(ctx context.Context, t *tally, all []holding) error {
	var ends []ending
	err := h.DB.Tx(ctx, func(ctx context.Context) (err error) {
		if ends, err = h.endings(ctx, all); err != nil {
			return err
		}
		for _, g := range all {
			if g.grant == "" {
				continue
			}
			if err := h.endGrant(ctx, g.grant); err != nil {
				return err
			}
		}
		for _, one := range ends {
			if err := h.Sessions.End(ctx, one.session); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		t.add(all, ends)
	}
	return err
}
