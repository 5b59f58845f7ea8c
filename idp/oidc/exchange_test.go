package oidc_test

import (
	"encoding/base64"
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

const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// consents says yes on the consent page.
func (w *world) consents(id string) {
	w.t.Helper()
	s := w.session
	must(w.t, w.provider.Interaction.Consent(w.t.Context(), id, w.cookies[sessions.BrowserCookieName], &s, true))
}

// shopToken is an access token of the shop for the orders API.
func (w *world) shopToken() string {
	w.t.Helper()
	code := w.code("shop", "scope=openid orders.read", "resource="+orders)
	return ok(w.t, w.ask("shop", clients.AuthorizationCode, "code="+code, "redirect_uri="+callback, "code_verifier="+verifier,
		"resource="+orders))["access_token"].(string)
}

func (w *world) exchange(client, token string, changes ...string) answer {
	w.t.Helper()
	return w.ask(client, clients.TokenExchangeType, append([]string{
		"subject_token=" + token, "subject_token_type=" + accessTokenType, "resource=" + invoices,
	}, changes...)...)
}

func TestTokenExchange(t *testing.T) { // RFC 8693
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		token := w.shopToken()
		got := ok(t, w.exchange("orders-api", token))
		if got["issued_token_type"] != accessTokenType || got["scope"] != "invoices.read" || got["expires_in"].(float64) > 120 || got["refresh_token"] != nil {
			t.Errorf("answer %v: want a token that lives no longer than the first", got)
		}
		seen := ok(t, w.introspect("invoices-api", got["access_token"]))
		if seen["active"] != true || seen["sub"] != w.person.Subject || seen["client_id"] != "orders-api" || seen["aud"] != invoices ||
			asJSON(t, seen["act"]) != `{"client_id":"orders-api","sub":"orders-api"}` {
			t.Errorf("introspection %v", seen)
		}
		if seen := ok(t, w.introspect("shop", got["access_token"])); seen["active"] != false {
			t.Errorf("the shop learns %v of a token that is none of its business", seen)
		}
		must(t, w.provider.Sessions.End(t.Context(), w.session.ID))
		if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["active"] != false {
			t.Errorf("after the log-out: %v", seen)
		}
		wantError(t, w.exchange("orders-api", token), 400, "invalid_request")
		if len(w.events("token.exchanged")) != 1 {
			t.Errorf("audit log: %v", w.events("token.exchanged"))
		}
	})
}

func TestAnExchangedTokenEndsWithItsGrant(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	id := w.asks("/consent", "shop", "scope=openid offline_access orders.read", "prompt=consent", "resource="+orders)
	w.consents(id)
	first := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(t).Get("code"), "redirect_uri="+callback,
		"code_verifier="+verifier, "resource="+orders))
	got := ok(t, w.exchange("orders-api", first["access_token"].(string)))
	w.post("/oauth2/revoke", with(url.Values{}, "token="+first["refresh_token"].(string)), basicAuth("shop", basicSecret))
	if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["active"] != false {
		t.Errorf("after its family was revoked: %v", seen)
	}
}

func TestTokenExchangeRefuses(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	token := w.shopToken()
	id := w.tokens("basic")["id_token"].(string)
	for name, c := range map[string]struct {
		want    string
		changes []string
	}{
		"nowhere":                {"invalid_target", []string{"resource"}},
		"a place not its own":    {"invalid_target", []string{"resource=" + orders}},
		"an unknown audience":    {"invalid_target", []string{"audience=somebody"}},
		"more than it may":       {"invalid_scope", []string{"scope=orders.write"}},
		"openid":                 {"invalid_scope", []string{"scope=openid"}},
		"another type":           {"invalid_request", []string{"subject_token_type=urn:ietf:params:oauth:token-type:id_token"}},
		"no type":                {"invalid_request", []string{"subject_token_type"}},
		"an ID token":            {"invalid_request", []string{"subject_token=" + id}},
		"nonsense":               {"invalid_request", []string{"subject_token=x"}},
		"a client not its own":   {"invalid_request", []string{"subject_token=" + w.tokens("basic")["access_token"].(string)}},
		"a wish for a JWT":       {"invalid_request", []string{"requested_token_type=urn:ietf:params:oauth:token-type:jwt"}},
		"a wish for SAML":        {"invalid_request", []string{"requested_token_type=urn:ietf:params:oauth:token-type:saml2"}},
		"an actor without type":  {"invalid_request", []string{"actor_token=" + token}},
		"a type without actor":   {"invalid_request", []string{"actor_token_type=" + accessTokenType}},
		"somebody else as actor": {"invalid_request", []string{"actor_token=" + token, "actor_token_type=" + accessTokenType}},
	} {
		got := w.exchange("orders-api", token, c.changes...)
		if got.StatusCode != 400 || got.json(t)["error"] != c.want {
			t.Errorf("%s: status %d %s, want %s", name, got.StatusCode, got.Body, c.want)
		}
	}
	wantError(t, w.exchange("shop", token), 400, "unauthorized_client") // off by default
	w.clock.Move(3 * time.Minute)
	wantError(t, w.exchange("orders-api", token), 400, "invalid_request") // RFC 8693 §2.2.2
}

