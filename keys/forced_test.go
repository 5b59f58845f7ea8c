package keys_test

import (
	"fmt"
	"strings"
	"testing"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// withoutNext gives a ring whose algorithm has no next key.
func withoutNext(t *testing.T, d *db.DB) *keys.Ring {
	t.Helper()
	r, held := start(t, d, "ES256")
	r.Audit = &audit.Log{DB: d, Clock: held.Now}
	all, err := r.List(t.Context())
	if err == nil {
		_, err = r.Retire(t.Context(), keys.Retirement{KID: all[1].KID})
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forced gives what the newest event says was missing.
func forced(t *testing.T, r *keys.Ring) string {
	t.Helper()
	events, err := r.Audit.Tail(t.Context(), 1, "")
	if err != nil || events[0].Action != "key.rotated" {
		t.Fatal(events, err)
	}
	return events[0].Details["forced"]
}

func TestAKeyThatIsMadeAtThatMomentIsKnownToNobody(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r := withoutNext(t, d)
		r.Readers = readers(keys.Reader{ID: "shop"}, keys.Reader{ID: "wiki"})
		shop := at("192.0.2.1", "shop/1")
		r.Seen(shop, "shop", false)
		r.Seen(at("192.0.2.2", "wiki/1"), "wiki", false)
		round(t, r)
		fetch(shop, r, "")
		round(t, r)
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256"}); !fault.Is(err, fault.NotFound) {
			t.Fatalf("%v, want that there is no next key", err)
		}
		look, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true, Dry: true})
		if err != nil || len(look.Evidence.Missing()) != 2 {
			t.Errorf("dry run: %+v %v, want both readers missing", look.Evidence, err)
		}
		done, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true})
		if err != nil || done.Evidence.Enough() || done.Evidence.Key.KID != done.Now.KID {
			t.Fatalf("%+v %v, want evidence about the key that was made, and not enough", done, err)
		}
		got := forced(t, r)
		for _, want := range []string{"no running program has published it", "not served yet by", "shop: 192.0.2.1 last fetched the key set before", "wiki: 192.0.2.2 was never seen"} {
			if !strings.Contains(got, want) || !strings.Contains(done.Evidence.Why(), want) {
				t.Errorf("audited %q, told %q, want %q", got, done.Evidence.Why(), want)
			}
		}
	})
}

func TestWhatWasMissingIsNotCutInTheMiddle(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r := withoutNext(t, d)
		var all []keys.Reader
		for i := range 20 {
			id := fmt.Sprintf("client-%02d", i)
			all = append(all, keys.Reader{ID: id})
			r.Seen(at(fmt.Sprintf("192.0.2.%d", i), id), id, false)
		}
		for i := range 40 { // a crowd at one client
			r.Seen(at(fmt.Sprintf("2001:db8::%d", i), "x"), "client-00", false)
		}
		r.Readers = readers(all...)
		round(t, r)
		for i, vouched := range [][]string{nil, {strings.Repeat("a", 300), strings.Repeat("b", 300)}} {
			done, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true, Vouched: vouched})
			if err != nil {
				t.Fatal(err)
			}
			got := forced(t, r)
			if len(got) > audit.MaxText || !strings.HasSuffix(got, " more") || !strings.Contains(got, "client-00: ") {
				t.Errorf("%d: audited %q in %d bytes, want whole reasons and how many more there are", i, got, len(got))
			}
			whole := done.Evidence.Why()
			for part := range strings.SplitSeq(got, "; ") {
				part, _, _ = strings.Cut(part, ", and ")
				if !strings.HasPrefix(part, "and ") && !strings.Contains(whole, part) {
					t.Errorf("%q is cut", part)
				}
			}
			if n := strings.Count(whole, "client-"); n < 20 {
				t.Errorf("%d clients are told, want all", n)
			}
		}
		events, err := r.Audit.Tail(t.Context(), 1, "")
		if got := events[0].Details["vouched"]; err != nil || got != strings.Repeat("a", 300)+" and 1 more" {
			t.Errorf("vouched is %q %v", got, err)
		}
	})
}

// Readers that nothing ends for still believe the key: they are named all the same.
func TestTheBlastRadiusNamesActiveReadersThatHoldNothing(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		r.Harm = &harm{count: keys.Damage{Sessions: 1, Clients: []keys.ClientDamage{{ID: "shop", Sessions: 1}}}}
		r.Readers = readers(keys.Reader{ID: "shop", Active: true}, keys.Reader{ID: "api", Takes: []string{"access tokens of others"}},
			keys.Reader{ID: "idle"}, keys.Reader{ID: "provider", Anyone: true, Active: true})
		r.Seen(at("192.0.2.1", "api/1"), "api", false)
		round(t, r)
		all, _ := r.List(t.Context())
		before, err := r.Damage(t.Context(), all[0])
		if err != nil {
			t.Fatal(err)
		}
		done, err := r.Revoke(t.Context(), keys.Revocation{KID: all[0].KID})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []keys.Damage{before, done.Ended} {
			if len(got.Clients) != 2 || got.Clients[0].ID != "api" || got.Clients[0].Takes == nil || got.String() != "1 session, 0 grants, 2 clients" {
				t.Errorf("%s: %+v, want the shop and the API", got, got.Clients)
			}
		}
	})
}

func TestARunningProgramThatHasNotPublishedTheKeyYetIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		for _, running := range []bool{false, true} {
			all, _ := r.List(t.Context())
			if _, err := r.Retire(t.Context(), keys.Retirement{KID: all[1].KID}); err != nil {
				t.Fatal(err)
			}
			k, _, err := r.Stage(t.Context(), "ES256", false)
			if err != nil {
				t.Fatal(err)
			}
			e, err := r.Evidence(t.Context(), k, nil)
			if err != nil || e.Running != running || e.NotBefore != nil {
				t.Errorf("running is %v, published at %v %v, want %v and never", e.Running, e.NotBefore, err, running)
			}
			round(t, r)
		}
	})
}
