package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/app"
	"tegata/keys"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
)

// isOver tells whether the session was ended.
func isOver(t *testing.T, s *app.Services, session string) bool {
	t.Helper()
	var n int
	if err := s.DB.Row(t.Context(), `select count(*) from sessions where id = $1 and ended_at is not null`, []any{session}, &n); err != nil {
		t.Fatal(err)
	}
	return n == 1
}

// withFront registers beside those of takersFile a client that gets ID tokens through the
// browser and nothing else: it has a secret, and nothing to prove with it.
func withFront() string {
	front := "  - client_id: front\n    client_name: {en: front}\n    redirect_uris: [https://front.test/callback]\n" +
		"    grant_types: [implicit]\n    response_types: [id_token]\n    id_token_signed_response_alg: ES256\n" +
		"    backchannel_logout_uri: https://front.test/bye\n    token_endpoint_auth_method: client_secret_basic\n" +
		"    client_secret_digests: [" + strings.Repeat("ab", 32) + "]\n"
	return strings.Replace(takersFile(), "clients:\n", "clients:\n"+front, 1)
}

// Without offline_access a grant is over with its access token, and an ID token through
// the browser has none (OIDC Core §3.2): the log-in lasts, and a revoked key ends it.
func TestARevokedKeyEndsLogInsThatAreOlderThanTheirTokens(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(programtest.Began)
		s := openedAt(t, url, withFront(), held)
		began := s.Clock()
		byCode, err := s.Sessions.ByToken(t.Context(), signIn(t, s, "farewell", began))
		if err != nil {
			t.Fatal(err)
		}
		letIn(t, s, byCode, "farewell")
		byBrowser, _ := logIn(t, s)
		letIn(t, s, byBrowser, "front")
		other, _ := logIn(t, s)
		letIn(t, s, other, "plain") // takes EdDSA
		held.Move(time.Hour)

		all, err := s.Keys.List(t.Context())
		if err != nil || all[0].Alg != "ES256" {
			t.Fatal(all, err)
		}
		if d, err := s.Keys.Harm.Count(t.Context(), "ES256", time.Time{}, began); err != nil || d.Sessions != 0 {
			t.Errorf("%+v %v, want no session: the key had stopped signing before they let anybody in", d, err)
		}
		before, err := s.Keys.Damage(t.Context(), all[0])
		if err != nil {
			t.Fatal(err)
		}
		if isOver(t, s, byCode.ID) {
			t.Error("the session is over before the key is revoked")
		}
		done, err := s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[0].KID})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []keys.Damage{before, done.Ended} {
			if d.String() != "2 sessions, 0 grants, 2 clients" {
				t.Errorf("%s, want 2 sessions, 0 grants, 2 clients", d)
			}
			for _, id := range []string{"farewell", "front"} {
				if got := damageOf(t, d, id); got.Sessions != 1 || got.Grants != 0 || got.Queued != 1 {
					t.Errorf("%+v, want a session ended and a log-out", got)
				}
			}
		}
		if !isOver(t, s, byCode.ID) || !isOver(t, s, byBrowser.ID) || isOver(t, s, other.ID) {
			t.Errorf("over: %v, %v, %v; want all but the last", isOver(t, s, byCode.ID), isOver(t, s, byBrowser.ID), isOver(t, s, other.ID))
		}
		if done, err = s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[0].KID}); err != nil || done.Ended.Sessions != 0 {
			t.Errorf("again: %+v %v, want nothing left to end", done.Ended, err)
		}
	})
}

// What is walked comes in batches: none is left out where one ends in the middle of a session.
func TestARevokedKeyEndsManyLogIns(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(programtest.Began)
		s := openedAt(t, url, withFront(), held)
		const many = 110 // with two clients each: more than a batch
		for range many {
			one, _ := logIn(t, s)
			letIn(t, s, one, "front")
			letIn(t, s, one, "farewell")
		}
		held.Move(time.Hour)
		d, err := s.Keys.Harm.End(t.Context(), "ES256", time.Time{}, s.Clock())
		if err != nil || d.String() != "110 sessions, 0 grants, 2 clients" || d.Clients[0].Sessions != many || d.Clients[1].Sessions != many {
			t.Errorf("%+v %v, want %d sessions of both", d, err, many)
		}
	})
}

// A client that only gets ID tokens through the browser never comes to an endpoint: that
// it lets people in makes it active, for the gate and for the blast radius.
func TestAFrontChannelClientIsAReader(t *testing.T) { // OIDC Core §3.2
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(programtest.Began)
		s := openedAt(t, url, withFront(), held)
		waitsFor := func(want ...string) {
			t.Helper()
			done, err := s.Keys.Promote(t.Context(), keys.Promotion{Alg: "ES256", Dry: true, Force: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, one := range done.Evidence.Missing() {
				got = append(got, one.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the promotion waits for %v, want %v", got, want)
			}
		}
		waitsFor()
		one, _ := logIn(t, s)
		letIn(t, s, one, "front")
		held.Move(time.Hour)
		waitsFor("front")
		if err := s.Sessions.End(t.Context(), one.ID); err != nil {
			t.Fatal(err)
		}
		all, err := s.Keys.List(t.Context())
		if err != nil || all[0].Alg != "ES256" {
			t.Fatal(all, err)
		}
		d, err := s.Keys.Damage(t.Context(), all[0])
		if err != nil || d.String() != "0 sessions, 0 grants, 0 clients; 1 client only believes the key" || damageOf(t, d, "front").Takes[0] != "ID tokens" {
			t.Errorf("%+v %v, want that the client believes the key", d, err)
		}
		held.Move(31 * 24 * time.Hour)
		waitsFor()

		// A consent that was withdrawn unused is remembered, and is no use.
		if _, err := s.DB.Exec(t.Context(), `
			insert into consents (account_id, client_id, scopes, granted_at) values ($1, 'front', 'openid', $2)`, one.AccountID, s.Clock()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DB.Exec(t.Context(), `delete from connections`); err != nil {
			t.Fatal(err)
		}
		if err := s.Connections.Withdraw(t.Context(), "cli", one.AccountID, "front"); err != nil {
			t.Fatal(err)
		}
		waitsFor()
	})
}
