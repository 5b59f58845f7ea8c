package clients_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/once"
)

var never time.Time

// change runs a test with an editor on both databases.
func change(t *testing.T, test func(t *testing.T, e clients.Editor, held *clock.Held)) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Unix(1_790_000_000, 0))
		test(t, clients.Editor{
			Registry: &clients.Registry{Store: clients.Store{DB: d}, Clock: held.Now}, Audit: audit.Log{DB: d, Clock: held.Now}, Actor: "cli",
		}, held)
	})
}

func TestASecretIsReplaced(t *testing.T) {
	change(t, func(t *testing.T, e clients.Editor, held *clock.Held) {
		c := client("shop")
		c.Source, c.AuthMethod = clients.SourceCLI, clients.ClientSecretBasic
		first := c.NewSecret(never)
		must(t, e.Create(t.Context(), c))
		seen, err := e.Find(t.Context(), "shop")
		must(t, err)
		next := seen
		second := next.NewSecret(held.Now().Add(24 * time.Hour))
		must(t, e.Update(t.Context(), seen, next, "client.secret_rotated"))
		both := func(want bool) {
			t.Helper()
			got, err := e.Registry.ByID(t.Context(), "shop")
			if err != nil || got.SecretMatches(first) != want || !got.SecretMatches(second) {
				t.Errorf("old %t, new %t, %v; want old %t", got.SecretMatches(first), got.SecretMatches(second), err, want)
			}
		}
		both(true)
		held.Move(24 * time.Hour)
		both(false)
	})
}

// Of two who change a registration at once one is told to look again.
func TestTwoChangesAtOnce(t *testing.T) {
	change(t, func(t *testing.T, e clients.Editor, _ *clock.Held) {
		c := client("shop")
		c.Source = clients.SourceCLI
		must(t, e.Create(t.Context(), c))
		if err := e.Create(t.Context(), c); !fault.Is(err, fault.Conflict) {
			t.Errorf("twice: %v, want conflict", err)
		}
		seen, err := e.Find(t.Context(), "shop")
		must(t, err)
		var all sync.WaitGroup
		var won, lost atomic.Int64
		for _, name := range []string{"one", "two", "three", "four"} {
			all.Go(func() {
				next := seen
				next.Name = map[string]string{"en": name}
				switch err := e.Update(t.Context(), seen, next, "client.updated"); {
				case err == nil:
					won.Add(1)
				case fault.Is(err, fault.Conflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 3 {
			t.Errorf("%d won and %d lost, want 1 and 3", won.Load(), lost.Load())
		}
	})
}

func TestTheFileRulesItsClients(t *testing.T) {
	change(t, func(t *testing.T, e clients.Editor, _ *clock.Held) {
		must(t, e.Registry.Sync(t.Context(), []clients.Client{client("a")}))
		a, err := e.Find(t.Context(), "a")
		must(t, err)
		if err := e.Update(t.Context(), a, a, "client.updated"); !fault.Is(err, fault.Denied) {
			t.Errorf("update: %v, want denied", err)
		}
		if err := e.Delete(t.Context(), a); !fault.Is(err, fault.Denied) {
			t.Errorf("delete: %v, want denied", err)
		}
		must(t, e.SetDisabled(t.Context(), a, true)) // at once, in an emergency
		if err := e.SetDisabled(t.Context(), a, true); !fault.Is(err, fault.Conflict) {
			t.Errorf("once more: %v, want conflict", err)
		}
		if _, err := e.Registry.ByID(t.Context(), "a"); !fault.Is(err, fault.NotFound) {
			t.Errorf("disabled: %v, want not found", err)
		}
	})
}

// Who was shown the diary of a client does not see that of another one under its id.
func TestALinkToADiaryEndsWithItsClient(t *testing.T) {
	change(t, func(t *testing.T, e clients.Editor, held *clock.Held) {
		links, limits := once.Store{DB: e.Registry.Store.DB}, limit.Limiter{DB: e.Registry.Store.DB}
		c := client("shop")
		c.Source = clients.SourceCLI
		must(t, e.Create(t.Context(), c))
		link, err := clients.ShareLink(t.Context(), links, c.ID, held.Now())
		must(t, err)
		if id, _, err := clients.Shared(t.Context(), links, limits, link, held.Now()); err != nil || id != "shop" {
			t.Fatalf("%q, %v", id, err)
		}
		must(t, e.Delete(t.Context(), c))
		must(t, e.Create(t.Context(), c))
		if id, _, err := clients.Shared(t.Context(), links, limits, link, held.Now()); !fault.Is(err, fault.Conflict) {
			t.Errorf("%q, %v: want that the link is over", id, err)
		}
	})
}
