package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// Access tokens in JWT form said nothing of their grant once. One of a person must not
// pass for one of a client that acts for itself: the person may have logged out.
func TestAnAccessTokenThatSaysNothingOfAGrantIsUnknown(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		token := w.shopToken()
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		must(t, err)
		claims := map[string]any{}
		must(t, json.Unmarshal(payload, &claims))
		delete(claims, "grant_id")
		payload, err = json.Marshal(claims)
		must(t, err)
		old, err := (&jws.Signer{Keys: w.provider.Keys}).Sign(t.Context(), "ES256", "at+jwt", payload)
		must(t, err)
		if got := ok(t, w.introspect("orders-api", token)); got["active"] != true {
			t.Fatalf("the token itself: %v", got)
		}
		if got := ok(t, w.introspect("orders-api", old)); got["active"] != false {
			t.Errorf("introspection says %v", got)
		}
		wantError(t, w.exchange("orders-api", old), 400, "invalid_request")
	})
}

// A node whose clock is a little behind holds a token for good after another one has
// swept what is over.
func TestWhatWasRevokedStaysSoForNodesThatAreBehind(t *testing.T) { // RFC 7009 §2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		token := w.tokens("basic")["access_token"].(string)
		if got := w.post("/oauth2/revoke", url.Values{"token": {token}}, basicAuth("basic", basicSecret)); got.StatusCode != 200 {
			t.Fatalf("revocation: %s", got.Body)
		}
		w.clock.Move(5*time.Minute + time.Second)
		_, err := w.provider.Sweep(t.Context())
		must(t, err)
		w.clock.Move(-2 * time.Second)
		if got := ok(t, w.introspect("basic", token)); got["active"] != false {
			t.Errorf("introspection says %v", got)
		}
		w.clock.Move(25 * time.Hour)
		_, err = w.provider.Sweep(t.Context())
		must(t, err)
		var kept int
		must(t, w.db.Row(t.Context(), `select count(*) from ended_tokens`, nil, &kept))
		if kept != 0 {
			t.Errorf("%d are still remembered a day later", kept)
		}
	})
}

// An access token carries the details, and is looked at up to some length: whoever gets
// one can use it.
func TestATokenThatIsGivenIsKnownHoweverMuchItSays(t *testing.T) { // RFC 9396 §5
	w := start(t)
	services(t, w)
	for _, resource := range []string{invoices, orders} { // opaque, JWT
		refused := 0
		for n := 100; n <= 1600; n += 250 {
			got := w.ask("service", clients.ClientCredentials, "resource="+resource,
				`authorization_details=[{"type":"transfer","note":"`+strings.Repeat("for a reason, ", n)+`"}]`)
			if got.StatusCode != 200 {
				wantError(t, got, 400, "invalid_authorization_details")
				refused++
				continue
			}
			if seen := ok(t, w.introspect("service", got.json(t)["access_token"])); seen["active"] != true {
				t.Errorf("%s, %d times: %v", resource, n, seen)
			}
		}
		if refused == 0 || refused == 7 {
			t.Errorf("%s: %d of 7 refused", resource, refused)
		}
	}
}

func TestIntrospectionOfATokenWhoseClientCannotBeRead(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	token := w.shopToken()
	w.clock.Move(time.Second)
	w.exec(`update clients set record = '{' where id = 'shop'`)
	if got := w.introspect("orders-api", token); got.StatusCode != 500 || !strings.Contains(got.Body, `"server_error"`) {
		t.Errorf("status %d: %s", got.StatusCode, got.Body)
	}
}
