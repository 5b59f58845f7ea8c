package oidc_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// notes is one thing that is done and the line that the diary of its client has then.
type notes struct {
	do   func()
	want string // endpoint, outcome, reason and details
}

// diaryAfter does each thing and compares the newest line of the client's diary.
func (w *world) diaryAfter(client string, all []notes) {
	w.t.Helper()
	for _, c := range all {
		before := len(w.diary(client))
		c.do()
		got := w.diary(client)
		if len(got) == before && before < clients.DiaryKeeps {
			w.t.Errorf("nothing was written, want %s", c.want)
			continue
		}
		if line := fmt.Sprintf("%s %s %q %v", got[0].Endpoint, got[0].Outcome, got[0].Reason, got[0].Details); line != c.want {
			w.t.Errorf("\n got %s\nwant %s", line, c.want)
		}
	}
}

func (w *world) keepsDiary() {
	w.provider.Diary = &clients.Diary{DB: w.db, Clock: w.provider.Clock, Log: w.provider.Log}
}

// The clock of a client is measured by its proofs as well (RFC 9449 §4.2): one that is
// 90 s ahead is told so, at every endpoint that takes proofs.
func TestTheDiaryMeasuresClocksByProofs(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		one, _ := twoBanks(t, d, clients.FAPI2Security)
		one.keepsDiary()
		now := one.clock.Now().Unix()
		token := one.holds()["access_token"].(string)
		redeemsAt := func(iat any) func() {
			return func() { one.redeems(one.gets(), nil, one.proves("POST", "/oauth2/token", edits{"iat": iat})) }
		}
		pushesAt := func(iat any) func() {
			return func() { one.pushes(one.wants(), one.proves("POST", "/oauth2/par", edits{"iat": iat})) }
		}
		callsAt := func(iat any) func() { return func() { one.calls(token, edits{"iat": iat}) } }
		one.diaryAfter("one", []notes{
			{redeemsAt(now + 3), `token ok "" map[clock:3 clock_by:proof]`},
			{redeemsAt(now + 90), `token invalid_dpop_proof "clock" map[clock:90 clock_by:proof]`},
			{redeemsAt(now - 61), `token invalid_dpop_proof "clock" map[clock:-61 clock_by:proof]`},
			{pushesAt(now + 3), `par ok "" map[clock:3 clock_by:proof]`},
			{pushesAt(now + 90), `par invalid_dpop_proof "clock" map[clock:90 clock_by:proof]`},
			{callsAt(now - 3), `userinfo ok "" map[clock:-3 clock_by:proof]`},
			{callsAt(now + 90), `userinfo invalid_dpop_proof "clock" map[clock:90 clock_by:proof]`},
			{callsAt(now - 5*3600 - 1800), `userinfo invalid_dpop_proof "clock_zone" map[clock:-19800 clock_by:proof]`},
			{callsAt(now * 1000), `userinfo invalid_dpop_proof "milliseconds" map[]`},
			{callsAt("tomorrow"), `userinfo invalid_dpop_proof "proof" map[why:The DPoP proof could not be read, or is not signed with the key in it.]`},
			{callsAt(nil), `userinfo invalid_dpop_proof "proof" map[why:The DPoP proof is not of this moment.]`},
		})
	})
}

func TestTheDiaryTellsWhatIsWrongWithAProof(t *testing.T) { // RFC 9449 §4.3
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	one.keepsDiary()
	issuer := one.provider.Issuer
	token := one.holds()["access_token"].(string)
	again := one.proves("GET", "/oauth2/userinfo", edits{"ath": hashOf(token)})
	clock := "clock:0 clock_by:proof"
	one.diaryAfter("one", []notes{
		{func() { one.calls(token, edits{"htu": issuer + "/oauth2/userinfo/"}) },
			`userinfo invalid_dpop_proof "proof_url" map[` + clock + ` given:` + issuer + `/oauth2/userinfo/ registered:` + issuer + `/oauth2/userinfo]`},
		{func() { one.calls(token, edits{"htu": "https://rp.test/?token=a-very-secret-value"}) },
			`userinfo invalid_dpop_proof "proof_url" map[` + clock + ` given:https://rp.test/?token=… registered:` + issuer + `/oauth2/userinfo]`},
		{func() { one.calls(token, edits{"htm": "POST"}) },
			`userinfo invalid_dpop_proof "proof_method" map[` + clock + ` given:POST registered:GET]`},
		{func() { one.callsWith(token, again); one.callsWith(token, again) },
			`userinfo invalid_dpop_proof "proof_replayed" map[` + clock + `]`},
		{func() { one.userinfo(token) }, `userinfo invalid_token "proof_missing" map[]`},
		{func() { one.redeems(one.gets(), nil, "Accept: application/json") }, `token invalid_dpop_proof "proof_missing" map[clock:0 clock_by:assertion]`},
	})
}

func TestTheDiaryTellsThatANonceIsNeeded(t *testing.T) { // RFC 9449 §8
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	one.keepsDiary()
	code := one.gets()
	one.provider.DPoPNonce = true
	one.diaryAfter("one", []notes{
		{func() { one.redeems(code, nil) }, `token use_dpop_nonce "proof_nonce" map[clock:0 clock_by:proof]`},
	})
}

