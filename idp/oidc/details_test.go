package oidc_test

import (
	"net/url"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

const (
	transfer = `{"amount":"1","type":"transfer"}`
	payment  = `{"amount":"2","type":"payment"}`
)

// withPayments is services where orders take transfers and invoices payments; nobody that
// these clients may ask takes what is of type note.
func withPayments(t *testing.T, d *db.DB) *world {
	t.Helper()
	return takePayments(t, startOn(t, d).logIn())
}

func takePayments(t *testing.T, w *world) *world {
	t.Helper()
	services(t, w, func(c *clients.Client) {
		switch c.ID {
		case "shop", "service":
			c.DetailTypes = []string{"transfer", "payment", "note"}
		case "tv":
			c.Resources, c.DetailTypes = []string{orders, invoices}, []string{"transfer", "payment"}
		}
	})
	must(t, w.provider.Clients.SyncResources(t.Context(), []clients.Resource{
		{ID: orders, Scopes: []string{"orders.read", "orders.write"}, TokenFormat: clients.JWT, TokenLifetime: "2m", ClientID: "orders-api", DetailTypes: []string{"transfer"}},
		{ID: invoices, Scopes: []string{"invoices.read"}, TokenFormat: clients.Opaque, TokenLifetime: "10m", ClientID: "invoices-api", DetailTypes: []string{"payment"}},
		{ID: plain, TokenFormat: clients.Opaque, DetailTypes: []string{"note"}},
	}))
	return w
}

// carries wants exactly these details in the answer and in what the resource learns.
func (w *world) carries(what string, got answer, api, want string) {
	w.t.Helper()
	said := ok(w.t, got)
	details := func(m map[string]any) string {
		if m["authorization_details"] == nil {
			return ""
		}
		return asJSON(w.t, m["authorization_details"])
	}
	if details(said) != want {
		w.t.Errorf("%s: answered with %q, want %q", what, details(said), want)
	}
	if seen := ok(w.t, w.introspect(api, said["access_token"])); seen["active"] != true || details(seen) != want {
		w.t.Errorf("%s: introspection %v, want %q", what, seen, want)
	}
}

// A token carries the details that are for its audience, and no others. RFC 9396 §9.1, §12.
func TestDetailsAreFilteredToTheAudience(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := withPayments(t, d)
		both := "authorization_details=[" + transfer + "," + payment + "]"
		redeem := func(changes ...string) answer {
			return w.ask("shop", clients.AuthorizationCode, append([]string{
				"code=" + w.code("shop", "scope=openid orders.read invoices.read", both), "redirect_uri=" + callback, "code_verifier=" + verifier}, changes...)...)
		}
		w.carries("code, orders", redeem("resource="+orders), "orders-api", "["+transfer+"]")
		w.carries("code, invoices", redeem("resource="+invoices), "invoices-api", "["+payment+"]")
		wantError(t, redeem("resource="+orders, "authorization_details=["+payment+"]"), 400, "invalid_authorization_details")

		id := w.asks("/consent", "shop", "scope=openid offline_access orders.read invoices.read", "prompt=consent", both)
		w.consents(id)
		first := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(t).Get("code"), "redirect_uri="+callback,
			"code_verifier="+verifier, "resource="+orders))
		got := w.ask("shop", clients.RefreshToken, "refresh_token="+first["refresh_token"].(string), "resource="+invoices)
		w.carries("refresh", got, "invoices-api", "["+payment+"]")
		got = w.ask("shop", clients.RefreshToken, "refresh_token="+got.json(t)["refresh_token"].(string), "resource="+orders)
		w.carries("refresh back", got, "orders-api", "["+transfer+"]") // the grant still has all
		w.carries("exchange", w.exchange("orders-api", got.json(t)["access_token"].(string)), "invoices-api", "")

		w.carries("client_credentials", w.ask("service", clients.ClientCredentials, "resource="+orders, "authorization_details=["+transfer+"]"), "orders-api", "["+transfer+"]")
		codes := w.television("scope=openid", both)
		w.decides(codes, true)
		w.carries("device", w.polls(codes, "resource="+invoices), "invoices-api", "["+payment+"]")
	})
}

// Details name a resource as scopes do: the one that takes their type. What the client has
// no resource for is for our own endpoints.
func TestDetailsMeanTheResourceThatTakesThem(t *testing.T) {
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	w.carries("by type", w.ask("service", clients.ClientCredentials, "scope=invoices.read", "authorization_details=["+payment+"]"), "invoices-api", "["+payment+"]")
	got := w.ask("shop", clients.AuthorizationCode, "code="+w.code("shop", "scope=openid", "authorization_details=["+payment+"]"), "redirect_uri="+callback, "code_verifier="+verifier)
	w.carries("without a scope of it", got, "invoices-api", "["+payment+"]")
	const note = `{"text":"x","type":"note"}`
	got = w.ask("shop", clients.AuthorizationCode, "code="+w.code("shop", "scope=openid", "authorization_details=["+note+"]"), "redirect_uri="+callback, "code_verifier="+verifier)
	w.carries("of nobody", got, "shop", "["+note+"]")
}

