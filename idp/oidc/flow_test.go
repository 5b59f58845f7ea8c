package oidc_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

func TestCodeFlow(t *testing.T) { // OIDC Core §3.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for _, client := range []string{"tracker", "basic", "post", "old"} {
			got := w.authorize(client)
			sent := got.sent(t)
			if sent.Get("state") != "the-state" || sent.Get("iss") != w.provider.Issuer || sent.Get("session_state") == "" || len(sent) != 4 {
				t.Errorf("%s: answer %v, want state and iss", client, sent)
			}
			tokens := w.redeem(client, sent.Get("code")).json(t)
			if tokens["token_type"] != "Bearer" || tokens["expires_in"] != 300.0 || tokens["refresh_token"] != nil {
				t.Errorf("%s: tokens %v", client, tokens)
			}
			header, id := w.claims(tokens["id_token"])
			want := "RS256"
			if client == "tracker" {
				want = "ES256"
			}
			if header.Algorithm != want || header.KeyID == "" {
				t.Errorf("%s: ID token header %v, want alg %s and a kid", client, header, want)
			}
			for name, value := range map[string]any{
				"iss": w.provider.Issuer, "aud": client, "sub": w.person.Subject, "nonce": "the-nonce", "acr": "1", "auth_time": float64(w.session.AuthTime.Unix()),
			} {
				if id[name] != value {
					t.Errorf("%s: ID token %s is %v, want %v", client, name, id[name], value)
				}
			}
			for _, name := range []string{"name", "email", "scope", "rat", "sid"} {
				if id[name] != nil {
					t.Errorf("%s: ID token has %s", client, name)
				}
			}
			if sub := w.userinfo(tokens["access_token"]).json(t)["sub"]; sub != w.person.Subject {
				t.Errorf("%s: userinfo sub %v, want %v", client, sub, w.person.Subject)
			}
		}
	})
}

func TestNonceIsOptionalForTheCodeFlow(t *testing.T) { // OIDC Core §3.1.2.1
	w := start(t).logIn()
	if _, id := w.claims(w.tokens("basic", "nonce")["id_token"]); id["nonce"] != nil {
		t.Errorf("nonce %v, want none", id["nonce"])
	}
}

func TestShortStateAndNonceAreTheClientsBusiness(t *testing.T) { // fosite demands eight characters
	w := start(t).logIn()
	sent := w.authorize("basic", "state=x", "nonce=y").sent(t)
	if sent.Get("state") != "x" {
		t.Errorf("state %q, want x", sent.Get("state"))
	}
	if _, id := w.claims(w.redeem("basic", sent.Get("code")).json(t)["id_token"]); id["nonce"] != "y" {
		t.Errorf("nonce %v, want y", id["nonce"])
	}
}

func TestAccessTokenHash(t *testing.T) { // OIDC Core §3.1.3.6
	w := start(t).logIn()
	tokens := w.tokens("tracker")
	sum := sha256.Sum256([]byte(tokens["access_token"].(string)))
	_, id := w.claims(tokens["id_token"])
	if want := base64.RawURLEncoding.EncodeToString(sum[:16]); id["at_hash"] != want {
		t.Errorf("at_hash %v, want %s", id["at_hash"], want)
	}
}

func TestOnlyDigestsAreStored(t *testing.T) {
	w := start(t).logIn()
	code := w.code("basic")
	tokens := w.tokens("post")
	stored := w.dump("select payload from once", "select session from grants", "select record from clients", "select details from audit_events")
	for _, secret := range []string{half(code), half(tokens["access_token"].(string)), basicSecret, postSecret} {
		if strings.Contains(stored, secret) {
			t.Errorf("the database holds %q", secret)
		}
	}
}

func TestCodeWorksOnce(t *testing.T) { // RFC 6749 §4.1.2, fosite keeps nothing of this by itself
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for _, pause := range []time.Duration{time.Second, 30 * time.Second, 23 * time.Hour} {
			w.logIn()
			code := w.code("tracker")
			tokens := w.redeem("tracker", code).json(t)
			w.clock.Move(pause)
			wantError(t, w.redeem("tracker", code), 400, "invalid_grant")
			if got := w.userinfo(tokens["access_token"]); got.StatusCode != 401 {
				t.Errorf("after %v: the first access token still works: status %d", pause, got.StatusCode)
			}
		}
		if n := len(w.events("code.reused")); n != 3 {
			t.Errorf("%d audit events, want 3", n)
		}
	})
}