func TestTheDiaryKnowsPushedRequests(t *testing.T) { // RFC 9126 §2.3
	one, _ := twoBanks(t, dbtest.SQLite(t, schema.FS), clients.FAPI2Security)
	one.keepsDiary()
	clock := "clock:0 clock_by:assertion"
	uri := one.pushed()
	one.diaryAfter("one", []notes{
		{func() { one.pushed() }, `par ok "" map[` + clock + `]`},
		{func() { one.pushes(one.wants("redirect_uri=https://rp.test/cb/")) },
			`par invalid_request "redirect_uri" map[` + clock + ` given:https://rp.test/cb/ registered:https://rp.test/cb]`},
		{func() { one.pushes(one.wants("code_challenge")) }, `par invalid_request "pkce_missing" map[` + clock + `]`},
		{func() { one.authorize("one") }, `authorize invalid_request "pushed_missing" map[]`},
		{func() { one.visits(uri); one.visits(uri) }, `authorize invalid_request_uri "pushed_over" map[]`},
		{func() { one.visits("urn:ietf:params:oauth:request_uri:nonsense") }, `authorize invalid_request "pushed_unknown" map[]`},
	})
}

func TestTheDiaryKnowsEveryEndpointOfAClient(t *testing.T) {
	w := start(t).logIn()
	w.keepsDiary()
	tokens := w.tokens("basic")
	access, identity := tokens["access_token"].(string), tokens["id_token"].(string)
	bare := w.tokens("basic", "scope=profile")["access_token"]
	asks := func(path, token string) func() {
		return func() { w.post(path, url.Values{"token": {token}}, basicAuth("basic", basicSecret)) }
	}
	bye := func(changes ...string) func() {
		v := url.Values{"id_token_hint": {identity}, "client_id": {"basic"}, "post_logout_redirect_uri": {"https://rp.test/"}}
		return func() { w.get("/oauth2/logout?" + with(v, changes...).Encode()) }
	}
	wrong := basicAuth("basic", "wrong")
	w.diaryAfter("basic", []notes{
		{func() { w.userinfo(access) }, `userinfo ok "" map[]`},
		{func() { w.userinfo(bare) }, `userinfo insufficient_scope "token_scope" map[]`},
		{asks("/oauth2/introspect", access), `introspect ok "" map[]`},
		{func() { w.post("/oauth2/introspect", url.Values{"token": {access}}, wrong) }, `introspect invalid_client "secret" map[]`},
		{asks("/oauth2/introspect", ""), `introspect invalid_request "other" map[why:The parameter token is missing.]`},
		{func() { w.post("/oauth2/revoke", url.Values{"token": {access}}, wrong) }, `revoke invalid_client "secret" map[]`},
		{asks("/oauth2/revoke", access), `revoke ok "" map[]`},
		{func() { w.userinfo(access) }, `userinfo invalid_token "token_over" map[]`},
		{asks("/oauth2/device_authorization", access), `device_authorization unauthorized_client "unregistered" map[]`},
		{func() { w.get("/oauth2/authorize?" + request("basic", "+state=again").Encode()) }, `authorize invalid_request "twice" map[parameter:state]`},
		{func() { w.authorize("basic", "response_type=token") }, `authorize unsupported_response_type "response_type" map[given:token]`},
		{func() { w.authorize("basic", "prompt=none", "max_age=0") }, `authorize login_required "login_required" map[]`},
		{func() {
			w.post("/oauth2/token", url.Values{"grant_type": {"password"}}, basicAuth("basic", basicSecret))
		},
			`token unsupported_grant_type "grant_type" map[given:password]`},
		{bye("post_logout_redirect_uri=https://rp.test"), `logout invalid_request "logout_uri" map[given:https://rp.test registered:https://rp.test/]`},
		{bye("id_token_hint=nonsense"), `logout invalid_request "logout_hint" map[]`},
		{bye("id_token_hint"), `logout ok "logout_asks" map[]`},
		{bye(), `logout ok "" map[]`},
	})
}

// What was sent is never written as it came where it may be a secret, whatever went
// wrong with it.
func TestTheDiaryHoldsNoSecret(t *testing.T) {
	w := start(t).logIn()
	w.keepsDiary()
	tokens := w.tokens("post", "nonce=nonce-of-this-run", "state=state-of-this-run")
	code := w.code("post")
	secrets := []string{postSecret, code, verifier, tokens["access_token"].(string), tokens["id_token"].(string), "nonce-of-this-run", "state-of-this-run", "hanako"}
	w.redeem("post", code, "redirect_uri=https://rp.test/cb?code="+code)
	w.redeem("post", code, "grant_type="+code)
	w.redeem("post", w.code("post"), "code_verifier="+postSecret)
	w.authorize("post", "redirect_uri=https://hanako:"+postSecret+"@rp.test/cb?access_token="+tokens["access_token"].(string))
	w.authorize("post", "scope=openid "+postSecret, "login_hint=hanako@example.org")
	w.userinfo(tokens["access_token"])
	w.get("/oauth2/logout?" + url.Values{"client_id": {"post"}, "id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {"https://rp.test/#" + code}}.Encode())
	all := w.diary("post")
	if len(all) < 9 {
		t.Fatalf("%d requests, want all of them", len(all))
	}
	for _, r := range all {
		line := fmt.Sprint(r.Endpoint, r.Outcome, r.Reason, r.Details)
		for _, one := range secrets {
			if strings.Contains(line, one) {
				t.Errorf("%q is in %s", one, line)
			}
		}
	}
}
