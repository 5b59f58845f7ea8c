package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// alive counts the refresh tokens that can be used.
func (w *world) alive() (n int) {
	w.t.Helper()
	must(w.t, w.db.Row(w.t.Context(), `
		select count(*) from grants where turn > 0 and ended_at is null`, nil, &n))
	return n
}

func TestALostAnswerCanBeHadAgain(t *testing.T) { // RFC 9700 §4.14.2 leaves this to the server
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.offline("basic")["refresh_token"]
		lost := ok(t, w.refresh("basic", first))
		w.clock.Move(9 * time.Second)
		again := ok(t, w.node().refresh("basic", first)) // another node, too
		if again["refresh_token"] != lost["refresh_token"] || again["access_token"] == lost["access_token"] || w.alive() != 1 {
			t.Errorf("again %v, first %v; %d tokens: want the same refresh token and a new access token", again, lost, w.alive())
		}
		wantError(t, w.refresh("basic", first, "scope=openid email"), 400, "invalid_scope") // as strict as the first time
		next := ok(t, w.refresh("basic", again["refresh_token"]))
		wantError(t, w.refresh("basic", first), 400, "invalid_grant") // its successor was used: somebody has a copy
		wantError(t, w.refresh("basic", next["refresh_token"]), 400, "invalid_grant")
		if seen := w.userinfo(again["access_token"]); seen.StatusCode != http.StatusUnauthorized || len(w.events("refresh_token.reused")) == 0 {
			t.Errorf("userinfo %d, events %v: want the end of the family", seen.StatusCode, w.events("refresh_token.reused"))
		}
	})
}

func TestARepetitionIsNoWayAround(t *testing.T) {
	for name, c := range map[string]struct {
		client string
		before func(*world)
	}{
		"too late":              {"basic", func(w *world) { w.clock.Move(10 * time.Second) }},
		"another client":        {"other", func(*world) {}},
		"the grant is over":     {"basic", func(w *world) { w.withdraws("basic") }},
		"the account is closed": {"basic", func(w *world) { w.exec(`update accounts set state = 'disabled'`) }},
		"switched off":          {"basic", func(w *world) { w.edit("basic", func(c *clients.Client) { c.RefreshGrace = "0s" }) }},
	} {
		w := start(t).logIn()
		w.add(func() clients.Client {
			c := clients.Client{
				ID: "other", Name: map[string]string{"en": "x"}, Source: "config", RedirectURIs: []string{callback}, FirstParty: true,
				SecretDigests: digest(basicSecret), GrantTypes: []string{"authorization_code", "refresh_token"},
			}
			c.Default()
			return c
		}())
		first := w.offline("basic")["refresh_token"].(string)
		ok(t, w.refresh("basic", first))
		c.before(w)
		got := w.ask(c.client, clients.RefreshToken, "refresh_token="+first)
		if got.StatusCode != 400 || got.json(t)["error"] != "invalid_grant" {
			t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
		}
	}
}

func (w *world) exec(statement string) {
	w.t.Helper()
	_, err := w.db.Exec(w.t.Context(), statement)
	must(w.t, err)
}

// Two tabs, or a proxy that tries again: all of them go on with one token.
func TestParallelRefreshWithGraceGivesOneToken(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		token := w.offline("basic")["refresh_token"]
		nodes := []*world{w, w.node()}
		for range 3 {
			answers := make([]answer, 30)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() { answers[i] = nodes[i%2].refresh("basic", token) })
			}
			all.Wait()
			next, access := map[any]bool{}, map[any]bool{}
			for _, a := range answers {
				got := ok(t, a)
				next[got["refresh_token"]], access[got["access_token"]] = true, true
				token = got["refresh_token"]
			}
			if len(next) != 1 || len(access) != len(answers) || w.alive() != 1 {
				t.Errorf("%d refresh tokens and %d access tokens, %d alive; want 1, %d and 1", len(next), len(access), w.alive(), len(answers))
			}
		}
	})
}

