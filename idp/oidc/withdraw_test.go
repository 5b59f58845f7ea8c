package oidc_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// withdraws does what the page of connected applications does.
func (w *world) withdraws(client string) {
	w.t.Helper()
	must(w.t, w.connections().Withdraw(context.Background(), w.person.ID, w.person.ID, client))
}

func (w *world) connections() *connections.Service {
	all := &connections.Service{DB: w.db, Audit: w.provider.Audit, Clock: w.provider.Clock}
	if w.provider.Farewells != nil {
		all.Withdrawn = w.provider.Farewells.Withdrawn
	}
	return all
}

func TestAClientIsToldThatThePersonWithdrew(t *testing.T) { // OIDC Back-Channel Logout §2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		l := listen(t)
		box := w.farewells(l)
		_, first := w.claims(w.tokens("basic")["id_token"])
		w.tokens("tracker")
		w.cookies = map[string]string{}
		_, second := w.logIn().claims(w.tokens("basic")["id_token"]) // another browser
		w.cookies = map[string]string{}
		w.logIn().tokens("basic")
		must(t, w.provider.Sessions.End(t.Context(), w.session.ID)) // over, and told
		_, err := box.Deliver(t.Context())
		must(t, err)
		before := len(l.heard())
		w.clock.Move(time.Second)
		w.withdraws("basic")
		_, err = box.Deliver(t.Context())
		must(t, err)
		told := map[any]bool{}
		for _, form := range l.heard()[before:] {
			_, claims := w.claims(form.Get("logout_token"))
			if claims["aud"] != "basic" || claims["sub"] != first["sub"] {
				t.Errorf("told %v, want client basic about the person", claims)
			}
			told[claims["sid"]] = true
		}
		if len(told) != 2 || !told[first["sid"]] || !told[second["sid"]] {
			t.Errorf("told of the sessions %v, want the two that go on", told)
		}
		must(t, w.provider.Sessions.EndAll(t.Context(), w.person.ID))
		before = len(l.heard())
		_, err = box.Deliver(t.Context())
		must(t, err)
		if again := l.heard()[before:]; len(again) != 1 { // the tracker alone
			t.Errorf("told %d clients when the sessions ended, want the tracker", len(again))
		}
	})
}

func TestNobodyIsToldOfAWithdrawalThatDidNotHappen(t *testing.T) {
	w := start(t).logIn()
	l := listen(t)
	box := w.farewells(l)
	w.tokens("basic")
	all := w.connections()
	all.Withdrawn = func(ctx context.Context, one connections.Visit) error {
		must(t, w.provider.Farewells.Withdrawn(ctx, one))
		return context.Canceled
	}
	if err := all.Withdraw(t.Context(), w.person.ID, w.person.ID, "basic"); err == nil {
		t.Fatal("withdrawn, though its messages could not be kept")
	}
	_, err := box.Deliver(t.Context())
	must(t, err)
	if len(l.heard()) != 0 {
		t.Error("a client was told")
	}
}

// A withdrawal counts from its own moment on, not from the next use on.
func TestAWithdrawalWhileTheCodeIsRedeemed(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.tokens("basic")
		for range 20 {
			w.clock.Move(time.Second)
			code := w.code("basic")
			w.clock.Move(time.Second)
			var both sync.WaitGroup
			var got answer
			both.Go(func() { got = w.redeem("basic", code) })
			both.Go(func() { w.withdraws("basic") })
			both.Wait()
			if got.StatusCode != http.StatusOK {
				wantError(t, got, http.StatusBadRequest, "invalid_grant")
			} else if seen := w.userinfo(got.json(t)["access_token"]); seen.StatusCode != http.StatusUnauthorized {
				t.Fatalf("a token outlives the withdrawal: %d", seen.StatusCode)
			}
			w.clock.Move(time.Second)
			w.tokens("basic")
		}
	})
}

