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

func TestPushedRequestGivesOneCode(t *testing.T) { // RFC 9126 §4, A-026
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		path := "/oauth2/authorize?" + url.Values{"client_id": {one.id}, "request_uri": {one.pushed()}}.Encode()
		won := race(16, func(int) bool {
			got := one.get(path)
			return strings.Contains(got.Header.Get("Location"), "code=")
		})
		if won != 1 {
			t.Errorf("%d codes for one request, want 1", won)
		}
	})
}

func TestTwoTabsOfOnePushedRequestGiveOneCode(t *testing.T) { // consumed on completion, however long the log-in took
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	delete(one.cookies, "tegata_session")
	uri := one.pushed()
	tab := func() string {
		return strings.TrimPrefix(one.visits(uri).Header.Get("Location"), "/login?interaction=")
	}
	first, second := tab(), tab()
	one.clock.Move(10 * time.Minute)
	one.typesPassword(first)
	if sent := one.comesBack(first).sent(t); !sent.Has("code") || sent.Get("state") != "the-state" {
		t.Fatalf("the first tab: %v", sent)
	}
	one.typesPassword(second)
	refused(t, "the second tab", one.comesBack(second), "invalid_request_uri")
}

func TestTwoTabsAtOnceGiveOneCode(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		uri := one.pushed("prompt=consent")
		tabs := make([]string, 4)
		for i := range tabs {
			u, err := url.Parse(one.visits(uri).Header.Get("Location"))
			must(t, err)
			tabs[i] = u.Query().Get("interaction")
			s := one.session
			must(t, one.provider.Interaction.Consent(t.Context(), tabs[i], one.cookies[sessions.BrowserCookieName], &s, true))
		}
		won := race(len(tabs), func(i int) bool {
			return strings.Contains(one.get("/oauth2/authorize?interaction="+tabs[i]).Header.Get("Location"), "code=")
		})
		if won != 1 {
			t.Errorf("%d codes, want 1", won)
		}
	})
}

func TestWhoRefusesUsesThePushedRequestUp(t *testing.T) {
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	delete(one.cookies, "tegata_session")
	uri := one.pushed("prompt=none")
	refused(t, "nobody is signed in", one.visits(uri), "login_required")
	refused(t, "again", one.visits(uri), "invalid_request_uri")
}

func TestOnlyWhatWasPushedCounts(t *testing.T) { // RFC 9126 §4, A-027
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	sent := one.visits(one.pushed("nonce", "scope=openid"), "nonce=injected", "max_age=0", "prompt=none", "scope=openid email", "redirect_uri=https://evil.test/",
		"response_mode=form_post", "code_challenge=x", "tegata:came_by=signed").sent(t)
	got := one.redeems(sent.Get("code"), nil).json(t)
	if _, claims := one.claims(got["id_token"]); claims["nonce"] != nil || got["scope"] != "openid" {
		t.Errorf("nonce %v, scope %v: not what was pushed", claims["nonce"], got["scope"])
	}
}

func TestNobodyPretendsThatARequestWasPushed(t *testing.T) {
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2MessageSigning)
	delete(one.cookies, "tegata_session")
	for _, mark := range []string{"pushed x 9999999999999999", "signed"} {
		refused(t, mark, one.get("/oauth2/authorize?"+one.wants("tegata:came_by="+mark).Encode()), "invalid_request")
		oneOf(t, one.pushes(one.wants("tegata:came_by="+mark)), "invalid_request")
	}
}

func TestPushedRequestsAreKeptWithoutSecrets(t *testing.T) {
	w := start(t).logIn()
	for _, c := range []struct{ client, secret, header string }{
		{"post", postSecret, ""}, {"basic", basicSecret, basicAuth("basic", basicSecret)}, {"tracker", "eyJ", ""}, {"native", "never", ""},
	} {
		form, _ := w.proof(c.client)
		for name, values := range request(c.client) {
			form[name] = values
		}
		if c.client == "basic" {
			form.Del("client_id") // the header says who it is
		}
		got := w.token2("/oauth2/par", form, c.header)
		if got.StatusCode != 201 {
			t.Fatalf("%s: %s", c.client, got.Body)
		}
		if kept := w.dump("select payload from once where purpose = 'pushed_request'"); strings.Contains(kept, c.secret) || kept == "" {
			t.Errorf("%s: %s", c.client, kept)
		}
		uri := got.json(t)["request_uri"].(string)
		at := w.get("/oauth2/authorize?" + url.Values{"client_id": {c.client}, "request_uri": {uri}}.Encode())
		if at.StatusCode != 303 || strings.Contains(at.Header.Get("Location"), "error=") {
			t.Errorf("%s: Location %q", c.client, at.Header.Get("Location"))
		}
	}
}

func (w *world) token2(path string, form url.Values, header string) answer {
	w.t.Helper()
	if header == "" {
		return w.post(path, form)
	}
	return w.post(path, form, header)
}

func TestMistakesShowWhenPushed(t *testing.T) { // RFC 9126 §2.3
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	for change, code := range map[string]string{
		"response_type": "invalid_request", "response_mode=web_message": "invalid_request", "max_age=x": "invalid_request", "prompt=none login": "invalid_request",
		"claims=x": "invalid_request", "+state=twice": "invalid_request", "id_token_hint=x": "invalid_request", "login_hint=" + strings.Repeat("x", 17<<10): "invalid_request",
		"client_assertion": "invalid_client", "client_assertion=x": "invalid_client", "request=x": "invalid_request_object",
	} {
		form := with(one.credentials(), "x=y")
		for name, values := range one.wants() {
			form[name] = values
		}
		oneOf(t, one.post("/oauth2/par", with(form, change)), code)
	}
	if got := one.post("/oauth2/par?"+one.wants().Encode(), url.Values{}); got.StatusCode != 401 {
		t.Errorf("parameters in the URL: status %d", got.StatusCode)
	}
	spent := one.asserts(nil)
	if got := one.pushes(with(one.wants(), "client_assertion="+spent)); got.StatusCode != 201 {
		t.Fatal(got.Body)
	}
	got := one.redeems(one.gets(), func(form url.Values) { form.Set("client_assertion", spent) })
	wantError(t, got, 401, "invalid_client")
	refusedOnce := one.asserts(nil)
	oneOf(t, one.pushes(with(one.wants("max_age=x"), "client_assertion="+refusedOnce)), "invalid_request")
	oneOf(t, one.pushes(with(one.wants(), "client_assertion="+refusedOnce)), "invalid_client")
}