func TestDelegationNamesTheActor(t *testing.T) { // RFC 8693 §4.1
	w := start(t).logIn()
	services(t, w)
	own := ok(t, w.ask("orders-api", clients.ClientCredentials))["access_token"].(string)
	got := ok(t, w.exchange("orders-api", w.shopToken(), "actor_token="+own, "actor_token_type="+accessTokenType))
	seen := ok(t, w.introspect("invoices-api", got["access_token"]))
	if asJSON(t, seen["act"]) != `{"client_id":"orders-api","sub":"orders-api"}` {
		t.Errorf("act %v", seen["act"])
	}
	machine := ok(t, w.ask("service", clients.ClientCredentials, "scope=orders.read"))["access_token"].(string)
	got = ok(t, w.exchange("orders-api", machine))
	if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["sub"] != "service" || seen["act"] == nil {
		t.Errorf("of a service: %v", seen)
	}
}

func TestMayActNamesWhoMayExchange(t *testing.T) { // RFC 8693 §4.4
	w := start(t).logIn()
	services(t, w)
	ok(t, w.exchange("orders-api", w.shopToken()))
	w.edit("shop", func(c *clients.Client) { c.MayAct = "invoices-api" })
	token := w.shopToken()
	if _, claims := w.claims(token); asJSON(t, claims["may_act"]) != `{"client_id":"invoices-api","sub":"invoices-api"}` {
		t.Errorf("the JWT says may_act %v", claims["may_act"])
	}
	if seen := ok(t, w.introspect("shop", token)); asJSON(t, seen["may_act"]) != `{"client_id":"invoices-api","sub":"invoices-api"}` {
		t.Errorf("introspection %v", seen)
	}
	wantError(t, w.exchange("orders-api", token), 400, "invalid_request")
	own := ok(t, w.ask("orders-api", clients.ClientCredentials))["access_token"].(string)
	wantError(t, w.exchange("orders-api", token, "actor_token="+own, "actor_token_type="+accessTokenType), 400, "invalid_request")
	w.edit("shop", func(c *clients.Client) { // it itself is not the one that may
		c.GrantTypes, c.TokenExchange = append(c.GrantTypes, clients.TokenExchangeType), &clients.TokenExchange{}
	})
	wantError(t, w.exchange("shop", token, "resource="+orders), 400, "invalid_request")
	w.edit("shop", func(c *clients.Client) { c.MayAct = "" })
	ok(t, w.exchange("shop", token, "resource="+orders))
	w.edit("shop", func(c *clients.Client) { c.MayAct = "orders-api" })
	w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.From = nil }) // may_act is word enough
	got := ok(t, w.exchange("orders-api", w.shopToken()))
	if seen := ok(t, w.introspect("invoices-api", got["access_token"])); asJSON(t, seen["act"]) != `{"client_id":"orders-api","sub":"orders-api"}` || seen["may_act"] != nil {
		t.Errorf("introspection %v, want act and no may_act", seen)
	}
}

const idTokenType = "urn:ietf:params:oauth:token-type:id_token"

