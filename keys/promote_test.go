package keys_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// round lets a running program look at the ring once.
func round(t *testing.T, r *keys.Ring) {
	t.Helper()
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// at is a request from a place.
func at(place, agent string) context.Context {
	return audit.WithOrigin(context.Background(), audit.Origin{Place: place, Agent: agent})
}

func readers(all ...keys.Reader) func(context.Context, string) ([]keys.Reader, error) {
	return func(context.Context, string) ([]keys.Reader, error) { return all, nil }
}

// fetch is a reader that fetches the key set.
func fetch(ctx context.Context, r *keys.Ring, says string) {
	_, etag := r.JWKS()
	r.Fetched(ctx, etag, says)
}

// try promotes and gives what was missing, "" when nothing was.
func try(t *testing.T, r *keys.Ring, vouched ...string) string {
	t.Helper()
	_, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Dry: true, Vouched: vouched})
	var wait *keys.NotYet
	if err != nil && !errors.As(err, &wait) {
		t.Fatal(err)
	}
	if err == nil {
		return ""
	}
	return wait.Error()
}

func wants(t *testing.T, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("missing %q, want %q", got, want)
	}
}

func TestAKeySignsOnlyWhenEveryActiveReaderHasIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Readers = readers(keys.Reader{ID: "shop"}, keys.Reader{ID: "wiki"}, keys.Reader{ID: "idle"}, keys.Reader{ID: "app", Browsers: true})
		wants(t, try(t, r), "no running program has published it")

		shop, wiki := at("192.0.2.1", "shop/1"), at("192.0.2.2", "wiki/1")
		r.Seen(shop, "shop", false)
		r.Seen(wiki, "wiki", false)
		r.Seen(at("198.51.100.1", "Firefox"), "app", true)
		round(t, r)
		wants(t, try(t, r), "caches may hold the key set without it until")
		held.Move(keys.DefaultMaxAge + keys.Handover)
		wants(t, try(t, r), "shop: 192.0.2.1 was never seen fetching the key set; wiki")
		if why := try(t, r); strings.Contains(why, "idle") || strings.Contains(why, "app") {
			t.Errorf("%q, want neither one that is not active nor one in browsers", why)
		}

		fetch(shop, r, "")
		fetch(at("192.0.2.2", "curl"), r, "") // the same place, but is it the wiki?
		fetch(at("203.0.113.7", "wiki/1"), r, "wiki")
		round(t, r)
		wants(t, try(t, r), "wiki: 192.0.2.2 was never seen")
		if why := try(t, r); strings.Contains(why, "shop") {
			t.Errorf("%q, want no word about the shop", why)
		}
		wants(t, try(t, r, "wiki"), "")

		fetch(at("192.0.2.2", "curl"), r, "wiki") // says who it is, from its own place
		round(t, r)
		wants(t, try(t, r), "")

		done, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256"})
		if err != nil || done.Now.State != keys.Active || done.Old.State != keys.Retired || done.Next != nil {
			t.Fatalf("%+v %v", done, err)
		}
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("without a next key: %v, want not found", err)
		}

		// A fetch of the set as it was before does not count for a new key.
		if _, made, err := r.Stage(t.Context(), "ES256", false); err != nil || !made {
			t.Fatal(made, err)
		}
		round(t, r)
		held.Move(keys.DefaultMaxAge + keys.Handover)
		wants(t, try(t, r), "shop: 192.0.2.1 last fetched the key set before the key was in it")
	})
}

func TestReadersThatCannotBeToldApartDoNotCount(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, held := start(t, d, "ES256")
	r.Readers = readers(keys.Reader{ID: "a"}, keys.Reader{ID: "b"})
	from := at("192.0.2.1", "Go-http-client/1.1")
	r.Seen(from, "a", false)
	r.Seen(from, "b", false)
	round(t, r)
	fetch(from, r, "")
	round(t, r)
	held.Move(time.Hour)
	wants(t, try(t, r), "a: 192.0.2.1 cannot be told from b")
	fetch(from, r, "a")
	fetch(from, r, "b")
	round(t, r)
	wants(t, try(t, r), "")
}

