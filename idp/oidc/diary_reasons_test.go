package oidc_test

import (
	"testing"

	"tegata/idp/clients"
)

// withDiary gives the world a diary of what clients sent.
func withDiary(t *testing.T) *world {
	t.Helper()
	w := start(t).logIn()
	w.provider.Diary = &clients.Diary{DB: w.db, Clock: w.provider.Clock, Log: w.provider.Log}
	return w
}

// Whose aud an assertion should have had, and whether a setting would take the one that
// came, is what its developer cannot see from the answer. OIDC Core §9.
func TestTheDiaryTellsWhomAnAssertionShouldName(t *testing.T) {
	w := withDiary(t)
	issuer := w.provider.Issuer
	endpoint := issuer + "/oauth2/token"
	for _, c := range []struct {
		client          string
		aud             any
		reason          clients.Reason
		given, expected string
	}{
		{"tracker", endpoint, clients.ReasonAudienceSetting, endpoint, issuer},
		{"tracker", []string{issuer}, clients.ReasonAudienceSetting, `["` + issuer + `"]`, issuer},
		{"tracker", "https://elsewhere.test", clients.ReasonAudience, "https://elsewhere.test", issuer},
		{"tracker", []string{issuer, "https://elsewhere.test"}, clients.ReasonAudience, `["` + issuer + `","https://elsewhere.test"]`, issuer},
		{"old", endpoint + "s", clients.ReasonAudience, endpoint + "s", endpoint},
	} {
		text := w.assertion(c.client, func(claims map[string]any) { claims["aud"] = c.aud })
		wantError(t, w.redeem(c.client, "any", "client_assertion="+text), 401, "invalid_client")
		got := w.diary(c.client)[0]
		if got.Reason != c.reason || got.Details["given"] != c.given || got.Details["registered"] != c.expected {
			t.Errorf("%s with aud %v: %s %v, want %s, %s for %s", c.client, c.aud, got.Reason, got.Details, c.reason, c.given, c.expected)
		}
	}
	text := w.assertion("tracker", func(claims map[string]any) { delete(claims, "aud") })
	w.redeem("tracker", "any", "client_assertion="+text)
	if got := w.diary("tracker")[0]; got.Reason != clients.ReasonAssertion {
		t.Errorf("without aud: %s %v, want %s", got.Reason, got.Details, clients.ReasonAssertion)
	}
}

// A scope that the operator took away ends a refresh token, and the reason is not that
// the token would be unknown.
func TestTheDiaryTellsAScopeThatTheClientLost(t *testing.T) {
	w := withDiary(t)
	first := w.offline("basic")
	all, err := w.provider.Clients.List(t.Context())
	must(t, err)
	for i := range all {
		if all[i].ID == "basic" {
			all[i].Scopes = []string{"openid", "offline_access"}
		}
	}
	must(t, w.provider.Clients.Sync(t.Context(), all))
	got := w.refresh("basic", first["refresh_token"])
	wantError(t, got, 400, "invalid_grant")
	said := w.diary("basic")[0]
	if said.Reason != clients.ReasonScopeGone || said.Details["given"] != first["scope"] || said.Details["registered"] != "openid offline_access" {
		t.Errorf("%s %v, want %s of %v", said.Reason, said.Details, clients.ReasonScopeGone, first["scope"])
	}
}

// What came and what was expected stands beside the refusal of a token that a client
// brings: an assertion about a person, or the token of another client. RFC 7523 §3,
// RFC 8693 §2.1.
func TestTheDiaryTellsWhatIsWrongWithATokenThatWasBrought(t *testing.T) {
	w := withDiary(t)
	key := services(t, w)
	endpoint := w.provider.Issuer + "/oauth2/token"
	said := func(client string, reason clients.Reason, given, registered string) {
		t.Helper()
		got := w.diary(client)[0]
		if got.Reason != reason || got.Details["given"] != given || got.Details["registered"] != registered {
			t.Errorf("%s %v, want %s, %s for %s", got.Reason, got.Details, reason, given, registered)
		}
	}
	text := w.bearerJWT(key, func(c map[string]any) { c["aud"] = endpoint + "s" })
	wantError(t, w.ask("batch", clients.JWTBearer, "assertion="+text), 400, "invalid_grant")
	said("batch", clients.ReasonBearerAudience, endpoint+"s", endpoint)
	wantError(t, w.ask("batch", clients.JWTBearer, "assertion="+w.bearerJWT(newKey(t), nil)), 400, "invalid_grant")
	said("batch", clients.ReasonBearerKey, "p1", "p1")
	if issuer := w.diary("batch")[0].Details["issuer"]; issuer != partner {
		t.Errorf("issuer %q, want %q", issuer, partner)
	}
	wantError(t, w.exchange("orders-api", w.tokens("basic")["access_token"].(string)), 400, "invalid_request")
	said("orders-api", clients.ReasonExchangeFrom, "basic", "shop service")
	w.edit("orders-api", func(c *clients.Client) { c.TokenExchange.From = nil })
	wantError(t, w.exchange("orders-api", w.shopToken()), 400, "invalid_request")
	said("orders-api", clients.ReasonExchangeFrom, "shop", "–")
	wantError(t, w.ask("batch", clients.JWTBearer, "assertion="+w.bearerJWT(key, func(c map[string]any) { delete(c, "aud") })), 400, "invalid_grant")
	said("batch", clients.ReasonOther, "", "")
}
