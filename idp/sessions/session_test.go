package sessions_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

var start = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

// each runs a test on both databases, with two accounts a1 and a2.
func each(t *testing.T, test func(t *testing.T, s *sessions.Service, now *clock.Held)) {
	t.Helper()
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		for _, id := range []string{"a1", "a2"} {
			_, err := d.Exec(t.Context(), `
				insert into accounts (id, subject, email, given_name, family_name, nickname, country, language, zone, state,
					activation_id, created_at, updated_at)
				values ($1, $1, $1, '', '', '', '', '', '', 'active', '', 0, 0)`, id)
			if err != nil {
				t.Fatal(err)
			}
		}
		now := clock.Hold(start)
		test(t, &sessions.Service{
			Store: sessions.Store{DB: d}, Audit: audit.Log{DB: d, Clock: now.Now}, Clock: now.Now,
			Idle: time.Hour, Absolute: 5 * time.Hour,
		}, now)
	})
}

func begin(t *testing.T, s *sessions.Service, account string) (sessions.Session, string) {
	t.Helper()
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Place: "192.0.2.1", Agent: "Fire\xffbird\x00"})
	one, token, err := s.Start(ctx, account, []string{sessions.AMRPassword})
	if err != nil {
		t.Fatal(err)
	}
	return one, token
}

func TestASessionIsFoundByItsToken(t *testing.T) {
	each(t, func(t *testing.T, s *sessions.Service, now *clock.Held) {
		one, token := begin(t, s, "a1")
		got, err := s.ByToken(t.Context(), token)
		if err != nil || got.ID != one.ID || got.AccountID != "a1" || !got.AuthTime.Equal(start) || !slices.Equal(got.AMR, []string{"pwd"}) || got.Agent != "Firebird" {
			t.Errorf("%+v %v, want %+v", got, err, one)
		}
		for _, wrong := range []string{"", one.ID, token + "x", one.ID + ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
			if _, err := s.ByToken(t.Context(), wrong); !fault.Is(err, fault.Denied) {
				t.Errorf("%q: %v, want denied", wrong, err)
			}
		}
	})
}

func TestASessionEndsIdleAndAbsolutely(t *testing.T) {
	each(t, func(t *testing.T, s *sessions.Service, now *clock.Held) {
		_, token := begin(t, s, "a1")
		for range 5 { // used every 59 minutes: alive until the absolute end
			now.Move(59 * time.Minute)
			if _, err := s.ByToken(t.Context(), token); err != nil {
				t.Fatalf("at %v: %v", now.Now(), err)
			}
		}
		now.Set(start.Add(5 * time.Hour))
		if _, err := s.ByToken(t.Context(), token); !fault.Is(err, fault.Denied) {
			t.Errorf("at the absolute end: %v, want denied", err)
		}
		_, idle := begin(t, s, "a1")
		now.Move(time.Hour)
		if _, err := s.ByToken(t.Context(), idle); !fault.Is(err, fault.Denied) {
			t.Errorf("after an idle hour: %v, want denied", err)
		}
		if all, err := s.OfAccount(t.Context(), "a1"); err != nil || len(all) != 0 {
			t.Errorf("%d sessions alive (%v), want none", len(all), err)
		}
	})
}

func TestRenewKeepsTheIDAndKillsTheOldToken(t *testing.T) {
	each(t, func(t *testing.T, s *sessions.Service, now *clock.Held) {
		one, old := begin(t, s, "a1")
		now.Move(10 * time.Minute)
		again, token, err := s.Renew(t.Context(), one, []string{sessions.AMRPassword})
		if err != nil || again.ID != one.ID || !again.AuthTime.Equal(start.Add(10*time.Minute)) {
			t.Fatalf("%+v %v", again, err)
		}
		if _, err := s.ByToken(t.Context(), old); !fault.Is(err, fault.Denied) {
			t.Errorf("old token: %v, want denied", err)
		}
		if _, err := s.ByToken(t.Context(), token); err != nil {
			t.Errorf("new token: %v", err)
		}
		if err := s.End(t.Context(), one.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Renew(t.Context(), one, nil); !fault.Is(err, fault.Denied) {
			t.Errorf("renewing what ended: %v, want denied", err)
		}
	})
}

func TestEndAllEndsTheSessionsOfOneAccount(t *testing.T) {
	each(t, func(t *testing.T, s *sessions.Service, now *clock.Held) {
		_, first := begin(t, s, "a1")
		_, second := begin(t, s, "a1")
		_, other := begin(t, s, "a2")
		if err := s.EndAll(t.Context(), "a1"); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{first, second} {
			if _, err := s.ByToken(t.Context(), token); !fault.Is(err, fault.Denied) {
				t.Errorf("%v, want denied", err)
			}
		}
		if _, err := s.ByToken(t.Context(), other); err != nil {
			t.Errorf("the other account's: %v", err)
		}
	})
}

func TestASessionEndsOnce(t *testing.T) {
	each(t, func(t *testing.T, s *sessions.Service, now *clock.Held) {
		one, _ := begin(t, s, "a1")
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := s.End(t.Context(), one.ID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		events, err := s.Audit.Tail(t.Context(), 100, "")
		if err != nil || len(events) != 2 || events[1].Action != "session.ended" {
			t.Errorf("%d events (%v), want session.started and one session.ended", len(events), err)
		}
		now.Move(5*time.Hour + 7*24*time.Hour + time.Second)
		if n, err := s.Sweep(t.Context(), now.Now()); err != nil || n != 1 {
			t.Errorf("swept %d (%v), want 1", n, err)
		}
	})
}

func TestTheSessionTravelsInTheContext(t *testing.T) {
	if sessions.Of(context.Background()) != nil {
		t.Error("an empty context has a session")
	}
	one := &sessions.Session{ID: "s1"}
	if got := sessions.Of(sessions.With(t.Context(), one)); got != one {
		t.Errorf("got %v, want %v", got, one)
	}
	if got := sessions.Of(sessions.With(sessions.With(t.Context(), one), nil)); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

func TestTheAuditLogTellsWhoEndedASession(t *testing.T) {
	each(t, func(t *testing.T, s *sessions.Service, now *clock.Held) {
		one, _ := begin(t, s, "a1")
		other, _ := begin(t, s, "a2")
		revoked := audit.Cause{Actor: "cli", Details: map[string]string{"why": "stolen"}}
		for _, c := range []struct {
			name, actor, why string
			ctx              context.Context
		}{
			{"the person", "a1", "", sessions.With(t.Context(), &one)},
			{"a request of somebody else", "", "", sessions.With(t.Context(), &other)},
			{"a request without a session", "", "", t.Context()},
			{"a command", "cli", "stolen", audit.WithCause(t.Context(), revoked)},
			{"a cause in the person's own request", "cli", "stolen", audit.WithCause(sessions.With(t.Context(), &one), revoked)},
		} {
			ends, _ := begin(t, s, "a1")
			if err := s.End(c.ctx, ends.ID); err != nil {
				t.Fatal(err)
			}
			events, err := s.Audit.Tail(t.Context(), 1, "")
			if err != nil {
				t.Fatal(err)
			}
			got := events[0]
			if got.Action != "session.ended" || got.Actor != c.actor || got.Subject != "a1" || got.Details["why"] != c.why || got.Details["session"] != ends.ID {
				t.Errorf("%s: %+v, want actor %q and why %q", c.name, got, c.actor, c.why)
			}
		}
	})
}
