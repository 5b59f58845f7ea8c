package keys_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// withoutNext gives a ring whose algorithm has no next key.
func withoutNext(t *testing.T, d *db.DB) (*keys.Ring, *clock.Held) {
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
	return r, held
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
		r, _ := withoutNext(t, d)
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
		r, held := withoutNext(t, d)
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
			held.Move(keys.Handover) // so that the next one is another rotation
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
			if len(got.Clients) != 2 || got.Clients[0].ID != "api" || got.Clients[0].Takes == nil || got.String() != "1 session, 0 grants, 1 client; 1 client only believes the key" {
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

// Both look at a clock of their own, and the second one after the first has written.
func TestAForcedRotationRightAfterAnotherIsTheSameOne(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		one, held := start(t, d, "ES256")
		other, _ := start(t, d)
		now := held.Now()
		force := keys.Promotion{Alg: "ES256", Stage: true, Force: true}
		first, err := one.Promote(t.Context(), force)
		if err != nil || first.Elsewise {
			t.Fatalf("%+v %v, want a rotation: that the program started a moment ago is no rotation", first, err)
		}
		for _, off := range []time.Duration{0, keys.Handover - time.Millisecond, time.Millisecond - keys.Handover} {
			other.Clock = func() time.Time { return now.Add(off) }
			for _, dry := range []bool{true, false} {
				force.Dry = dry
				second, err := other.Promote(t.Context(), force)
				if err != nil || !second.Elsewise || second.Now.KID != first.Now.KID || second.Old.KID != first.Old.KID || second.Next.KID != first.Next.KID {
					t.Errorf("%v later: %+v %v, want the one result", off, second, err)
				}
			}
		}
		if got := states(t, one, "ES256"); got[keys.Retired] != 1 {
			t.Errorf("%v, want one key retired", got)
		}
		force.Dry = false
		other.Clock = func() time.Time { return now.Add(keys.Handover) }
		if third, err := other.Promote(t.Context(), force); err != nil || third.Elsewise || third.Now.KID != first.Next.KID {
			t.Errorf("%+v %v, want another rotation: whoever waits means it", third, err)
		}
	})
}

// What the promotion left out is done, and no key signs that was made this moment.
func TestAForcedRotationRightAfterAPromotionOnlyStages(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		first, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true})
		if err != nil || first.Next != nil {
			t.Fatalf("%+v %v", first, err)
		}
		rotate := keys.Promotion{Alg: "ES256", Stage: true, Force: true, Dry: true}
		look, err := r.Promote(t.Context(), rotate)
		if err != nil || !look.Elsewise || !look.Staged || look.Next.KID != "" || states(t, r, "ES256")[keys.Next] != 0 {
			t.Errorf("dry run: %+v %v, want that a key would be staged", look, err)
		}
		rotate.Dry = false
		second, err := r.Promote(t.Context(), rotate)
		if err != nil || !second.Elsewise || !second.Staged || second.Now.KID != first.Now.KID || second.Next == nil {
			t.Fatalf("%+v %v, want the same key to sign, and another one staged", second, err)
		}
		third, err := r.Promote(t.Context(), rotate)
		if err != nil || !third.Elsewise || third.Staged || third.Now.KID != first.Now.KID || third.Next.KID != second.Next.KID {
			t.Errorf("%+v %v, want it done once", third, err)
		}
		if got := states(t, r, "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 || got[keys.Retired] != 1 {
			t.Errorf("%v, want what one rotation leaves", got)
		}
		held.Move(keys.Handover)
		if last, err := r.Promote(t.Context(), rotate); err != nil || last.Elsewise || last.Now.KID != second.Next.KID {
			t.Errorf("%+v %v, want another rotation", last, err)
		}
	})
}

// Who stages a key and then has it sign means that.
func TestAForcedPromotionAfterAKeyWasStagedIsAnotherOne(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		force := keys.Promotion{Alg: "ES256", Force: true}
		if _, err := r.Promote(t.Context(), force); err != nil {
			t.Fatal(err)
		}
		k, _, err := r.Stage(t.Context(), "ES256", false)
		if err != nil {
			t.Fatal(err)
		}
		if done, err := r.Promote(t.Context(), force); err != nil || done.Elsewise || done.Now.KID != k.KID {
			t.Errorf("%+v %v, want the staged key to sign", done, err)
		}
	})
}

func TestWhoeverWithdrewTheNextKeyMeansAnotherRotation(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		force := keys.Promotion{Alg: "ES256", Stage: true, Force: true}
		first, err := r.Promote(t.Context(), force)
		if err == nil {
			_, err = r.Retire(t.Context(), keys.Retirement{KID: first.Next.KID})
		}
		if err != nil {
			t.Fatal(err)
		}
		if second, err := r.Promote(t.Context(), force); err != nil || second.Elsewise || second.Now.KID == first.Now.KID {
			t.Errorf("%+v %v, want another rotation: the ring was changed since", second, err)
		}
	})
}
