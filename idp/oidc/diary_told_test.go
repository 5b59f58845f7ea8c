package oidc_test

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// switchOff disables a client, as the operator does who takes it out of the file.
func (w *world) switchOff(id string) {
	w.t.Helper()
	all, err := w.provider.Clients.List(w.t.Context())
	must(w.t, err)
	must(w.t, w.provider.Clients.Sync(w.t.Context(), slices.DeleteFunc(all, func(c clients.Client) bool { return c.ID == id })))
}

// A client that is switched off is answered as one that nobody knows; its own developer
// learns why, at every endpoint.
func TestTheDiaryTellsThatAClientIsSwitchedOff(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.keepsDiary()
		tokens, code := w.tokens("basic"), w.code("basic")
		w.diary("basic")
		w.switchOff("basic")
		alike := func(off, unknown answer) {
			t.Helper()
			if off.StatusCode != unknown.StatusCode || off.Body != unknown.Body || off.Header.Get("Location") != unknown.Header.Get("Location") {
				t.Errorf("a client that is switched off: %d %s\none that nobody knows: %d %s", off.StatusCode, off.Body, unknown.StatusCode, unknown.Body)
			}
		}
		knock := func(path string) func() {
			return func() {
				form := url.Values{"grant_type": {"client_credentials"}, "token": {"x"}}
				alike(w.post(path, form, basicAuth("basic", basicSecret)), w.post(path, form, basicAuth("nobody", basicSecret)))
			}
		}
		w.diaryAfter("basic", []notes{
			{func() { wantPage(t, "authorize", w.authorize("basic")) }, `authorize invalid_request "disabled" map[]`},
			{func() { wantPage(t, "twice", w.authorize("basic", "+scope=email")) }, `authorize invalid_request "disabled" map[]`},
			{func() { wantError(t, w.redeem("basic", code), 401, "invalid_client") }, `token invalid_client "disabled" map[]`},
			{knock("/oauth2/token"), `token invalid_client "disabled" map[]`},
			{knock("/oauth2/par"), `par invalid_client "disabled" map[]`},
			{knock("/oauth2/revoke"), `revoke invalid_client "disabled" map[]`},
			{knock("/oauth2/introspect"), `introspect invalid_client "disabled" map[]`},
			{knock("/oauth2/device_authorization"), `device_authorization invalid_client "disabled" map[]`},
			{func() { w.userinfo(tokens["access_token"]) }, `userinfo invalid_token "disabled" map[]`},
			{func() { w.get("/oauth2/logout?client_id=basic&post_logout_redirect_uri=https://rp.test/") }, `logout invalid_request "disabled" map[]`},
		})
		if got := w.diary("nobody"); len(got) != 0 {
			t.Errorf("of a client that nobody knows %d requests are written", len(got))
		}
	})
}

// Why a code is no good is told to the developer of the client that brought it, and the
// answer is the same for all of it (RFC 6749 §5.2).
func TestTheDiaryTellsWhatIsWrongWithACode(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.keepsDiary()
		refresh := w.offline("basic")["refresh_token"].(string)
		w.add(clients.Client{
			ID: "other", RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretPost, SecretDigests: digest(postSecret), FirstParty: true,
			GrantTypes: []string{"authorization_code", "refresh_token"},
		})
		var said []string
		brings := func(client, code string) {
			t.Helper()
			got := w.redeem(client, code, "client_id="+client, "client_secret="+postSecret)
			wantError(t, got, 400, "invalid_grant")
			said = append(said, got.Body)
		}
		w.diaryAfter("post", []notes{
			{func() { code := w.code("post"); w.clock.Move(87 * time.Second); brings("post", code) }, `token invalid_grant "code_expired" map[age:87 lives:60]`},
			{func() { code := w.code("post"); brings("post", code[:len(code)-1]) }, `token invalid_grant "code_unknown" map[]`},
			{func() { brings("post", w.code("basic")) }, `token invalid_grant "code_elsewhere" map[]`},
			{func() { code := w.code("basic"); w.clock.Move(87 * time.Second); brings("post", code) }, `token invalid_grant "code_elsewhere" map[]`},
		})
		w.diaryAfter("other", []notes{
			{func() {
				form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"other"}, "client_secret": {postSecret}}
				wantError(t, w.token(form, ""), 400, "invalid_grant")
			}, `token invalid_grant "code_elsewhere" map[]`},
		})
		for _, one := range said {
			if one != said[0] {
				t.Errorf("answered %s, and %s", one, said[0])
			}
		}
		for _, one := range w.diary("basic") {
			if one.Outcome != "ok" {
				t.Errorf("the client that the code was given to is told %+v", one)
			}
		}
	})
}