func TestAnIDTokenIsExchanged(t *testing.T) { // RFC 8693 §3
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		tokens := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.code("shop", "scope=openid orders.read"), "redirect_uri="+callback, "code_verifier="+verifier))
		id := tokens["id_token"].(string)
		wantError(t, w.exchange("orders-api", id, "subject_token_type="+idTokenType), 400, "invalid_request") // off by default
		w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.SubjectTypes = []string{"access_token", "id_token"} })
		got := ok(t, w.exchange("orders-api", id, "subject_token_type="+idTokenType))
		seen := ok(t, w.introspect("invoices-api", got["access_token"]))
		if seen["sub"] != w.person.Subject || seen["scope"] != "invoices.read" || seen["act"] == nil || got["scope"] != "invoices.read" {
			t.Errorf("answer %v, introspection %v", got, seen)
		}
		for name, text := range map[string]string{
			"changed": id[:len(id)-4] + "AAAA", "an access token": tokens["access_token"].(string), "nothing": "x",
			"of a client that is not under from": w.tokens("basic")["id_token"].(string),
		} {
			if got := w.exchange("orders-api", text, "subject_token_type="+idTokenType); got.StatusCode != 400 || got.json(t)["error"] != "invalid_request" {
				t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
			}
		}
		w.clock.Move(time.Second)
		w.withdraws("shop")
		if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["active"] != false {
			t.Error("what came of the ID token outlives its grant")
		}
		wantError(t, w.exchange("orders-api", id, "subject_token_type="+idTokenType), 400, "invalid_request")
		w.clock.Move(time.Second)
		id = ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.code("shop", "scope=openid orders.read"), "redirect_uri="+callback, "code_verifier="+verifier))["id_token"].(string)
		w.clock.Move(5 * time.Minute)
		wantError(t, w.exchange("orders-api", id, "subject_token_type="+idTokenType), 400, "invalid_request") // expired
	})
}

// What was exchanged for a client's token is worth nothing once that client has nothing
// any more: it was switched off, or deleted.
func TestAnExchangedTokenEndsWithTheClientItCameFrom(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		e := clients.Editor{Registry: w.provider.Clients, Audit: w.provider.Audit, Actor: "cli"}
		shop, err := e.Find(t.Context(), "shop")
		must(t, err)
		service, err := e.Find(t.Context(), "service")
		must(t, err)
		machine := ok(t, w.ask("service", clients.ClientCredentials, "resource="+orders))["access_token"].(string)
		for token, from := range map[any]clients.Client{
			ok(t, w.exchange("orders-api", w.shopToken()))["access_token"]: shop,
			ok(t, w.exchange("orders-api", machine))["access_token"]:       service, // about nobody
		} {
			active := func(want bool, when string) {
				t.Helper()
				if seen := ok(t, w.introspect("invoices-api", token)); seen["active"] != want {
					t.Errorf("%s: %s: %v", from.ID, when, seen)
				}
			}
			w.comesAndGoes(e, from, active)
		}
	})
}

// What was exchanged ends with the access token that it came from, when that is revoked by
// itself, however many exchanges lie between; the others of the same grant go on. A-047.
func TestAnExchangedTokenEndsWithTheAccessTokenItCameFrom(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w, func(c *clients.Client) {
			if c.ID == "orders-api" {
				c.Resources, c.Scopes = []string{orders, invoices}, append(c.Scopes, "orders.read")
			}
		})
		machine := func() string {
			return ok(t, w.ask("service", clients.ClientCredentials, "resource="+orders))["access_token"].(string)
		}
		for name, from := range map[string]struct {
			token  func() string
			client string
		}{"of a person": {w.shopToken, "shop"}, "of a service": {machine, "service"}} {
			for _, resource := range []string{orders, invoices} { // a JWT, an opaque one
				token := from.token()
				first := ok(t, w.exchange("orders-api", token, "resource="+resource))["access_token"].(string)
				second := ok(t, w.exchange("orders-api", first, "resource="+resource))["access_token"].(string)
				other := ok(t, w.exchange("orders-api", from.token(), "resource="+resource))["access_token"].(string)
				active := func(want bool, all ...string) {
					t.Helper()
					for i, one := range all {
						if seen := ok(t, w.introspect("orders-api", one)); seen["active"] != want {
							t.Errorf("%s, for %s: token %d: %v, want active %v", name, resource, i+1, seen, want)
						}
					}
				}
				active(true, first, second, other)
				w.post("/oauth2/revoke", url.Values{"token": {token}}, basicAuth(from.client, basicSecret))
				active(false, first, second)
				active(true, other)
				wantError(t, w.exchange("orders-api", second), 400, "invalid_request")
			}
		}
	})
}

