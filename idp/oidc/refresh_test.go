package oidc_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// offline gives tokens with a refresh token: the person allowed it.
func (w *world) offline(client string) map[string]any {
	w.t.Helper()
	id := w.asks("/consent", client, "scope=openid profile offline_access", "prompt=consent")
	s := w.session
	must(w.t, w.provider.Interaction.Consent(w.t.Context(), id, w.cookies[sessions.BrowserCookieName], &s, true))
	return w.redeem(client, w.comesBack(id).sent(w.t).Get("code")).json(w.t)
}

func (w *world) refresh(client string, token any, changes ...string) answer {
	w.t.Helper()
	form, header := w.proof(client)
	return w.token(with(form, append([]string{"grant_type=refresh_token", "refresh_token=" + token.(string)}, changes...)...), header)
}

func TestRefresh(t *testing.T) { // RFC 6749 §6, OIDC Core §12
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.offline("basic")
		_, before := w.claims(first["id_token"])
		must(t, w.provider.Sessions.End(t.Context(), w.session.ID)) // offline_access outlives it
		w.clock.Move(24 * time.Hour)
		second := w.refresh("basic", first["refresh_token"]).json(t)
		_, after := w.claims(second["id_token"])
		for _, name := range []string{"iss", "sub", "aud", "auth_time"} {
			if before[name] != after[name] {
				t.Errorf("%s changed from %v to %v", name, before[name], after[name])
			}
		}
		if after["nonce"] != nil || after["iat"] == before["iat"] || second["refresh_token"] == first["refresh_token"] {
			t.Errorf("second ID token %v", after)
		}
		if got := w.userinfo(second["access_token"]); got.StatusCode != 200 {
			t.Errorf("userinfo: %s", got.Body)
		}
		narrow := w.refresh("basic", second["refresh_token"], "scope=openid").json(t)
		if narrow["scope"] != "openid" {
			t.Errorf("scope %v, want openid", narrow["scope"])
		}
		wantError(t, w.refresh("basic", narrow["refresh_token"], "scope=openid email"), 400, "invalid_scope")
		if got := w.refresh("basic", narrow["refresh_token"]); got.StatusCode != 200 {
			t.Errorf("after a refused scope: %s", got.Body)
		}
	})
}

func TestRefreshTokenReuseEndsTheFamily(t *testing.T) { // RFC 9700 §4.14.2
	w := start(t).logIn()
	first := w.offline("basic")
	second := w.refresh("basic", first["refresh_token"]).json(t)
	w.clock.Move(10 * time.Second) // so long it may come again
	wantError(t, w.refresh("basic", first["refresh_token"]), 400, "invalid_grant")
	wantError(t, w.refresh("basic", second["refresh_token"]), 400, "invalid_grant")
	if got := w.userinfo(second["access_token"]); got.StatusCode != 401 {
		t.Errorf("the family's access token: status %d, want 401", got.StatusCode)
	}
	if len(w.events("refresh_token.reused")) == 0 {
		t.Error("nothing in the audit log")
	}
}

func TestParallelRefreshHasOneWinner(t *testing.T) { // A-049; where nothing may come again
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.edit("basic", func(c *clients.Client) { c.RefreshGrace = "0s" })
		token := w.offline("basic")["refresh_token"]
		answers := make([]answer, 30)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = w.refresh("basic", token) })
		}
		all.Wait()
		wantOneWinner(t, answers, 400, "invalid_grant")
	})
}

func TestRefreshTokensAreBound(t *testing.T) {
	w := start(t).logIn()
	for client, want := range map[string]string{"post": "unauthorized_client", "foreign": "unauthorized_client"} {
		wantError(t, w.refresh(client, w.offline("basic")["refresh_token"]), 400, want)
	}
	wantError(t, w.refresh("basic", w.tokens("basic")["access_token"]), 400, "invalid_grant")
	old := w.offline("basic")
	w.clock.Move(31 * 24 * time.Hour)
	wantError(t, w.refresh("basic", old["refresh_token"]), 400, "invalid_grant")
}

func TestRefreshTokenOnlyWithConsent(t *testing.T) { // OIDC Core §11
	w := start(t).logIn()
	if got := w.tokens("basic", "scope=openid offline_access"); got["refresh_token"] != nil {
		t.Error("a refresh token without prompt=consent")
	}
	if got := w.tokens("tracker", "scope=openid offline_access"); got["refresh_token"] != nil {
		t.Error("a refresh token for a client without the grant type")
	}
}

func TestRevocation(t *testing.T) { // RFC 7009
	w := start(t).logIn()
	tokens := w.offline("basic")
	revoke := func(client string, token any) answer {
		form, header := w.proof(client)
		form = with(form, "token="+token.(string))
		if header == "" {
			return w.post("/oauth2/revoke", form)
		}
		return w.post("/oauth2/revoke", form, header)
	}
	if got := revoke("basic", "x"); got.StatusCode != 200 { // §2.2
		t.Errorf("unknown: status %d, want 200", got.StatusCode)
	}
	for _, kind := range []string{"access_token", "refresh_token"} { // §2.1
		wantError(t, revoke("post", tokens[kind]), 400, "unauthorized_client")
	}
	form, _ := w.proof("tracker")
	form = with(form, "token="+tokens["access_token"].(string))
	wantError(t, w.post("/oauth2/revoke", form), 400, "unauthorized_client")
	wantError(t, w.post("/oauth2/revoke", form), 401, "invalid_client") // the assertion counts as used
	if got := w.userinfo(tokens["access_token"]); got.StatusCode != 200 {
		t.Fatalf("another client revoked it: status %d", got.StatusCode)
	}
	revoke("basic", tokens["access_token"])
	if got := w.userinfo(tokens["access_token"]); got.StatusCode != 401 {
		t.Errorf("revoked access token: status %d, want 401", got.StatusCode)
	}
	next := w.refresh("basic", tokens["refresh_token"]).json(t) // lives on: fosite ends both
	revoke("basic", next["refresh_token"])
	wantError(t, w.refresh("basic", next["refresh_token"]), 400, "invalid_grant")
	if got := w.userinfo(next["access_token"]); got.StatusCode != 401 {
		t.Errorf("access token of a revoked family: status %d, want 401", got.StatusCode)
	}
	wantError(t, w.post("/oauth2/revoke", url.Values{"token": {"x"}}), 401, "invalid_client")
}

func TestSweepForgetsOldGrants(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.tokens("tracker")
		for _, want := range []int64{0, 1, 0} {
			if n, err := w.provider.Sweep(t.Context()); err != nil || n != want {
				t.Errorf("swept %d, %v; want %d", n, err, want)
			}
			w.clock.Move(25 * time.Hour)
		}
	})
}
