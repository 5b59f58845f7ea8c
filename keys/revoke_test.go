package keys_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// harm is a program with sessions that can be ended.
type harm struct {
	mu    sync.Mutex
	count keys.Damage
	ended []string
	fail  error
}

func (h *harm) Count(context.Context, string, time.Time, time.Time) (keys.Damage, error) {
	return h.count, nil
}

func (h *harm) End(_ context.Context, alg string, from, until time.Time) (keys.Damage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, alg)
	return h.count, h.fail
}

func (h *harm) EndAll(context.Context) (keys.Damage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, "all")
	return h.count, h.fail
}

func TestARevokedKeyIsReplacedAndNotServed(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		h := &harm{count: keys.Damage{Sessions: 2}}
		r.Harm = h
		all, _ := r.List(t.Context())
		active, next := all[0], all[1]

		done, err := r.Revoke(t.Context(), keys.Revocation{KID: active.KID, Why: "stolen"})
		if err != nil || done.Revoked[0].State != keys.Revoked || done.Active[0].KID != next.KID || done.Ended.Sessions != 2 {
			t.Fatalf("%+v %v", done, err)
		}
		set := served(t, r)
		if _, ok := r.Public(active.KID); ok || len(set.Key(active.KID)) > 0 {
			t.Error("the revoked key is still served")
		}
		if got := states(t, r, "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 || got[keys.Revoked] != 1 {
			t.Errorf("%v, want a new next key", got)
		}
		checkSignature(t, r, "ES256")
		if _, err := r.Revoke(t.Context(), keys.Revocation{KID: active.KID}); err != nil || len(h.ended) != 2 {
			t.Errorf("again: %v, ended %v, want what is left ended", err, h.ended)
		}

		now, _ := r.List(t.Context())
		staged := now[1]
		if _, err := r.Revoke(t.Context(), keys.Revocation{KID: staged.KID}); err != nil {
			t.Fatal(err)
		}
		if got := states(t, r, "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 || got[keys.Revoked] != 2 {
			t.Errorf("%v, want another next key", got)
		}
		if done, err := r.Revoke(t.Context(), keys.Revocation{All: true}); err != nil || len(done.Revoked) != 2 || len(done.Active) != 1 {
			t.Errorf("%+v %v, want both revoked", done, err)
		}
		checkSignature(t, r, "ES256")
		findings(t, r, "")
		held.Move(keys.DefaultKeep)
		if n, err := r.Purge(t.Context()); n != 4 || err != nil {
			t.Errorf("purged %d %v, want 4", n, err)
		}
	})
}

// What was ended cannot be undone: it is in the audit log although nobody can tell who
// else believes the key.
func TestWhatWasEndedIsWrittenDownFirst(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256")
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		r.Harm = &harm{count: keys.Damage{Sessions: 2}}
		r.Readers = func(context.Context, string) ([]keys.Reader, error) { return nil, errors.New("the registry is away") }
		all, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []keys.Revocation{{KID: all[0].KID}, {All: true}} {
			held.Move(time.Hour)
			_, err := r.Revoke(t.Context(), q)
			if err == nil || !strings.Contains(err.Error(), "2 sessions") || !strings.Contains(err.Error(), "the registry is away") {
				t.Errorf("%+v: %v, want what was ended and what went wrong", q, err)
			}
			events, err := r.Audit.Tail(t.Context(), 1, "")
			if err != nil || events[0].Action != "key.revoked.ended" || !strings.HasPrefix(events[0].Details["ended"], "2 sessions") || !events[0].At.Equal(held.Now()) {
				t.Errorf("%+v: %+v %v, want what was ended", q, events, err)
			}
		}
	})
}

// EndAll knows no algorithm, so the receipt gets from the readers what clients take; an
// idle one is named when something of it ended, and not otherwise.
func TestTheReceiptOfAllKeysSaysWhatClientsTake(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256", "EdDSA")
		r.Harm = &harm{count: keys.Damage{Sessions: 1, Clients: []keys.ClientDamage{{ID: "shop", Sessions: 1}}}}
		r.Readers = func(_ context.Context, alg string) ([]keys.Reader, error) {
			return []keys.Reader{
				{ID: "shop", Takes: []string{"ID tokens of " + alg}}, {ID: "idle", Takes: []string{"ID tokens"}},
				{ID: "wiki", Takes: []string{"userinfo"}, Active: true},
			}, nil
		}
		done, err := r.Revoke(t.Context(), keys.Revocation{All: true})
		if err != nil || len(done.Ended.Clients) != 2 {
			t.Fatalf("%+v %v, want shop and wiki", done.Ended, err)
		}
		shop, wiki := done.Ended.Clients[0], done.Ended.Clients[1]
		slices.Sort(shop.Takes)
		if shop.Sessions != 1 || !slices.Equal(shop.Takes, []string{"ID tokens of ES256", "ID tokens of EdDSA"}) {
			t.Errorf("%+v, want its session and what it takes of both", shop)
		}
		if wiki.ID != "wiki" || wiki.Sessions != 0 || !slices.Equal(wiki.Takes, []string{"userinfo"}) {
			t.Errorf("%+v, want that it believes the keys", wiki)
		}
	})
}

