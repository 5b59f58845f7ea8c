package oidc_test

import (
	"net/url"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// startTicking gives a world whose clock goes on by a millisecond whenever it is looked
// at: a request takes time, and may begin before a moment and end after it.
func startTicking(t *testing.T, d *db.DB) *world {
	t.Helper()
	held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	return startAt(t, d, held, func() time.Time {
		held.Move(time.Millisecond)
		return held.Now()
	})
}

// around sets the clock to moments shortly before the given one, each time for one look.
func (w *world) around(at time.Time, look func()) {
	for before := 40 * time.Millisecond; before >= -2*time.Millisecond; before -= time.Millisecond {
		w.clock.Set(at.Add(-before))
		look()
	}
}

// A client assertion, or one that brings a person, is remembered for longer than it is
// good: also by a request that is on its way when it ceases to be.
func TestAnAssertionIsNotForgottenWhileItIsLookedAt(t *testing.T) { // RFC 7523 §3, A-029
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startTicking(t, d)
		key := services(t, w)
		end := w.clock.Now().Truncate(time.Second).Add(time.Minute)
		push := with(request("tracker"), "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
			"client_assertion="+w.assertion("tracker", func(claims map[string]any) { claims["exp"] = end.Unix() }))
		bearer := url.Values{"grant_type": {clients.JWTBearer}, "assertion": {w.bearerJWT(key, func(claims map[string]any) { claims["exp"] = end.Unix() })}}
		if got := w.post("/oauth2/par", push); got.StatusCode != 201 {
			t.Fatal(got.Body)
		}
		ok(t, w.token(bearer, basicAuth("batch", basicSecret)))
		w.around(end.Add(10*time.Second), func() {
			at := w.clock.Now()
			if got := w.post("/oauth2/par", push); got.StatusCode != 401 {
				t.Errorf("at %s the client assertion counts a second time: status %d", at, got.StatusCode)
			}
			w.clock.Set(at)
			if got := w.token(bearer, basicAuth("batch", basicSecret)); got.StatusCode != 400 {
				t.Errorf("at %s the assertion about a person counts a second time: status %d", at, got.StatusCode)
			}
		})
	})
}

// A token that ends while it is exchanged does not come to a longer life.
func TestATokenThatEndsWhileItIsExchangedIsNotProlonged(t *testing.T) {
	w := startTicking(t, dbtest.SQLite(t, schema.FS)).logIn()
	services(t, w)
	token := w.shopToken()
	end := time.Unix(int64(ok(t, w.introspect("orders-api", token))["exp"].(float64)), 0)
	given := 0
	w.around(end, func() {
		got := w.exchange("orders-api", token)
		if got.StatusCode == 200 {
			if given++; got.json(t)["expires_in"].(float64) > 1 {
				t.Errorf("a token that is over lives on: %s", got.Body)
			}
			return
		}
		wantError(t, got, 400, "invalid_request")
	})
	if given == 0 {
		t.Error("no token was exchanged before it ended")
	}
}