// A code from before a withdrawal stays void, also when the person allows the client anew.
func TestANewConsentBringsNoCodeBack(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.tokens("basic")
		w.clock.Move(time.Second)
		code := w.code("basic")
		w.clock.Move(time.Second)
		w.withdraws("basic")
		w.clock.Move(time.Second)
		w.tokens("basic")
		wantError(t, w.redeem("basic", code), http.StatusBadRequest, "invalid_grant")
		w.clock.Move(time.Second)
		w.tokens("basic")
		all, err := w.connections().OfAccount(t.Context(), w.person.ID)
		if err != nil || len(all) != 1 || !all[0].LastAt.After(all[0].FirstAt) {
			t.Errorf("%+v %v, want the client that is used again", all, err)
		}
		w.withdraws("basic") // and once more
		if all, err := w.connections().OfAccount(t.Context(), w.person.ID); err != nil || len(all) != 0 {
			t.Errorf("%+v %v, want nothing", all, err)
		}
	})
}

// What is allowed anew brings nothing back that was given before the withdrawal, and what
// other clients of the session have is not touched.
func TestANewConsentBringsNoTokenBack(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		tracker, before := w.tokens("tracker"), w.tokens("basic")
		offline := w.offline("basic")
		w.clock.Move(time.Second)
		w.withdraws("basic")
		dead := func(when string) {
			t.Helper()
			for _, one := range []map[string]any{before, offline} {
				if got := w.userinfo(one["access_token"]); got.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: an access token from before: status %d", when, got.StatusCode)
				}
			}
			wantError(t, w.refresh("basic", offline["refresh_token"]), http.StatusBadRequest, "invalid_grant")
		}
		dead("withdrawn")
		w.clock.Move(time.Second)
		after := w.tokens("basic")
		dead("allowed anew")
		for name, one := range map[string]map[string]any{"of another client": tracker, "of the new consent": after} {
			if got := w.userinfo(one["access_token"]); got.StatusCode != http.StatusOK {
				t.Errorf("a token %s: status %d %s", name, got.StatusCode, got.Body)
			}
		}
	})
}

func TestAWithdrawalAfterTheDeviceWasAllowed(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	w.edit("tv", func(c *clients.Client) { c.FirstParty = true })
	codes := w.television()
	w.decides(codes, true)
	w.clock.Move(time.Second)
	w.withdraws("tv")
	w.clock.Move(time.Second)
	wantError(t, w.polls(codes), http.StatusBadRequest, "invalid_grant")
	w.clock.Move(time.Minute)
	codes = w.television()
	w.decides(codes, true)
	ok(t, w.polls(codes)) // the person was asked afresh
}

func TestAWithdrawalWhileATokenIsExchanged(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	token := w.shopToken()
	ok(t, w.exchange("orders-api", token))
	w.withdraws("orders-api") // in the very moment in which the next request comes
	if got := w.exchange("orders-api", token); got.StatusCode != http.StatusBadRequest {
		t.Errorf("exchanged: %s", got.Body)
	}
	w.clock.Move(time.Second)
	ok(t, w.exchange("orders-api", token))
}

// What derives from an offline grant is told of the session all the same.
func TestAnOfflineExchangeIsNotedWithItsSession(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		l := listen(t)
		box := w.farewells(l)
		w.edit("orders-api", func(c *clients.Client) { c.BackchannelLogoutURI = l.URL + "/orders" })
		id := w.asks("/consent", "shop", "scope=openid offline_access orders.read", "prompt=consent", "resource="+orders)
		w.consents(id)
		first := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(t).Get("code"), "redirect_uri="+callback,
			"code_verifier="+verifier, "resource="+orders))
		got := ok(t, w.exchange("orders-api", first["access_token"].(string)))
		must(t, w.provider.Sessions.End(t.Context(), w.session.ID))
		_, err := box.Deliver(t.Context())
		must(t, err)
		if heard := l.heard(); len(heard) != 1 {
			t.Errorf("%d clients told, want orders-api", len(heard))
		}
		if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["active"] != true {
			t.Error("the token ended with the session that its root outlives")
		}
		fresh := ok(t, w.post("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"].(string)}, "resource": {orders}},
			basicAuth("shop", basicSecret)))
		_, err = w.db.Exec(t.Context(), `delete from session_clients where client_id = 'orders-api'`) // as if it came for the first time
		must(t, err)
		ok(t, w.exchange("orders-api", fresh["access_token"].(string))) // the session is over: noted without it
		if members, err := w.connections().OfSession(t.Context(), w.session.ID); err != nil || len(members) != 1 {
			t.Errorf("members %v, %v", members, err)
		}
	})
}
