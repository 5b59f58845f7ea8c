package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// madeAgain deletes a client and makes one with the same id and the same registration, as
// the command line does: in the program that serves, or beside it.
func (w *world) madeAgain(id string, beside bool) {
	w.t.Helper()
	e := clients.Editor{Registry: w.provider.Clients, Audit: w.provider.Audit, Actor: "cli"}
	if beside {
		e.Registry = &clients.Registry{Store: clients.Store{DB: w.db}, Clock: w.provider.Clock}
	}
	c, err := e.Find(w.t.Context(), id)
	must(w.t, err)
	c.Source = clients.SourceCLI
	must(w.t, e.Delete(w.t.Context(), c))
	w.clock.Move(time.Microsecond)
	must(w.t, e.Create(w.t.Context(), c))
}

// A client that is made again under the id of one that was deleted has nothing of what was
// given to its forerunner, nor of what was under way for that.
func TestAClientThatIsMadeAgainHasNothingOfItsForerunner(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		much := `authorization_details=[{"type":"transfer","note":"` + strings.Repeat("for a reason, ", 200) + `"}]`
		code, long := w.code("basic"), w.code("shop", "scope=openid orders.read", much)
		online, offline := w.tokens("basic")["access_token"], w.offline("basic")
		codes := w.television()
		w.decides(codes, true)
		form, _ := w.proof("post")
		uri := w.post("/oauth2/par", with(request("post"), "client_id=post", "client_secret="+form.Get("client_secret"))).json(t)["request_uri"].(string)
		waiting := w.asks("/consent", "basic", "prompt=consent")
		machine := ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))["access_token"]

		for _, id := range []string{"basic", "shop", "post", "tv", "service"} {
			w.madeAgain(id, false)
		}
		wantError(t, w.redeem("basic", code), 400, "invalid_grant")
		wantError(t, w.ask("shop", clients.AuthorizationCode, "code="+long, "redirect_uri="+callback, "code_verifier="+verifier), 400, "invalid_grant")
		wantError(t, w.refresh("basic", offline["refresh_token"]), 400, "invalid_grant")
		wantError(t, w.polls(codes), 400, "invalid_grant")
		for _, token := range []any{online, offline["access_token"]} {
			if got := w.userinfo(token); got.StatusCode != 401 {
				t.Errorf("an access token: status %d, want 401", got.StatusCode)
			}
		}
		if got := ok(t, w.introspect("invoices-api", machine)); got["active"] != false {
			t.Errorf("the token of a client that acts for itself: %v", got)
		}
		wantPage(t, "the pushed request", w.get("/oauth2/authorize?"+url.Values{"client_id": {"post"}, "request_uri": {uri}}.Encode()))
		s := w.session
		if err := w.provider.Interaction.Consent(t.Context(), waiting, w.cookies[sessions.BrowserCookieName], &s, true); err == nil {
			t.Error("what the person was asked about the forerunner counts for the new client")
		}
		wantPage(t, "the conversation", w.comesBack(waiting))
		w.asks("/consent", "basic", "scope=openid offline_access", "prompt=consent")
		if n := len(w.events("code.reused")) + len(w.events("code.burnt")); n != 0 {
			t.Errorf("%d codes were told as stolen", n)
		}
		ok(t, w.redeem("basic", w.code("basic"))) // and works by itself
		ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))
	})
}

// A node that has not heard yet that the client is another one gives nothing under its
// name that would stay.
func TestANodeThatIsBehindGivesNothingInTheNameOfANewClient(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		ok(t, w.redeem("basic", w.code("basic"))) // the session knows it, and so does the person
		code, codes := w.code("basic"), w.television()
		w.decides(codes, true)
		ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))
		for _, id := range []string{"basic", "service"} {
			w.madeAgain(id, true)
		}
		late := w.redeem("basic", code)
		wantError(t, late, 400, "invalid_grant")
		if told, _ := late.json(t)["error_description"].(string); !strings.Contains(told, "registration of the client") {
			t.Errorf("the developer reads %q, want what it can be about", told)
		}
		token := ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))["access_token"]
		if got := ok(t, w.introspect("invoices-api", token)); got["active"] != false {
			t.Errorf("a token that the forerunner asked for: %v", got)
		}
		w.clock.Move(time.Second)
		ok(t, w.redeem("basic", w.code("basic")))
	})
}

// What a client deleted by itself was allowed is nobody's afterwards (RFC 7592 §2.3).
func TestAClientThatRemovedItselfLeavesNoConsent(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.offline("basic")
		w.exec(`update clients set source = 'registration' where id = 'basic'`)
		count := func() (n int) {
			must(t, w.db.Row(t.Context(), `select count(*) from consents`, nil, &n))
			return n
		}
		must(t, w.provider.Clients.Remove(t.Context(), "basic"))
		if got, n := w.redeem("basic", "x"), count(); got.StatusCode != 401 || n != 0 {
			t.Errorf("status %d and %d consents, want 401 and none", got.StatusCode, n)
		}
		must(t, w.provider.Clients.Remove(t.Context(), "post")) // it did not register itself
		if _, err := w.provider.Clients.ByID(t.Context(), "post"); err != nil {
			t.Error(err)
		}
	})
}