// Of any number of requests with one code, one gets tokens and none a server error.
// fosite #778: its storage interface alone cannot promise that.
func TestParallelRedemptionHasOneWinner(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		const callers, rounds = 50, 4
		w := startOn(t, d).logIn()
		for range rounds {
			for _, client := range []string{"tracker", "post"} {
				code := w.code(client)
				forms := make([]url.Values, callers)
				for i := range forms {
					form, _ := w.proof(client)
					forms[i] = with(form, "grant_type=authorization_code", "code="+code, "redirect_uri="+callback, "code_verifier="+verifier)
				}
				answers := make([]answer, callers)
				var ready, done sync.WaitGroup
				ready.Add(1)
				for i := range callers {
					done.Go(func() {
						ready.Wait()
						answers[i] = w.post("/oauth2/token", forms[i])
					})
				}
				ready.Done()
				done.Wait()
				wantOneWinner(t, answers, 400, "invalid_grant")
			}
		}
	})
}

func TestExpiredCode(t *testing.T) { // FAPI 2.0 §5.3.2.1: at most 60 seconds
	w := start(t).logIn()
	late, good := w.code("tracker"), w.code("tracker")
	w.clock.Move(59 * time.Second)
	if got := w.redeem("tracker", good); got.StatusCode != 200 {
		t.Errorf("after 59 s: %s", got.Body)
	}
	w.clock.Move(2 * time.Second)
	wantError(t, w.redeem("tracker", late), 400, "invalid_grant")
}

func TestCodeIsBoundToItsClient(t *testing.T) { // RFC 6749 §4.1.3
	w := start(t).logIn()
	code := w.code("basic")
	wantError(t, w.redeem("post", code), 400, "invalid_grant")
	wantError(t, w.redeem("basic", code), 400, "invalid_grant") // it was in other hands: burnt
	events := w.events("code.burnt")
	if len(events) != 1 || events[0].Client != "post" || events[0].Details["issued_to"] != "basic" {
		t.Errorf("audit %v, want one code.burnt by post", events)
	}
}

func TestCodeIsBoundToItsRedirectURI(t *testing.T) { // RFC 6749 §4.1.3
	w := start(t).logIn()
	for _, other := range []string{"redirect_uri=https://rp.test/other", "redirect_uri", "redirect_uri=" + callback + "/"} {
		code := w.code("tracker")
		wantError(t, w.redeem("tracker", code, other), 400, "invalid_grant")
		wantError(t, w.redeem("tracker", code), 400, "invalid_grant")
	}
}

// PKCE downgrade: a wrong verifier must not open the door to a try without one.
// fosite #883: its handler deletes the challenge first.
func TestWrongVerifierBurnsTheCode(t *testing.T) {
	w := start(t).logIn()
	for _, client := range []string{"tracker", "basic"} {
		for _, first := range []string{"code_verifier=" + strings.ToUpper(verifier), "code_verifier", "code_verifier=short", "code_verifier=" + challenge()} {
			code := w.code(client)
			wantError(t, w.redeem(client, code, first), 400, "invalid_grant")
			wantError(t, w.redeem(client, code, "code_verifier"), 400, "invalid_grant")
			wantError(t, w.redeem(client, code), 400, "invalid_grant")
		}
	}
}

func TestVerifierWithoutAChallenge(t *testing.T) { // RFC 9700 §2.1.1: the downgrade the other way round
	w := start(t).logIn()
	code := w.code("basic", "code_challenge", "code_challenge_method")
	wantError(t, w.redeem("basic", code), 400, "invalid_grant")
}

func TestPKCEIsDecidedPerClient(t *testing.T) { // fosite knows one setting for all
	w := start(t).logIn()
	none := []string{"code_challenge", "code_challenge_method"}
	if got := w.redeem("basic", w.code("basic", none...), "code_verifier"); got.StatusCode != 200 {
		t.Errorf("a confidential client without PKCE: %s", got.Body)
	}
	for _, client := range []string{"tracker", "native"} {
		if sent := w.authorize(client, none...).sent(t); sent.Get("error") != "invalid_request" || sent.Get("iss") == "" {
			t.Errorf("%s without PKCE: %v, want invalid_request", client, sent)
		}
	}
}

