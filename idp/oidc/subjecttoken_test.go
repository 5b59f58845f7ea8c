package oidc_test

import (
	"net/url"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// mayBring lets orders-api exchange ID tokens of the shop.
func (w *world) mayBring() {
	w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.SubjectTypes = []string{"access_token", "id_token"} })
}

// brings exchanges an ID token.
func (w *world) brings(token any) answer {
	return w.exchange("orders-api", token.(string), "subject_token_type="+idTokenType)
}

// An ID token stands for the grant that it was given with, and for no other of the session.
func TestAnIDTokenStandsForItsOwnGrant(t *testing.T) { // RFC 8693 §2.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w, _ := withPlain(t, d)
		w.mayBring()
		first, second := w.offlineShop(), w.offlineShop()
		again := ok(t, w.ask("shop", clients.RefreshToken, "refresh_token="+first["refresh_token"].(string), "resource="+orders))
		_, one := w.claims(first["id_token"])
		_, renewed := w.claims(again["id_token"])
		_, other := w.claims(second["id_token"])
		if one["jti"] == nil || one["jti"] == other["jti"] || renewed["jti"] == nil {
			t.Errorf("jti %v, renewed %v, of another log-in %v", one["jti"], renewed["jti"], other["jti"])
		}
		got := ok(t, w.brings(again["id_token"]))
		ok(t, w.brings(second["id_token"]))
		w.post("/oauth2/revoke", url.Values{"token": {again["refresh_token"].(string)}}, basicAuth("shop", basicSecret))
		for _, over := range []any{first["id_token"], again["id_token"]} {
			wantError(t, w.brings(over), 400, "invalid_request")
		}
		if seen := ok(t, w.introspect("invoices-api", got["access_token"])); seen["active"] != false {
			t.Errorf("what came of it: %v", seen)
		}
		ok(t, w.brings(second["id_token"]))
	})
}

// An ID token that comes beside a code is good for as much as the grant of that code.
func TestAnIDTokenBesideACodeIsExchanged(t *testing.T) {
	w := startWith(t, func(p *oidc.Provider) { p.ResponseTypes = clients.ResponseTypes }).logIn()
	services(t, w)
	w.mayBring()
	w.edit("shop", func(c *clients.Client) {
		c.GrantTypes, c.ResponseTypes = append(c.GrantTypes, clients.Implicit), []string{"code id_token", "id_token"}
	})
	front := func(kind string) url.Values {
		u, err := url.Parse(w.authorize("shop", "response_type="+kind, "scope=openid").Header.Get("Location"))
		must(t, err)
		sent, err := url.ParseQuery(u.Fragment)
		must(t, err)
		return sent
	}
	sent := front("code id_token")
	wantError(t, w.brings(sent.Get("id_token")), 400, "invalid_request") // nobody has redeemed the code
	ok(t, w.ask("shop", clients.AuthorizationCode, "code="+sent.Get("code"), "redirect_uri="+callback, "code_verifier="+verifier))
	ok(t, w.brings(sent.Get("id_token")))
	alone := front("id_token").Get("id_token")
	if _, claims := w.claims(alone); claims["jti"] != nil {
		t.Errorf("claims %v, want no jti where there is no grant", claims)
	}
	wantError(t, w.brings(alone), 400, "invalid_request")
}
