package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// redeeming is the form of a token request that proves the tracker with the assertion.
func redeeming(code, assertion string, changes ...string) url.Values {
	return with(url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}, changes...)
}

// Whoever sends the whole request a second time, assertion and all, may be the client
// whose request a thief sent first.
func TestAUsedCodeThatComesWithAUsedAssertionEndsItsTokens(t *testing.T) { // RFC 6749 §4.1.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for _, change := range []string{"x=y", "resource=https://elsewhere.test/", "code_verifier=" + strings.Repeat("x", 43)} {
			code, assertion := w.code("tracker"), w.assertion("tracker", nil)
			token := ok(t, w.post("/oauth2/token", redeeming(code, assertion)))["access_token"]
			before := len(w.events("code.reused"))
			for range 2 {
				wantError(t, w.post("/oauth2/token", redeeming(code, assertion, change)), 401, "invalid_client")
				if got := w.userinfo(token); got.StatusCode != 401 {
					t.Errorf("%s: the access token: status %d, want 401", change, got.StatusCode)
				}
				if n := len(w.events("code.reused")) - before; n != 1 {
					t.Errorf("%s: %d audit events, want 1", change, n)
				}
			}
		}
	})
}

// Who proves nothing about the client of a code ends nothing of what it led to, and burns
// no code that nobody used.
func TestAnAssertionThatProvesNobodyEndsNothing(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		code, mine := w.code("tracker"), w.assertion("tracker", nil)
		token := ok(t, w.post("/oauth2/token", redeeming(code, mine)))["access_token"]
		other, old := w.assertion("old", nil), w.code("old")
		ok(t, w.post("/oauth2/token", redeeming(old, other)))
		past := w.assertion("tracker", func(claims map[string]any) { claims["exp"] = w.clock.Now().Add(-time.Minute).Unix() })
		for name, form := range map[string]url.Values{
			"another client's that was used":  redeeming(code, other),
			"one that has expired":            redeeming(code, past),
			"one that nobody signed":          redeeming(code, half(mine)+".AAAA"),
			"one of a public client, without": {"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"tracker"}},
		} {
			if got := w.post("/oauth2/token", form); got.StatusCode != 401 {
				t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
			}
			if got := w.userinfo(token); got.StatusCode != 200 {
				t.Fatalf("%s ended the tokens: status %d", name, got.StatusCode)
			}
		}
		for _, fault := range []string{"x=y", "code_verifier=" + strings.Repeat("x", 43), "redirect_uri=https://rp.test/other"} {
			fresh := w.code("tracker")
			wantError(t, w.post("/oauth2/token", redeeming(fresh, mine, fault)), 401, "invalid_client")
			ok(t, w.redeem("tracker", fresh))
		}
		theirs := w.code("old")
		wantError(t, w.post("/oauth2/token", redeeming(theirs, mine)), 401, "invalid_client")
		ok(t, w.redeem("old", theirs))
	})
}

// The same holds for a refresh token, once its answer cannot have got lost any more.
func TestAReplacedRefreshTokenThatComesWithAUsedAssertionEndsItsFamily(t *testing.T) { // RFC 9700 §4.14.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.edit("tracker", func(c *clients.Client) {
			c.GrantTypes, c.Scopes = []string{"authorization_code", "refresh_token"}, []string{"openid", "profile", "offline_access"}
		})
		first, assertion := w.offline("tracker")["refresh_token"].(string), w.assertion("tracker", nil)
		form := with(redeeming("", assertion), "code", "grant_type=refresh_token", "refresh_token="+first)
		second := ok(t, w.post("/oauth2/token", form))
		wantError(t, w.post("/oauth2/token", form), 401, "invalid_client") // sent again at once, by a proxy
		if got := w.userinfo(second["access_token"]); got.StatusCode != 200 {
			t.Fatalf("a repetition ended the family: status %d", got.StatusCode)
		}
		w.clock.Move(30 * time.Second)
		wantError(t, w.post("/oauth2/token", form), 401, "invalid_client")
		wantError(t, w.refresh("tracker", second["refresh_token"]), 400, "invalid_grant")
		if n := len(w.events("refresh_token.reused")); n != 1 {
			t.Errorf("%d audit events, want 1", n)
		}
	})
}

// Whoever brings a used token again and again does not fill the audit log.
func TestWhatIsReusedAgainAndAgainIsToldOnceAMinute(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.offline("basic")["refresh_token"]
		ok(t, w.refresh("basic", ok(t, w.refresh("basic", first))["refresh_token"]))
		code := w.code("basic")
		ok(t, w.redeem("basic", code))
		for range 5 {
			wantError(t, w.refresh("basic", first), 400, "invalid_grant")
			wantError(t, w.redeem("basic", code), 400, "invalid_grant")
		}
		for _, action := range []string{"refresh_token.reused", "code.reused"} {
			if n := len(w.events(action)); n > 2 { // that it ended something, and that it came again
				t.Errorf("%s: %d audit events", action, n)
			}
		}
		before := len(w.events("refresh_token.reused"))
		w.clock.Move(time.Minute)
		wantError(t, w.refresh("basic", first), 400, "invalid_grant")
		if n := len(w.events("refresh_token.reused")) - before; n != 1 {
			t.Errorf("a minute later: %d audit events, want 1", n)
		}
	})
}

// What a refused request leads to is counted and told once, also when PostgreSQL has the
// transaction run again because of its neighbours.
func TestWhatIsRunAgainIsCountedAndToldOnce(t *testing.T) {
	d := dbtest.Postgres(t, schema.FS)
	w := startOn(t, d).logIn()
	w.provider.Count = func(event string) { w.counted[event]++ }
	for _, text := range []string{
		`create sequence tries`,
		`create function refuse() returns trigger language plpgsql as $$ begin
			if nextval('tries') = 1 then raise exception 'could not serialize access' using errcode = '40001'; end if;
			return new; end $$`,
		`create trigger refuse before insert on audit_events for each row when (new.action in ('code.reused', 'code.burnt')) execute function refuse()`,
	} {
		_, err := d.Exec(t.Context(), text)
		must(t, err)
	}
	once := func(what, counted, action string, request func() answer) {
		t.Helper()
		_, err := d.Exec(t.Context(), `alter sequence tries restart`)
		must(t, err)
		count, told := w.counted[counted], len(w.events(action))
		wantError(t, request(), 400, "invalid_grant")
		if count, told = w.counted[counted]-count, len(w.events(action))-told; count != 1 || told != 1 {
			t.Errorf("%s: counted %d times and told %d times, want once", what, count, told)
		}
	}
	code := w.code("basic")
	ok(t, w.redeem("basic", code))
	again := func() answer { return w.redeem("basic", code) }
	once("a used code", "code.reused", "code.reused", again)
	once("a used code, again", "code.reused", "code.reused", again)
	once("a code with a wrong client", "code_burnt", "code.burnt", func() answer { return w.redeem("post", w.code("basic")) })
}
