package verbs_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/db"
)

// believers are two active clients that hold nothing.
func believers(context.Context, string) ([]keys.Reader, error) {
	return []keys.Reader{{ID: "api", Active: true, Takes: []string{"access tokens"}}, {ID: "batch", Active: true, Takes: []string{"access tokens"}}}, nil
}

// ends is a program in which something depends on keys the first time only.
type ends struct{ left *keys.Damage }

func (e ends) Count(context.Context, string, time.Time, time.Time) (keys.Damage, error) {
	return *e.left, nil
}
func (e ends) End(context.Context, string, time.Time, time.Time) (was keys.Damage, err error) {
	was, *e.left = *e.left, keys.Damage{}
	return was, nil
}
func (e ends) EndAll(ctx context.Context) (keys.Damage, error) {
	return e.End(ctx, "", time.Time{}, time.Time{})
}

func TestAReceiptAndTheAuditLogCountTheSame(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.ring.Readers = believers
		s.ring.Harm = ends{&keys.Damage{Sessions: 1, Clients: []keys.ClientDamage{{ID: "shop", Sessions: 1}}}}
		kid := s.key("ES256", keys.Active)
		for _, counts := range []string{"1 session, 0 grants, 1 client", "0 sessions, 0 grants, 0 clients"} {
			s.sees(0, []string{"revoke", "--yes", "--", kid}, "ended: "+counts+"; 2 clients only believe the key", "api ", "batch ")
			events, err := s.ring.Audit.Tail(t.Context(), 1, "")
			if err != nil || events[0].Details["ended"] != counts {
				t.Errorf("%+v %v, want %s", events, err, counts)
			}
		}
	})
}

func TestWhoKeepsSessionsIsToldWhoBelievesTheKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.ring.Readers = believers
		left := &keys.Damage{Sessions: 1, Clients: []keys.ClientDamage{{ID: "shop", Sessions: 1}}}
		s.ring.Harm = ends{left}
		for _, which := range [][]string{{"--", s.key("ES256", keys.Active)}, {"--all"}} {
			args := append([]string{"revoke", "--yes", "--keep-sessions"}, which...)
			s.sees(0, args, "ended: 0 sessions, 0 grants, 0 clients; 2 clients only believe the key", "api ", "batch ")
		}
		if left.Sessions != 1 {
			t.Error("a session was ended")
		}
	})
}

func TestAKeyThatHasEndedIsNotRetiredAgain(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		kid := s.key("ES256", keys.Next)
		s.sees(0, []string{"retire", "--", kid}, kid+" is retired, to be deleted after ")
		s.sees(0, []string{"retire", "--", kid}, kid+" is retired since 2026-11-21 13:00:00Z already", "nothing was changed")
		s.sees(0, []string{"retire", "--json", "--", kid}, `"already": true`)
		s.sees(0, []string{"stage", "ES256"})
		revoked := s.key("ES256", keys.Next)
		s.sees(0, []string{"revoke", "--yes", "--", revoked})
		s.sees(0, []string{"retire", "--", revoked}, " is revoked since 2026-11-21 13:00:00Z already")
		s.refuses(1, []string{"retire", "--purge", "--", revoked}, "is revoked: what it signed is invalid already", "would invalidate")
		s.sees(0, []string{"retire", "--purge", "--force", "--", revoked}, "is deleted")
	})
}

func TestAKeyThatOnlyWaitsForCachesIsToldUntilWhen(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		now := s.ring.Clock()
		if _, err := d.Exec(t.Context(), `update signing_keys set published_at = $1 where state = 'next'`, now); err != nil {
			t.Fatal(err)
		}
		until := now.Add(keys.DefaultMaxAge + keys.Handover).Format("2006-01-02 15:04:05Z")
		s.refuses(1, []string{"promote", "ES256"}, "1 of 1 not promoted; caches have the key by "+until+": wait until then; when you know better: --force", "--vouch")
	})
}

func TestTheListSaysThatAKeyHandsOver(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		was := s.key("ES256", keys.Active)
		s.sees(0, []string{"list"}, was)
		s.sees(0, []string{"rotate", "ES256", "--force"})
		s.sees(0, []string{"list"}, was+" hands over: running programs follow within two seconds", "until 2026-11-21 13:00:10Z")
		after := s.ring.Clock().Add(keys.Handover)
		s.ring.Clock = func() time.Time { return after }
		if out := s.sees(0, []string{"list"}); strings.Contains(out, "hands over") {
			t.Errorf("it is over:\n%s", out)
		}
	})
}

func TestARewrapSaysWhomItWaitsFor(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, file := keyed(t, d)
		_, err := d.Exec(t.Context(), `insert into key_nodes (id, host, generation, signs, holds, seen_at) values ('n1', 'far/7', 1, '', '0011223344556677', $1)`, s.ring.Clock())
		if err != nil {
			t.Fatal(err)
		}
		gone := time.AfterFunc(300*time.Millisecond, func() { // it stops, and the rewrap goes on
			if _, err := d.Exec(t.Context(), `delete from key_nodes`); err != nil {
				t.Error(err)
			}
		})
		defer gone.Stop()
		code, _, problems := s.run("", "rewrap", "--generate")
		if code != 0 || strings.Count(problems, "waiting, for 1m0s at most: running programs do not hold the new key-encryption key") != 1 || !strings.Contains(problems, ": far/7\n") {
			t.Errorf("code %d, want that it waited for far/7:\n%s", code, problems)
		}
		if !there(t, file+".next") {
			t.Error("no key was made")
		}
	})
}