// What no token could carry is refused before a person is asked. RFC 9396 §2.2, §5.
func TestDetailsForNoPlaceOfTheRequestAreRefused(t *testing.T) {
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	at := func(locations string) string {
		return `authorization_details=[{"locations":` + locations + `,"type":"transfer"}]`
	}
	for name, changes := range map[string][]string{
		"a type of another resource":      {"resource=" + orders, "authorization_details=[" + payment + "]"},
		"one of two":                      {"resource=" + orders, "authorization_details=[" + transfer + "," + payment + "]"},
		"locations as a text":             {at(`"` + orders + `"`)},
		"locations as an object":          {at(`{"a":1}`)},
		"locations that are no texts":     {at(`[1]`)},
		"nothing as a location":           {at(`[null]`)},
		"null as locations":               {at(`null`)},
		"a location that is nobody's":     {at(`["https://elsewhere.test/"]`)},
		"a location that does not take":   {at(`["` + invoices + `"]`)},
		"a good location and a bad one":   {at(`["` + orders + `","https://elsewhere.test/"]`)},
		"our own for what a resource has": {at(`["` + w.provider.Issuer + `"]`)},
	} {
		wantError(t, w.ask("service", clients.ClientCredentials, changes...), 400, "invalid_authorization_details")
		if got := w.authorize("shop", changes...).sent(t); got.Get("error") != "invalid_authorization_details" {
			t.Errorf("%s: authorize %v", name, got)
		}
		form := with(url.Values{"client_id": {"tv"}, "scope": {"openid"}}, changes...)
		wantError(t, w.post("/oauth2/device_authorization", form), 400, "invalid_authorization_details")
	}
	good := `{"locations":["` + orders + `"],"type":"transfer"}`
	w.carries("a location", w.ask("service", clients.ClientCredentials, "resource="+orders, "authorization_details=["+good+"]"), "orders-api", "["+good+"]")
}

// What is for our own endpoints needs a token that is good there: one for no resource, or
// one with a scope about the person. RFC 9396 §5.
func TestDetailsForOurselvesBesideAResourceAreRefused(t *testing.T) {
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	both := "authorization_details=[" + transfer + `,{"text":"x","type":"note"}]`
	for _, scope := range []string{"scope=orders.read", "scope"} {
		wantError(t, w.ask("service", clients.ClientCredentials, scope, "resource="+orders, both), 400, "invalid_authorization_details")
	}
	if got := w.authorize("shop", "scope=orders.read", both).sent(t); got.Get("error") != "invalid_authorization_details" {
		t.Errorf("without a scope about the person: %v", got)
	}
	if got := w.authorize("shop", "scope=openid orders.read", both).sent(t); got.Get("error") != "" {
		t.Errorf("with one: %v", got)
	}
}

// Scopes and resources are sets: what is there twice counts once. RFC 6749 §3.3, RFC 8693 §2.1.
func TestWhatIsThereTwiceCountsOnce(t *testing.T) {
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	once := func(what string, got answer) answer {
		t.Helper()
		said := ok(t, got)
		seen := ok(t, w.introspect("invoices-api", said["access_token"]))
		if said["scope"] != "invoices.read" || seen["scope"] != "invoices.read" || seen["aud"] != invoices {
			t.Errorf("%s: scope %q, introspection %v", what, said["scope"], seen)
		}
		return got
	}
	twice := []string{"scope=invoices.read invoices.read", "resource=" + invoices, "+resource=" + invoices}
	once("client_credentials", w.ask("service", clients.ClientCredentials, twice...))
	id := w.asks("/consent", "shop", "scope=openid offline_access invoices.read", "prompt=consent")
	w.consents(id)
	first := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(t).Get("code"), "redirect_uri="+callback, "code_verifier="+verifier))
	once("refresh", w.ask("shop", clients.RefreshToken, append([]string{"refresh_token=" + first["refresh_token"].(string)}, twice...)...))
	got := once("exchange", w.exchange("orders-api", w.shopToken(), "audience="+invoices, "scope=invoices.read invoices.read"))
	once("exchange again", w.exchange("orders-api", got.json(t)["access_token"].(string)))
}

// A token exchange whose target takes none of the scopes of the token that came answers
// with an empty scope. RFC 8693 §2.2.1.
func TestAnExchangeThatLeavesNoScopeSaysSo(t *testing.T) {
	w, _ := withPlain(t, dbtest.SQLite(t, schema.FS))
	token := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.code("shop", "scope=openid profile"), "redirect_uri="+callback, "code_verifier="+verifier))
	w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.Scopes = nil })
	got := ok(t, w.exchange("orders-api", token["access_token"].(string), "resource="+plain))
	if scope, told := got["scope"]; !told || scope != "" {
		t.Errorf("answer %v, want an empty scope", got)
	}
}
