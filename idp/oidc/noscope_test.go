package oidc_test

import (
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

const plain = "https://plain.test/" // a resource that knows no scopes

// withPlain is services with such a resource beside the others.
func withPlain(t *testing.T, d *db.DB) (w *world, jwtFor func(changes ...string) answer) {
	w = startOn(t, d).logIn()
	key := services(t, w, func(c *clients.Client) {
		switch c.ID {
		case "tv":
			c.Resources, c.Scopes = []string{orders, plain}, append(c.Scopes, "orders.read")
		case "batch":
			c.Resources, c.Scopes = []string{orders, plain}, append(c.Scopes, "orders.read")
		case "service", "shop", "orders-api":
			c.Resources = append(c.Resources, plain)
		}
	})
	known, err := w.provider.Clients.Resources(t.Context())
	must(t, err)
	must(t, w.provider.Clients.SyncResources(t.Context(), append(known, clients.Resource{ID: plain, TokenFormat: clients.Opaque, ClientID: "invoices-api"})))
	return w, func(changes ...string) answer {
		return w.ask("batch", clients.JWTBearer, append([]string{"assertion=" + w.bearerJWT(key, nil)}, changes...)...)
	}
}

// A request that names scopes and would get none of them is refused. RFC 6749 §3.3.
func TestARequestForScopesThatEndsUpWithNone(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w, bearer := withPlain(t, d)
		for _, resource := range []string{orders, plain} {
			wantError(t, w.ask("service", clients.ClientCredentials, "scope=invoices.read", "resource="+resource), 400, "invalid_scope")
		}
		wantError(t, bearer("scope=orders.read", "resource="+plain), 400, "invalid_scope")
		wantError(t, bearer("scope=openid", "resource="+orders), 400, "invalid_scope")
		wantError(t, w.exchange("orders-api", w.shopToken(), "scope=orders.read", "resource="+plain), 400, "invalid_scope")
		first := w.offlineShop()
		wantError(t, w.ask("shop", clients.RefreshToken, "refresh_token="+first["refresh_token"].(string), "scope=orders.read", "resource="+plain), 400, "invalid_scope")
		ok(t, w.ask("shop", clients.RefreshToken, "refresh_token="+first["refresh_token"].(string), "resource="+orders)) // it is still good
		refused(t, "authorize, unknown", w.authorize("shop", "scope=nobody knows"), "invalid_scope")
		refused(t, "authorize, elsewhere", w.authorize("shop", "scope=orders.read", "resource="+plain), "invalid_scope")
		device := func(changes ...string) answer {
			return w.post("/oauth2/device_authorization", with(map[string][]string{"client_id": {"tv"}}, changes...))
		}
		wantError(t, device("scope=nobody knows"), 400, "invalid_scope")
		wantError(t, device("scope=orders.read", "resource="+plain), 400, "invalid_scope")
		ok(t, device("scope=orders.read offline_access", "resource="+orders))
	})
}

// offlineShop is what the shop gets for a code that is good for both resources.
func (w *world) offlineShop() map[string]any {
	w.t.Helper()
	id := w.asks("/consent", "shop", "scope=openid offline_access orders.read", "prompt=consent", "resource="+orders, "+resource="+plain)
	w.consents(id)
	return ok(w.t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(w.t).Get("code"), "redirect_uri="+callback,
		"code_verifier="+verifier, "resource="+orders))
}

// One that names none, and narrows what was granted to a place that takes none of it, gets
// a token without scopes and is told so. RFC 6749 §5.1, RFC 8707 §2.2.
func TestATokenWithoutTheScopesThatWereGrantedSaysSo(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w, bearer := withPlain(t, d)
		empty := func(what string, got answer) {
			t.Helper()
			if scope, told := ok(t, got)["scope"]; !told || scope != "" {
				t.Errorf("%s: %s, want an empty scope", what, got.Body)
			}
			if seen := ok(t, w.introspect("invoices-api", got.json(t)["access_token"])); seen["active"] != true || seen["scope"] != nil {
				t.Errorf("%s: introspection %v", what, seen)
			}
		}
		code := w.code("shop", "scope=openid orders.read", "resource="+orders, "+resource="+plain)
		empty("code", w.ask("shop", clients.AuthorizationCode, "code="+code, "redirect_uri="+callback, "code_verifier="+verifier, "resource="+plain))
		empty("refresh", w.ask("shop", clients.RefreshToken, "refresh_token="+w.offlineShop()["refresh_token"].(string), "resource="+plain))
		empty("client_credentials", w.ask("service", clients.ClientCredentials, "resource="+plain))
		empty("jwt-bearer", bearer("resource="+plain))
		empty("token exchange", w.exchange("orders-api", w.shopToken(), "resource="+plain))
		codes := w.television("scope=openid orders.read", "resource="+orders, "+resource="+plain)
		w.decides(codes, true)
		empty("device", w.polls(codes, "resource="+plain))
		w.edit("invoices-api", func(c *clients.Client) { c.Resources = []string{plain} })
		if got := w.ask("invoices-api", clients.ClientCredentials, "resource="+plain); got.StatusCode != 200 || strings.Contains(got.Body, `"scope"`) {
			t.Errorf("nothing asked, nothing there to ask for: %s", got.Body)
		}
	})
}

// A client that named several resources is told to name one, and only one that named none
// that it can. RFC 8707 §2.2.
func TestResourcesOfDifferentFormatsAreToldApart(t *testing.T) {
	w := start(t)
	services(t, w)
	w.edit("orders-api", func(c *clients.Client) {
		c.Resources, c.Scopes = []string{orders, invoices}, append(c.Scopes, "orders.read")
	})
	const short, long = "These resources take tokens of different formats: ask for one at a time.",
		"These resources take tokens of different formats: send resource, to say which one this token is for, and ask for one at a time."
	first := ok(t, w.ask("service", clients.ClientCredentials, "resource="+orders))["access_token"].(string)
	for name, c := range map[string]struct {
		got  answer
		want string
	}{
		"client credentials, both named": {w.ask("service", clients.ClientCredentials, "resource="+orders, "+resource="+invoices), short},
		"client credentials, by scope":   {w.ask("service", clients.ClientCredentials, "scope=orders.read invoices.read"), long},
		"token exchange":                 {w.exchange("orders-api", first, "+resource="+orders), short},
	} {
		wantError(t, c.got, 400, "invalid_target")
		if why := c.got.json(t)["error_description"]; why != c.want {
			t.Errorf("%s: %q, want %q", name, why, c.want)
		}
	}
}
