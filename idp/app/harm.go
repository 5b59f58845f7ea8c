package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"tegata/idp/clients"
	"tegata/keys"
)

// readers are the clients that verify what is signed with the algorithm.
func (s *Services) readers(ctx context.Context, alg string) ([]keys.Reader, error) {
	all, err := s.Clients.List(ctx)
	if err != nil {
		return nil, err
	}
	readers := []keys.Reader{}
	for _, c := range all {
		if c.Disabled || !verifies(c, alg) {
			continue
		}
		active, err := s.gotTokens(ctx, c.ID, s.Clock().Add(-30*24*time.Hour))
		if err != nil {
			return nil, err
		}
		readers = append(readers, keys.Reader{ID: c.ID, Name: c.NameIn("en"), Browsers: c.Public(), Active: active})
	}
	return readers, nil
}

func verifies(c clients.Client, alg string) bool { return c.IDTokenAlg == alg }

// harm is what depends on the keys of the provider, and how it is ended.
type harm struct{ *Services }

// tally adds up damage.
type tally struct {
	keys.Damage
	clients  map[string]*keys.ClientDamage
	sessions map[string]map[string]bool // by session: its clients
}

func newTally() *tally {
	return &tally{clients: map[string]*keys.ClientDamage{}, sessions: map[string]map[string]bool{}}
}

func (t *tally) client(id string) *keys.ClientDamage {
	if t.clients[id] == nil {
		t.clients[id] = &keys.ClientDamage{ID: id}
	}
	return t.clients[id]
}

func (t *tally) add(g grantRow) {
	one := t.client(g.client)
	one.Grants++
	t.Grants++
	if t.sessions[g.session] == nil {
		t.sessions[g.session] = map[string]bool{}
	}
	if !t.sessions[g.session][g.client] {
		t.sessions[g.session][g.client] = true
		one.Sessions++
	}
}

// sum gives the damage with the clients in order of their ids.
func (t *tally) sum(names map[string]string) keys.Damage {
	t.Sessions = len(t.sessions)
	t.Clients = []keys.ClientDamage{}
	for _, id := range slices.Sorted(maps.Keys(t.clients)) {
		t.clients[id].Name = names[id]
		t.Clients = append(t.Clients, *t.clients[id])
	}
	return t.Damage
}

// affected gives the names of the clients that verify the algorithm; every one for "".
func (h harm) affected(ctx context.Context, alg string) (map[string]string, error) {
	all, err := h.Clients.List(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, c := range all {
		if alg == "" || verifies(c, alg) {
			names[c.ID] = c.NameIn("en")
		}
	}
	return names, nil
}

// Count counts the grants that are alive and can have got a token between the times:
// those that began before the end of it, since a refresh makes a new ID token.
func (h harm) Count(ctx context.Context, alg string, _, until time.Time) (keys.Damage, error) {
	names, err := h.affected(ctx, alg)
	if err != nil {
		return keys.Damage{}, err
	}
	t := newTally()
	err = h.walk(ctx, names, until, func(all []grantRow) error {
		for _, g := range all {
			t.add(g)
		}
		return nil
	})
	return t.sum(names), err
}

// End ends them, and the sessions they began in.
func (h harm) End(ctx context.Context, alg string, _, until time.Time) (keys.Damage, error) {
	names, err := h.affected(ctx, alg)
	if err != nil {
		return keys.Damage{}, err
	}
	t := newTally()
	err = h.walk(ctx, names, until, func(all []grantRow) error { return h.endGrants(ctx, t, all) })
	return t.sum(names), err
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

// walk gives the grants of these clients that are alive, in batches.
func (h harm) walk(ctx context.Context, names map[string]string, until time.Time, each func([]grantRow) error) error {
	for after := ""; ; {
		rows, err := h.liveGrants(ctx, after, until, batch)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].id
		rows = slices.DeleteFunc(rows, func(g grantRow) bool { _, ok := names[g.client]; return !ok })
		if err := each(rows); err != nil {
			return err
		}
	}
}

// endGrants ends grants with their sessions and tells the clients, all or nothing.
func (h harm) endGrants(ctx context.Context, t *tally, all []grantRow) error {
	told := map[string]int{}
	err := h.DB.Tx(ctx, func(ctx context.Context) error {
		clear(told)
		bySession := map[string][]string{}
		for _, g := range all {
			if err := h.endGrant(ctx, g.id); err != nil {
				return err
			}
			if !slices.Contains(bySession[g.session], g.client) {
				bySession[g.session] = append(bySession[g.session], g.client)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(bySession)) {
			if h.LoggedOut != nil {
				clients, err := h.LoggedOut(ctx, id, bySession[id])
				if err != nil {
					return err
				}
				for _, client := range clients {
					told[client]++
				}
			}
			if err := h.Sessions.End(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, g := range all {
		t.add(g)
	}
	for client, n := range told {
		t.client(client).Told += n
	}
	return nil
}
