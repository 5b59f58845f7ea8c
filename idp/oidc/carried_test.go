package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
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

// An access token of a client that acts for itself belongs to no grant and names none.
func TestAJWTOfAClientSaysNothingOfAGrant(t *testing.T) {
	w := start(t)
	services(t, w)
	token := ok(t, w.ask("service", clients.ClientCredentials, "scope=orders.read"))["access_token"]
	_, claims := w.claims(token)
	for name, value := range claims {
		if value == nil || value == "" {
			t.Errorf("%s is empty", name)
		}
	}
	if _, there := claims["grant_id"]; there {
		t.Errorf("claims %v", claims)
	}
	if seen := ok(t, w.introspect("orders-api", token)); seen["active"] != true || seen["sub"] != "service" {
		t.Errorf("introspection %v", seen)
	}
	got := ok(t, w.exchange("orders-api", token.(string))) // and can be passed on
	if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["active"] != true || seen["sub"] != "service" {
		t.Errorf("exchanged: %v", seen)
	}
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

// The last character of a part has bits that mean nothing, and many a reader passes over
// line ends: a token has one spelling all the same.
func TestAnAccessTokenHasOneSpelling(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	w := start(t)
	services(t, w)
	for _, some := range []string{"orders.read", "orders.write", "orders.read orders.write"} {
		for resource, scope := range map[string]string{invoices: "invoices.read", orders: some} { // opaque, JWT
			token := ok(t, w.ask("service", clients.ClientCredentials, "resource="+resource, "scope="+scope))["access_token"].(string)
			parts := strings.Split(token, ".")
			for i, part := range parts {
				last := strings.IndexByte(letters, part[len(part)-1])
				for _, other := range []string{part[:len(part)-1] + letters[last^1:last^1+1], part + "\n", part + "="} {
					changed := slices.Clone(parts)
					changed[i] = other
					if got := w.introspect("service", strings.Join(changed, ".")); got.Body != `{"active":false}` {
						t.Errorf("part %d with %q in the place of %q: %s", i, other, part, got.Body)
					}
				}
			}
		}
	}
}

// An access token carries the details, and is looked at up to some length: whoever gets
// one can use it.
func TestATokenThatIsGivenIsKnownHoweverMuchItSays(t *testing.T) { // RFC 9396 §5
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	for resource, kind := range map[string]string{invoices: "payment", orders: "transfer"} { // opaque, JWT
		refused := 0
		for n := 100; n <= 1600; n += 250 {
			got := w.ask("service", clients.ClientCredentials, "resource="+resource,
				`authorization_details=[{"type":"`+kind+`","note":"`+strings.Repeat("for a reason, ", n)+`"}]`)
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
	form := url.Values{"token": {token}}
	r, err := http.NewRequest(http.MethodPost, w.server.URL+"/oauth2/introspect", strings.NewReader(form.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := w.http.Do(headed(r, []string{basicAuth("orders-api", basicSecret)}))
	if err != nil {
		t.Fatalf("no answer at all: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode != 500 || !strings.Contains(string(body), `"server_error"`) {
		t.Errorf("status %d: %s", response.StatusCode, body)
	}
}