// What was exchanged twice ends with what lies in between, too: with the token in the middle,
// and with the client that held it. A-047.
func TestAnExchangedTokenEndsWithTheClientInBetween(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		w.edit("invoices-api", func(c *clients.Client) {
			c.GrantTypes = append(c.GrantTypes, clients.TokenExchangeType)
			c.Resources, c.Scopes = []string{invoices}, append(c.Scopes, "invoices.read")
			c.TokenExchange = &clients.TokenExchange{From: []string{"orders-api"}}
		})
		e := clients.Editor{Registry: w.provider.Clients, Audit: w.provider.Audit, Actor: "cli"}
		middle, err := e.Find(t.Context(), "orders-api")
		must(t, err)
		var second any
		exchange := func() {
			t.Helper()
			first := ok(t, w.exchange("orders-api", w.shopToken()))["access_token"].(string)
			second = ok(t, w.exchange("invoices-api", first))["access_token"]
		}
		active := func(want bool, when string) {
			t.Helper()
			if seen := ok(t, w.introspect("invoices-api", second)); seen["active"] != want {
				t.Errorf("%s: %v", when, seen)
			}
		}
		exchange()
		active(true, "at first")
		must(t, e.SetDisabled(t.Context(), middle, true))
		active(false, "while the client in between is off")
		must(t, e.SetDisabled(t.Context(), middle, false))
		active(true, "when it is on again")
		_, err = d.Exec(t.Context(), `update grants set ended_at = created_at where client_id = 'orders-api'`)
		must(t, err)
		active(false, "when the grant in between has ended")
		exchange()
		active(true, "of another one")
		middle.Source = clients.SourceCLI
		must(t, e.Delete(t.Context(), middle))
		active(false, "when the client in between is gone")
		w.clock.Move(time.Second)
		must(t, e.Create(t.Context(), middle))
		active(false, "when it is made again")
	})
}

// comesAndGoes switches a client off and on, deletes it and makes it again, and says each
// time whether what hangs on it has to be active.
func (w *world) comesAndGoes(e clients.Editor, c clients.Client, active func(want bool, when string)) {
	w.t.Helper()
	active(true, "at first")
	must(w.t, e.SetDisabled(w.t.Context(), c, true))
	active(false, "while it is off")
	must(w.t, e.SetDisabled(w.t.Context(), c, false))
	active(true, "when it is on again")
	c.Source = clients.SourceCLI
	must(w.t, e.Delete(w.t.Context(), c))
	active(false, "when it is gone")
	w.clock.Move(time.Second)
	must(w.t, e.Create(w.t.Context(), c))
	active(false, "when it is made again")
}

// The same where no person is, so that no grant is there to tell: each client that the token
// came through counts, also one that passes for the first and is named nowhere. A-047.
func TestATokenOfAServiceEndsWithEachClientInBetween(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w)
		w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.Impersonation = true })
		w.edit("invoices-api", func(c *clients.Client) {
			c.GrantTypes = append(c.GrantTypes, clients.TokenExchangeType)
			c.Resources, c.Scopes = []string{orders, invoices}, append(c.Scopes, "orders.read", "invoices.read")
			c.TokenExchange = &clients.TokenExchange{From: []string{"orders-api", "invoices-api"}}
		})
		e := clients.Editor{Registry: w.provider.Clients, Audit: w.provider.Audit, Actor: "cli"}
		middle, err := e.Find(t.Context(), "orders-api")
		must(t, err)
		var tokens []any
		exchange := func() {
			t.Helper()
			machine := ok(t, w.ask("service", clients.ClientCredentials, "scope=invoices.read"))["access_token"].(string)
			first := ok(t, w.exchange("orders-api", machine))["access_token"].(string)
			second := ok(t, w.exchange("invoices-api", first))["access_token"].(string)
			third := ok(t, w.exchange("invoices-api", second))["access_token"]
			asJWT := ok(t, w.exchange("invoices-api", first, "resource="+orders))["access_token"].(string)
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(asJWT, ".")[1])
			must(t, err)
			if !strings.Contains(string(payload), "invoices-api") || strings.Contains(string(payload), "orders-api") {
				t.Errorf("%s: want the client that acts to be named, and nobody who passes for another one", payload)
			}
			tokens = []any{second, third, asJWT}
		}
		active := func(want bool, when string) {
			t.Helper()
			for i, one := range tokens {
				if seen := ok(t, w.introspect("invoices-api", one)); seen["active"] != want {
					t.Errorf("%s: token %d: %v, want active %v", when, i+1, seen, want)
				}
			}
		}
		exchange()
		w.comesAndGoes(e, middle, active)
		exchange()
		active(true, "of another chain")
	})
}

// One that was exchanged too often is refused: each exchange is remembered.
func TestExchangesAreBounded(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.Impersonation = true })
	token := w.shopToken()
	for range 4 {
		token = ok(t, w.exchange("orders-api", token))["access_token"].(string)
	}
	wantError(t, w.exchange("orders-api", token), 400, "invalid_request")
}