// findings verifies the ring and wants one mistake that holds the text, or none.
func findings(t *testing.T, r *keys.Ring, want string) {
	t.Helper()
	set, _ := r.JWKS()
	all, err := r.Verify(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(f keys.Finding) bool { return f.OK })
	if want == "" && len(all) > 0 || want != "" && !slices.ContainsFunc(all, func(f keys.Finding) bool { return strings.Contains(f.Text, want) }) {
		t.Errorf("found %+v, want %q", all, want)
	}
}

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ do, want string }{
		{``, ""},
		{`update signing_keys set private = x'00' where state = 'next'`, "does not open"},
		{`update signing_keys set private = (select private from signing_keys where state = 'next') where state = 'active'`, "was changed, or belongs to another row"},
		{`update signing_keys set public = (select public from signing_keys where state = 'next') where state = 'active'`, "is not the one that the kid names"},
		{`update signing_keys set alg = 'RS256' where state = 'active'`, "is no key for RS256"},
		{`update signing_keys set state = 'retired' where state = 'active'`, "its private half is still there"},
		{`update signing_keys set activated_at = null where state = 'active'`, "time when it was activated does not fit"},
		{`delete from signing_keys where state = 'active'`, "ES256 has no active key"},
	} {
		d := dbtest.SQLite(t, mechanisms(t))
		r, _ := start(t, d, "ES256")
		round(t, r)
		if c.do != "" {
			if _, err := d.Exec(t.Context(), c.do); err != nil {
				t.Fatal(err)
			}
		}
		findings(t, r, c.want)
	}
}

func TestNodesThatChangeTheRingAtOnceLeaveItWhole(t *testing.T) { // F-19
	races(t, func(t *testing.T, nodes []*keys.Ring, rounds int) {
		if err := nodes[0].Ensure(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		text, by := escrow(t, nodes[0])
		do := []func(r *keys.Ring, all []keys.Key) error{
			func(r *keys.Ring, _ []keys.Key) error { // brings nothing back that the others ended
				_, _, err := r.Import(ctx, bytes.NewReader(text), false, by)
				return err
			},
			func(r *keys.Ring, _ []keys.Key) error { _, _, err := r.Stage(ctx, "ES256", false); return err },
			func(r *keys.Ring, _ []keys.Key) error {
				_, err := r.Promote(ctx, keys.Promotion{Alg: "ES256", Force: true, Stage: true})
				return err
			},
			func(r *keys.Ring, all []keys.Key) error {
				_, err := r.Revoke(ctx, keys.Revocation{KID: all[0].KID})
				return err
			},
			func(r *keys.Ring, all []keys.Key) error {
				_, err := r.Retire(ctx, keys.Retirement{KID: all[1].KID})
				return err
			},
		}
		for n := range rounds {
			forgetEnded(t, nodes[0])
			all, err := nodes[0].List(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for i, r := range nodes {
				wg.Go(func() { _ = do[(i+n)%len(do)](r, all) }) // whoever comes second may be refused
			}
			wg.Wait()
			if _, _, err := nodes[0].Stage(ctx, "ES256", false); err != nil {
				t.Fatal(err)
			}
			if got := states(t, nodes[0], "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 {
				t.Fatalf("%v, want one active and one next key", got)
			}
			noneIsBack(t, nodes[0])
			oneVoice(t, nodes)
		}
		findings(t, nodes[0], "")
	})
}

// noneIsBack checks that no key signs or waits that has ended before.
func noneIsBack(t *testing.T, r *keys.Ring) {
	t.Helper()
	n := 0
	err := r.DB.Row(t.Context(), `
		select count(*) from signing_keys k join ended_keys e on e.kid = k.kid where k.state in ('active', 'next')`, nil, &n)
	if err != nil || n != 0 {
		t.Fatalf("%d keys are back %v", n, err)
	}
}

func TestVerifyDoesNotAskForWhatTheScheduleDoes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, _ := start(t, d, "ES256")
		if _, err := r.Promote(t.Context(), keys.Promotion{Alg: "ES256", Force: true}); err != nil {
			t.Fatal(err)
		}
		for _, scheduled := range []bool{false, true} {
			if scheduled {
				if err := r.SetPlan(t.Context(), keys.Plan{Every: 90 * 24 * time.Hour, Before: 7 * 24 * time.Hour}); err != nil {
					t.Fatal(err)
				}
			}
			found, err := r.Verify(t.Context(), nil)
			asked := slices.ContainsFunc(found, func(f keys.Finding) bool { return strings.Contains(f.Text, "has no next key") })
			if err != nil || asked == scheduled {
				t.Errorf("scheduled %t: asked for a next key %t %v", scheduled, asked, err)
			}
		}
	})
}
