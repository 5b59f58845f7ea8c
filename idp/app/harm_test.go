package app_test

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"tegata/idp/app"
	"tegata/idp/app/apptest"
	"tegata/idp/oidc/sealing"
	"tegata/idp/sessions"
	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
	"tegata/shared/secret"
)

// opened gives the services of a provider that has people and clients, without serving.
func opened(t *testing.T, url, clientsFile string) *app.Services {
	t.Helper()
	return openedAt(t, url, clientsFile, clock.Hold(programtest.Began))
}

// openedAt is opened with a clock that the test moves.
func openedAt(t *testing.T, url, clientsFile string, held *clock.Held) *app.Services {
	t.Helper()
	o := apptest.Options{Database: url, Clock: held, Listener: programtest.Listen(t), Clients: clientsFile}
	a, err := app.New(t.Context(), apptest.Config(t, o), app.Options{Options: program.Options{
		Clock: held.Now, Listener: o.Listener, Log: slog.New(slog.DiscardHandler),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a.Services
}

// logIn gives a session that has let nobody in.
func logIn(t *testing.T, s *app.Services) (one sessions.Session, cookie string) {
	t.Helper()
	var account string
	if err := s.DB.Row(t.Context(), `select id from accounts where state = 'active' order by id limit 1`, nil, &account); err != nil {
		t.Fatal(err)
	}
	one, cookie, err := s.Sessions.Start(t.Context(), account, []string{"pwd"})
	if err != nil {
		t.Fatal(err)
	}
	return one, cookie
}

// signIn gives a session with a grant of the client, and what is noted with it.
func signIn(t *testing.T, s *app.Services, client string, created time.Time) (cookie string) {
	t.Helper()
	one, cookie := logIn(t, s)
	for _, row := range []struct {
		text string
		args []any
	}{
		{`insert into connections (account_id, client_id, scopes, first_at, last_at) values ($1, $2, 'openid', $3, $3)
			on conflict (account_id, client_id) do nothing`, []any{one.AccountID, client, created}},
		{"insert into session_clients (session_id, client_id, subject, created_at) values ($1, $2, 'somebody', $3)", []any{one.ID, client, created}},
		{`insert into grants (id, client_id, registered, account_id, session_id, offline, scopes, session, created_at, expires_at)
			select $1, id, created_at, $3, $4, false, 'openid', '{}', $5, $6 from clients where id = $2`,
			[]any{secret.NewID(), client, one.AccountID, one.ID, created, created.Add(5 * time.Minute)}}, // as without offline_access
	} {
		if _, err := s.DB.Exec(t.Context(), row.text, row.args...); err != nil {
			t.Fatal(err)
		}
	}
	return cookie
}

// clientWith gives a registered client whose ID tokens are of that algorithm.
func clientWith(t *testing.T, s *app.Services, alg string) string {
	t.Helper()
	all, err := s.Clients.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.IDTokenAlg == alg && !c.Disabled {
			return c.ID
		}
	}
	t.Fatalf("no client takes %s", alg)
	return ""
}

func TestARevokedKeyEndsTheSessionsOfItsClients(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, "")
		now, id := s.Clock(), clientWith(t, s, "ES256")
		cookie := signIn(t, s, id, now)
		alive := func(want bool) {
			t.Helper()
			_, err := s.Sessions.ByToken(t.Context(), cookie)
			if want != (err == nil) || err != nil && !fault.Is(err, fault.Denied) {
				t.Errorf("session: %v, alive should be %v", err, want)
			}
		}
		for alg, want := range map[string]int{"ES256": 1, "EdDSA": 0} {
			d, err := s.Keys.Harm.Count(t.Context(), alg, now, now.Add(time.Minute))
			if err != nil || d.Sessions != want || d.Grants != want || len(d.Clients) != want {
				t.Errorf("%s: %+v %v, want %d", alg, d, err, want)
			}
		}
		all, err := s.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		alive(true)
		done, err := s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[0].KID})
		if err != nil || all[0].Alg != "ES256" || done.Ended.Sessions != 1 || done.Ended.Clients[0].ID != id {
			t.Fatalf("%+v %v, want one session of %s ended", done, err, id)
		}
		alive(false)
		if done, err = s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[0].KID}); err != nil || done.Ended.Grants != 0 {
			t.Errorf("again: %+v %v, want nothing left to end", done.Ended, err)
		}

		cookie = signIn(t, s, id, now)
		sealed := &sealing.Keys{DB: s.DB, Seal: s.Seal, Clock: s.Clock}
		token, err := sealed.Make(t.Context(), "access token", secret.NewID(), []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if d, err := s.Keys.Harm.EndAll(context.Background()); err != nil || d.Sessions != 1 {
			t.Errorf("%+v %v, want the session ended", d, err)
		}
		alive(false)
		elsewhere := &sealing.Keys{DB: s.DB, Seal: s.Seal, Clock: s.Clock}
		if _, _, err := elsewhere.Open(t.Context(), "access token", token); !fault.Is(err, fault.NotFound) {
			t.Errorf("a sealed token still opens: %v", err)
		}
	})
}

// Who reads the audit log must not take it for a log-out that the person asked for.
func TestTheAuditLogTellsThatARevokedKeyEndedASession(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, "")
		all, err := s.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Keys.Actor = "cli"
		for _, q := range []keys.Revocation{{KID: all[0].KID, Why: "laptop stolen"}, {All: true, Why: "laptop stolen"}} {
			signIn(t, s, clientWith(t, s, all[0].Alg), s.Clock())
			if _, err := s.Keys.Revoke(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			events, err := s.Audit.Tail(t.Context(), 100, "")
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(events, func(e audit.Event) bool {
				return e.Action == "session.ended" && e.Details["revoked"] == cmp.Or(q.KID, "all")
			})
			if at < 0 || events[at].Actor != "cli" || events[at].Subject == "" || events[at].Details["why"] != q.Why {
				t.Errorf("%+v: no session of a person that cli ended for it in %+v", q, events)
			}
		}
	})
}
