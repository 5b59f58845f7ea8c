package oidc_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// node is another process on the same database.
func (w *world) node() *world {
	w.t.Helper()
	p := w.provider
	n := &world{t: w.t, clock: w.clock, db: w.db, person: w.person, key: w.key, cookies: map[string]string{}, jar: &sync.Mutex{}, counted: map[string]int{}}
	n.provider = &oidc.Provider{
		Development: true, DB: p.DB, Once: p.Once, Keys: p.Keys, Accounts: p.Accounts, Sessions: p.Sessions, Devices: p.Devices,
		Clients:     &clients.Registry{Store: clients.Store{DB: w.db}, Clock: p.Clock},
		Interaction: p.Interaction, Audit: p.Audit, Clock: p.Clock, Problem: p.Problem,
	}
	n.serve(p.Sessions)
	return n
}

func TestRefreshRaceOnTwoNodes(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.edit("basic", func(c *clients.Client) { c.RefreshGrace = "0s" })
		token := w.offline("basic")["refresh_token"]
		nodes := []*world{w, w.node()}
		answers := make([]answer, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = nodes[i%2].refresh("basic", token) })
		}
		all.Wait()
		wantOneWinner(t, answers, 400, "invalid_grant")
	})
}

func TestReuseIsNoticedAfterARestart(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.offline("basic")
		second := ok(t, w.refresh("basic", first["refresh_token"]))
		later := w.node()
		w.clock.Move(time.Minute)
		wantError(t, later.refresh("basic", first["refresh_token"]), 400, "invalid_grant")
		wantError(t, later.refresh("basic", second["refresh_token"]), 400, "invalid_grant")
	})
}

func TestRefreshLooksAgain(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *world){
		"the account is not active any more": func(t *testing.T, w *world) {
			_, err := w.db.Exec(t.Context(), `update accounts set state = $2 where id = $1`, w.person.ID, string(accounts.Pending))
			must(t, err)
		},
		"the consent was taken back": func(t *testing.T, w *world) {
			_, err := w.db.Exec(t.Context(), `delete from consents where account_id = $1`, w.person.ID)
			must(t, err)
		},
		"the client may have less": func(t *testing.T, w *world) {
			known, err := w.provider.Clients.List(t.Context())
			must(t, err)
			for i := range known {
				if known[i].ID == "tv" {
					known[i].Scopes = []string{"openid"}
				}
			}
			must(t, w.provider.Clients.Sync(t.Context(), known))
		},
		"the client is gone": func(t *testing.T, w *world) {
			_, err := w.db.Exec(t.Context(), `update clients set disabled = true where id = 'tv'`)
			must(t, err)
			w.clock.Move(3 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t).logIn()
			services(t, w)
			codes := w.television()
			w.decides(codes, true)
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"tv"}, "refresh_token": {ok(t, w.polls(codes))["refresh_token"].(string)}}
			next := ok(t, w.post("/oauth2/token", form))
			form.Set("refresh_token", next["refresh_token"].(string))
			change(t, w)
			if got := w.post("/oauth2/token", form); got.StatusCode == 200 {
				t.Errorf("new tokens: %s", got.Body)
			}
		})
	}
}
