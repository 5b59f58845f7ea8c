package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// onAnotherNode is the bank at a second provider on the same database, which answers
// under the same name.
func (p bank) onAnotherNode() bank {
	p.t.Helper()
	first := p.provider
	second := &oidc.Provider{
		Issuer: first.Issuer, Development: true, DB: first.DB, Once: first.Once, Keys: first.Keys, Accounts: first.Accounts, Sessions: first.Sessions,
		Clients:     &clients.Registry{Store: first.Clients.Store, Clock: first.Clock},
		Interaction: first.Interaction, Audit: first.Audit, Clock: first.Clock, Cookies: first.Cookies, Problem: first.Problem, DPoPNonce: first.DPoPNonce,
	}
	mux := http.NewServeMux()
	second.Mount(mux)
	w := *p.world
	w.provider = second
	w.server = httptest.NewServer(mux)
	p.t.Cleanup(w.server.Close)
	p.world = &w
	return p
}

func TestNodesShareWhatWasSeen(t *testing.T) { // also what a restart is
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		one.provider.DPoPNonce = true
		other := one.onAnotherNode()
		nonce := one.pushes(one.wants(), one.proves("POST", "/oauth2/par", nil)).Header.Get("DPoP-Nonce")
		proof, form := one.proves("POST", "/oauth2/par", edits{"nonce": nonce}), one.wants("client_assertion="+one.asserts(nil))
		got := other.pushes(form, proof)
		if got.StatusCode != 201 {
			t.Fatalf("the other node's nonce: %s", got.Body)
		}
		wantError(t, one.pushes(one.wants(), proof), 400, "invalid_dpop_proof")
		wantError(t, one.pushes(form, one.proves("POST", "/oauth2/par", edits{"nonce": nonce})), 401, "invalid_client")
		sent := one.visits(got.json(t)["request_uri"].(string)).sent(t)
		code := func(p bank, headers ...string) answer { return p.redeems(sent.Get("code"), nil, headers...) }
		tokens := code(other, one.proves("POST", "/oauth2/token", edits{"nonce": nonce})).json(t)
		token := tokens["access_token"].(string)
		use := one.proves("GET", "/oauth2/userinfo", edits{"nonce": nonce, "ath": hashOf(token)})
		if got := other.callsWith(token, use); got.StatusCode != 200 {
			t.Errorf("the resource on the other node: %s", got.Body)
		}
		if got := one.callsWith(token, use); got.StatusCode != 401 {
			t.Errorf("the same proof on this node: status %d, want 401", got.StatusCode)
		}
	})
}