func TestOnlyS256(t *testing.T) { // RFC 9700 §2.1.1
	w := start(t).logIn()
	for _, change := range [][]string{
		{"code_challenge_method=plain"}, {"code_challenge_method"}, {"code_challenge_method=s256"},
		{"code_challenge=tooshort"}, {"code_challenge=" + strings.Repeat("=", 43)}, {"code_challenge"},
	} {
		if sent := w.authorize("tracker", change...).sent(t); sent.Get("error") != "invalid_request" || sent.Get("code") != "" {
			t.Errorf("%v: %v, want invalid_request", change, sent)
		}
	}
}

func TestCodeOfAnEndedSession(t *testing.T) {
	w := start(t).logIn()
	code := w.code("basic")
	must(t, w.provider.Sessions.End(context.Background(), w.session.ID))
	wantError(t, w.redeem("basic", code), 400, "invalid_grant")
}

func TestTokenEndpointRefusesWhatIsNoRequest(t *testing.T) { // RFC 6749 §3.2, §5.2
	w := start(t).logIn()
	for _, c := range []struct {
		name    string
		changes []string
		want    string
	}{
		{"no grant type", []string{"grant_type"}, "invalid_request"},
		{"unknown grant type", []string{"grant_type=password"}, "unsupported_grant_type"},
		{"two grant types", []string{"grant_type=authorization_code refresh_token"}, "unsupported_grant_type"},
		{"no code", []string{"code"}, "invalid_request"},
		{"empty code", []string{"code="}, "invalid_request"},
		{"unknown code", []string{"code=" + secret.NewToken().String()}, "invalid_grant"},
		{"malformed code", []string{"code=x"}, "invalid_grant"},
		{"code twice", []string{"+code=x"}, "invalid_request"},
	} {
		if got := w.redeem("basic", "filled-in", c.changes...); got.StatusCode != 400 || got.json(t)["error"] != c.want {
			t.Errorf("%s: status %d %s, want %s", c.name, got.StatusCode, got.Body, c.want)
		}
	}
	wantError(t, w.post("/oauth2/token", url.Values{}, "Content-Type: application/json"), 400, "invalid_request")
	wantError(t, w.post("/oauth2/token", url.Values{}, "Content-Type: multipart/form-data; boundary=x"), 400, "invalid_request")
	if got := w.get("/oauth2/token"); got.StatusCode != 405 {
		t.Errorf("GET: status %d, want 405", got.StatusCode)
	}
	big := w.post("/oauth2/token", url.Values{"x": {strings.Repeat("a", 1<<20)}})
	wantError(t, big, 413, "invalid_request")
}

func TestLogsHoldNoSecrets(t *testing.T) {
	w := start(t)
	var lines bytes.Buffer
	w.provider.Log = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.logIn()
	code, proof := w.code("tracker"), w.assertion("tracker", nil)
	tokens := w.redeem("tracker", code, "client_assertion="+proof).json(t)
	w.redeem("tracker", code)
	w.redeem("basic", code, "client_secret="+basicSecret)
	w.authorize("tracker", "prompt=foo", "state=secret-state")
	w.authorize("tracker", "client_id=nobody", "state=secret-state")
	w.logout("id_token_hint=" + tokens["id_token"].(string) + "x")
	w.userinfo(tokens["access_token"].(string) + "x")
	if lines.Len() == 0 {
		t.Error("nothing was logged at all")
	}
	stored := w.dump("select details from audit_events")
	for _, secret := range []string{half(code), half(tokens["access_token"].(string)), tokens["id_token"].(string), proof, basicSecret, "secret-state", verifier} {
		if strings.Contains(lines.String(), secret) || strings.Contains(stored, secret) {
			t.Errorf("%.20s… is in the log:\n%s", secret, lines.String())
		}
	}
}

// half is the secret half of a token.
func half(token string) string {
	_, s, _ := strings.Cut(token, ".")
	return s
}

// dump reads text columns.
func (w *world) dump(queries ...string) string {
	var all strings.Builder
	for _, q := range queries {
		rows, err := db.Collect(context.Background(), w.db, q, nil, func(scan db.Scan) (s string, err error) { return s, scan(&s) })
		must(w.t, err)
		all.WriteString(strings.Join(rows, "\n"))
	}
	return all.String()
}