// A repetition and the use of the successor at once never make two tokens.
func TestARepetitionRacesItsSuccessor(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for range 10 {
			first := w.offline("basic")["refresh_token"]
			second := ok(t, w.refresh("basic", first))["refresh_token"]
			before := w.alive() - 1
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if got := w.refresh("basic", []any{first, second}[i%2]); got.StatusCode != 200 {
						wantError(t, got, 400, "invalid_grant")
					}
				})
			}
			all.Wait()
			if n := w.alive() - before; n > 1 {
				t.Fatalf("%d tokens of one family are alive", n)
			}
		}
	})
}

func TestRefreshFamiliesGrowOld(t *testing.T) { // RFC 9700 §4.14.2, ASVS 10.4.8
	w := start(t).logIn()
	const day = 24 * time.Hour
	w.edit("basic", func(c *clients.Client) { c.RefreshIdle, c.RefreshLifetime = "10d", "25d" })
	token := w.offline("basic")["refresh_token"]
	for range 2 {
		w.clock.Move(9 * day)
		token = ok(t, w.refresh("basic", token))["refresh_token"]
	}
	w.clock.Move(7*day - time.Second)
	token = ok(t, w.refresh("basic", token))["refresh_token"]
	w.clock.Move(time.Second) // 25 days since the log-in
	wantError(t, w.refresh("basic", token), 400, "invalid_grant")

	idle := w.logIn().offline("basic")["refresh_token"]
	w.clock.Move(10 * day)
	wantError(t, w.refresh("basic", idle), 400, "invalid_grant")

	shorter := w.logIn().offline("basic")["refresh_token"]
	w.clock.Move(2 * day)
	w.edit("basic", func(c *clients.Client) { c.RefreshIdle, c.RefreshLifetime = "1d", "1d" }) // also for what was given before
	wantError(t, w.refresh("basic", shorter), 400, "invalid_grant")
}

func TestTheRegistrationSaysHowLongRefreshTokensLive(t *testing.T) {
	c := clients.Client{ID: "x", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, SecretDigests: digest("x"), GrantTypes: []string{"authorization_code", "refresh_token"}}
	c.Default()
	const day = 24 * time.Hour
	if r := c.Refreshing(); r.Idle != 30*day || r.Lifetime != 180*day || r.Grace != 10*time.Second || c.RefreshLifetime != "180d" {
		t.Errorf("defaults %+v of %+v", r, c)
	}
	for _, bad := range []clients.Client{{RefreshIdle: "x"}, {RefreshLifetime: "-1s"}, {RefreshGrace: "61s"}, {RefreshIdle: "2d", RefreshLifetime: "1d"}, {RefreshIdle: "1s"}} {
		c.RefreshIdle, c.RefreshLifetime, c.RefreshGrace = bad.RefreshIdle, bad.RefreshLifetime, bad.RefreshGrace
		c.Default()
		if p := c.Check("c", false); len(p) != 1 || !strings.HasPrefix(p[0].Path, "c.refresh_token_") {
			t.Errorf("%s %s %s: %v, want one mistake", bad.RefreshIdle, bad.RefreshLifetime, bad.RefreshGrace, p)
		}
	}
}

// Whoever has the refresh token of a client and its secret cannot keep the token by
// bringing a key of their own: only one that is bound to a key stays.
func TestAKeyThatComesLaterDoesNotKeepAnUnboundRefreshToken(t *testing.T) { // RFC 9700 §4.14.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.offline("basic")["refresh_token"].(string)
		key := bank{world: w, dpop: newKey(t)}
		bound := func(token string) answer {
			return w.post("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}},
				basicAuth("basic", basicSecret), key.proves("POST", "/oauth2/token", nil))
		}
		second, _ := ok(t, bound(first))["refresh_token"].(string)
		if second == "" || second == first {
			t.Fatalf("the refresh token %q stays", second)
		}
		if again := ok(t, bound(first))["refresh_token"]; again != second { // the answer got lost
			t.Errorf("a repetition gives %v, want %q", again, second)
		}
		wantError(t, w.refresh("basic", second), 400, "invalid_dpop_proof")
		if got := ok(t, bound(second)); got["refresh_token"] != nil {
			t.Errorf("one that is bound is replaced: %v", got)
		}
		w.clock.Move(time.Minute)
		wantError(t, w.refresh("basic", first), 400, "invalid_grant")
		wantError(t, bound(second), 400, "invalid_grant") // the first one came twice
	})
}