// An iat has whole seconds: a clock that is right differs by none, whatever part of a second
// ours shows.
func TestTheDiaryComparesWholeSeconds(t *testing.T) {
	w := withDiary(t)
	w.clock.Move(900 * time.Millisecond)
	at := func(seconds int64) func() {
		return func() {
			now := w.clock.Now().Unix()
			w.redeem("tracker", "x", "client_assertion="+w.assertion("tracker", func(c map[string]any) { c["iat"], c["nbf"], c["exp"] = now+seconds, now, now+60 }))
		}
	}
	w.diaryAfter("tracker", []notes{
		{at(0), `token invalid_grant "code_unknown" map[clock:0 clock_by:assertion]`},
		{at(90), `token invalid_client "clock" map[clock:90 clock_by:assertion]`},
		{at(-400), `token invalid_grant "code_unknown" map[clock:-400 clock_by:assertion]`},
	})
}

// What is missing is told as missing, and not as wrong.
func TestTheDiaryTellsWhatIsMissing(t *testing.T) {
	w := withDiary(t)
	sends := func(changes ...string) func() { return func() { w.authorize("basic", changes...) } }
	w.diaryAfter("basic", []notes{
		{sends("redirect_uri"), `authorize invalid_request "redirect_missing" map[]`},
		{sends("code_challenge_method"), `authorize invalid_request "pkce_no_method" map[]`},
		{sends("code_challenge"), `authorize invalid_request "other" map[why:The parameter code_challenge is missing.]`},
		{func() { w.redeem("basic", w.code("basic"), "code_verifier") }, `token invalid_grant "pkce_no_verifier" map[]`},
		{func() { w.redeem("basic", w.code("basic"), "code_verifier="+verifier+"x") }, `token invalid_grant "pkce_mismatch" map[]`},
		{func() { w.redeem("basic", w.code("basic", "code_challenge", "code_challenge_method")) }, `token invalid_grant "pkce_no_challenge" map[]`},
		{func() { w.post("/oauth2/par", request("basic", "redirect_uri"), basicAuth("basic", basicSecret)) }, `par invalid_request "redirect_missing" map[]`},
	})
}

// An assertion that is refused before anybody looks whose it is, is told to whom it names,
// and one that lives for too long with how long it may. RFC 7523 §3.
func TestTheDiaryTellsWhatIsWrongWithAnAssertion(t *testing.T) {
	w := withDiary(t)
	refuses := func(client string, change func(c map[string]any), form ...string) func() {
		return func() {
			text := w.assertion(client, func(c map[string]any) { delete(c, "iat"); change(c) })
			wantError(t, w.redeem(client, "x", append(form, "client_assertion="+text)...), 401, "invalid_client")
		}
	}
	wrongIssuer := func(c map[string]any) { c["iss"] = "https://rp.test" }
	lives := func(after time.Duration) func(c map[string]any) {
		return func(c map[string]any) { c["exp"] = w.clock.Now().Add(after).Unix() }
	}
	const names = `token invalid_client "assertion" map[why:The client assertion has to name the client as iss and sub.]`
	w.diaryAfter("tracker", []notes{
		{refuses("tracker", wrongIssuer, "client_id"), names},
		{refuses("tracker", wrongIssuer, "client_id=tracker"), names},
		{refuses("tracker", func(c map[string]any) { delete(c, "exp") }), `token invalid_client "assertion" map[why:The client assertion needs an exp.]`},
		{refuses("tracker", lives(6*time.Minute)), `token invalid_client "assertion" map[why:The client assertion lives for too long: five minutes are the most.]`},
	})
	w.diaryAfter("old", []notes{
		{refuses("old", lives(2*time.Hour)), `token invalid_client "assertion" map[why:The client assertion lives for too long: an hour is the most.]`},
	})
}