func TestEachPlaceOfAReaderIsAskedForADayThenAnyWillDo(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, held := start(t, d, "ES256")
	r.Readers = readers(keys.Reader{ID: "a"})
	r.Seen(at("192.0.2.1", "a"), "a", false)
	r.Seen(at("192.0.2.2", "a"), "a", false)
	round(t, r)
	fetch(at("192.0.2.1", "a"), r, "")
	round(t, r)
	held.Move(time.Hour)
	wants(t, try(t, r), "a: 192.0.2.2 was never seen")
	held.Move(24 * time.Hour)
	wants(t, try(t, r), "")
}

// From where a reader comes is written once an hour; what was not written is no reason to
// count it as active for a moment less than keys.ActiveFor.
func TestAReaderIsActiveUntilItHasStayedAway(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Readers = readers(keys.Reader{ID: "a"})
		from := at("192.0.2.1", "a")
		for range 2 {
			r.Seen(from, "a", false)
			round(t, r)
			held.Move(59 * time.Minute) // the second time is not written
		}
		held.Move(keys.ActiveFor - 59*time.Minute - time.Second)
		round(t, r)
		wants(t, try(t, r), "a: 192.0.2.1 was never seen")
		held.Move(time.Hour)
		round(t, r)
		wants(t, try(t, r), "")
	})
}

func TestAReaderThatIsActiveElsewhereIsWaitedFor(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, held := start(t, d, "ES256")
	r.Readers = readers(keys.Reader{ID: "old", Active: true}, keys.Reader{ID: "app", Active: true, Browsers: true}, keys.Reader{ID: "idle"})
	round(t, r)
	held.Move(time.Hour)
	if got := try(t, r); got != "old: is active, but from where it comes was not noted yet" {
		t.Errorf("missing %q, want only the old one", got)
	}
}

func TestAnyFetchCountsForAReaderWithoutAName(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, held := start(t, d, "ES256")
	r.Readers = readers(keys.Reader{ID: "provider", Anyone: true})
	round(t, r)
	held.Move(time.Hour)
	wants(t, try(t, r), "provider: nobody has read the key set")
	fetch(at("192.0.2.1", ""), r, "")
	round(t, r)
	wants(t, try(t, r), "")
}

func TestStrangersLeaveNoRows(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		round(t, r)
		for i := range 5000 {
			fetch(at("203.0.113."+string(rune('0'+i%10))+strings.Repeat("x", i%50), "bot\x00\xff"), r, "")
		}
		round(t, r)
		var n int
		if err := d.Row(t.Context(), `select count(*) from key_fetches`, nil, &n); err != nil || n != 1 {
			t.Errorf("%d rows %v, want 1", n, err)
		}
	})
}

func TestForceIsAuditedWithWhatWasMissing(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	r, held := start(t, d, "ES256")
	r.Audit = &audit.Log{DB: d, Clock: held.Now}
	r.Actor = "cli"
	if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true}); err != nil {
		t.Fatal(err)
	}
	events, err := r.Audit.Tail(t.Context(), 1, "")
	if err != nil || events[0].Actor != "cli" || !strings.Contains(events[0].Details["forced"], "no running program") {
		t.Errorf("%+v %v, want why it was forced", events, err)
	}
}

func TestARunningProgramThatLagsIsNamed(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		nodes := nodes(t, url, 2)
		for _, r := range nodes {
			if err := r.Ensure(t.Context(), "ES256"); err != nil {
				t.Fatal(err)
			}
			round(t, r)
		}
		if _, err := nodes[0].Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true, Stage: true}); err != nil {
			t.Fatal(err)
		}
		round(t, nodes[0])
		wants(t, try(t, nodes[0]), "not served yet by ")
		round(t, nodes[1])
		if why := try(t, nodes[0]); strings.Contains(why, "not served yet") {
			t.Errorf("%q, want no node behind", why)
		}
	})
}

