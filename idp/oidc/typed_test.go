package oidc_test

import (
	"crypto/ecdsa"
	"maps"
	"testing"

	"tegata/idp/clients"
)

// kinds are values of typ, and whether they may stand in an assertion. nil is none, which
// Nimbus, oauth4webapi and openid-client send; Authlib sends JWT; newer libraries for .NET
// send client-authentication+jwt, see below. The others are tokens for something else.
var kinds = map[any]bool{
	nil: true, "JWT": true, "jwt": true, "application/jwt": true, "": false, 1: false,
	"at+jwt": false, "dpop+jwt": false, "logout+jwt": false, "oauth-authz-req+jwt": false, "secevent+jwt": false,
	"oauth-id-jag+jwt": false, "application/at+jwt": false, "JWT+x": false,
}

// RFC 8725 §3.11, §3.12: a JWT that was made for something else proves nobody. A-042.
func TestAnAssertionOfAnotherTypeIsRefused(t *testing.T) {
	w := start(t)
	key := services(t, w)
	w.logIn()
	var claims map[string]any
	kept := func(c map[string]any) { claims = maps.Clone(c) }
	sign := func(key *ecdsa.PrivateKey, kid string, typ any) string {
		if typ == nil {
			return typed(t, key, kid, claims)
		}
		return typed(t, key, kid, claims, typ)
	}
	proves, grants := maps.Clone(kinds), maps.Clone(kinds)
	proves["client-authentication+jwt"], proves["application/client-authentication+jwt"], proves["authorization-grant+jwt"] = true, true, false
	grants["client-authentication+jwt"], grants["authorization-grant+jwt"] = false, true
	for typ, good := range proves {
		w.assertion("tracker", kept)
		got := w.asserting("tracker", sign(w.key, "k1", typ))
		if good != (got.StatusCode == 200) || !good && got.json(t)["error"] != "invalid_client" {
			t.Errorf("client assertion of typ %v: status %d %s", typ, got.StatusCode, got.Body)
		}
	}
	for typ, good := range grants {
		w.bearerJWT(key, kept)
		got := w.ask("batch", clients.JWTBearer, "assertion="+sign(key, "p1", typ), "scope=openid")
		if good != (got.StatusCode == 200) || !good && got.json(t)["error"] != "invalid_grant" {
			t.Errorf("assertion of typ %v: status %d %s", typ, got.StatusCode, got.Body)
		}
	}
}