func TestAnAlgorithmComesAndGoes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		k, made, err := r.Stage(t.Context(), "EdDSA", true)
		if err != nil || !made || k.KID != "" || states(t, r, "EdDSA")[keys.Next] != 0 {
			t.Fatalf("dry run: %+v %v %v", k, made, err)
		}
		if k, made, err = r.Stage(t.Context(), "EdDSA", false); err != nil || !made {
			t.Fatal(err)
		}
		if _, _, err := r.Signer(t.Context(), "EdDSA"); err == nil {
			t.Error("a staged key signs")
		}
		if again, made, err := r.Stage(t.Context(), "EdDSA", false); err != nil || made || again.KID != k.KID {
			t.Errorf("staged twice: %+v %v %v", again, made, err)
		}
		if _, _, err := r.Stage(t.Context(), "HS256", false); err == nil {
			t.Error("HS256 was staged")
		}
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "EdDSA", Force: true}); err != nil {
			t.Fatal(err)
		}
		checkSignature(t, r, "EdDSA")
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: k.KID}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Signer(t.Context(), "EdDSA"); err == nil {
			t.Error("signs after its end")
		}

		all, _ := r.List(t.Context())
		active, next := all[0], all[1]
		if active.Alg != "ES256" || next.State != keys.Next {
			active, next = all[1], all[2]
		}
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: active.KID[:8]}); !errors.Is(err, keys.ErrSigns) {
			t.Errorf("%v, want that it signs", err)
		}
		got, err := r.Retire(t.Context(), keys.Retirement{KID: next.KID})
		if err != nil || got.State != keys.Retired || !got.PurgeAfter.Equal(held.Now().Add(keys.DefaultMaxAge+keys.Handover)) {
			t.Errorf("%+v %v, want it withdrawn until caches are over", got, err)
		}
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: active.KID}); !errors.Is(err, keys.ErrSigns) {
			t.Errorf("%v, want that a needed algorithm keeps its key", err)
		}
	})
}

func TestARetiredKeyIsNotDeletedTooEarly(t *testing.T) { // F-21
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		r.Harm = &harm{count: keys.Damage{Sessions: 3, Grants: 4}}
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		var early *keys.Early
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: old.KID, Purge: true}); !errors.As(err, &early) || !early.Until.Equal(*old.PurgeAfter) {
			t.Fatalf("%v, want that it is early", err)
		}
		if _, err := r.Retire(t.Context(), keys.Retirement{KID: old.KID, Purge: true, Force: true}); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.Public(old.KID); ok {
			t.Error("still there")
		}
		events, err := r.Audit.Tail(t.Context(), 1, "")
		if err != nil || events[0].Action != "key.purged" || !strings.HasPrefix(events[0].Details["invalidates"], "3 sessions") {
			t.Errorf("%+v %v, want what was invalidated", events, err)
		}
	})
}

func TestTheScheduleIsKeptByOneNode(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
		nodes := nodes(t, url, 3)
		for _, r := range nodes {
			r.Clock = held.Now
		}
		if err := nodes[0].Ensure(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		if err := nodes[0].SetPlan(t.Context(), keys.Plan{Every: 90 * 24 * time.Hour, Before: 7 * 24 * time.Hour, Patience: 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		run := func() {
			t.Helper()
			for _, r := range nodes {
				if err := r.Ensure(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			together(t, nodes, func(r *keys.Ring) error { return r.RunPlan(t.Context()) })
		}
		first := states(t, nodes[0], "ES256")
		held.Move(90*24*time.Hour - time.Second)
		run()
		if got := states(t, nodes[0], "ES256"); got[keys.Retired] != first[keys.Retired] {
			t.Fatalf("%v, rotated too early", got)
		}
		held.Move(time.Second)
		run() // never published: it waits
		if got := states(t, nodes[0], "ES256"); got[keys.Retired] != 0 {
			t.Fatalf("%v, rotated without evidence", got)
		}
		round(t, nodes[0])
		held.Move(time.Hour)
		run()
		if got := states(t, nodes[0], "ES256"); got[keys.Retired] != 1 || got[keys.Active] != 1 || got[keys.Next] != 0 {
			t.Fatalf("%v, want one rotation and no next key yet", got)
		}
		run()
		held.Move(83 * 24 * time.Hour)
		run()
		if got := states(t, nodes[0], "ES256"); got[keys.Next] != 1 {
			t.Fatalf("%v, want the successor staged", got)
		}
		held.Move(8 * 24 * time.Hour) // due for a day, and nobody has published it: patience is over
		run()
		if got := states(t, nodes[0], "ES256"); got[keys.Active] != 1 || got[keys.Next] != 0 {
			t.Fatalf("%v, want the second rotation", got)
		}
		oneVoice(t, nodes)
	})
}

func TestAPlanThatCannotBeKeptIsRefused(t *testing.T) {
	for _, p := range []keys.Plan{{Every: time.Minute}, {Every: time.Hour, Before: 2 * time.Hour}, {Every: time.Hour, Patience: -1}, {Patience: 1}} {
		if p.Check() == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}
