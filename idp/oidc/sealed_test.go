package oidc_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

// A code travels in a URL, whatever the request was about. Such a one works once, too.
func TestACodeWithMuchToSayStaysShort(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w)
		w.logIn()
		much := `authorization_details=[{"type":"transfer","note":"` + strings.Repeat("for a reason, ", 200) + `"}]`
		for name, code := range map[string]string{
			"plain": w.code("shop", "scope=openid orders.read"), "much": w.code("shop", "scope=openid orders.read", much),
		} {
			if len(code) > 1700 || name == "much" && len(code) > 128 {
				t.Errorf("%s: a code of %d characters", name, len(code))
			}
			answers := make([]answer, 20)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					answers[i] = w.ask("shop", clients.AuthorizationCode, "code="+code, "redirect_uri="+callback, "code_verifier="+verifier)
				})
			}
			all.Wait()
			wantOneWinner(t, answers, 400, "invalid_grant")
		}
		late := w.code("shop", "scope=openid orders.read", much)
		w.clock.Move(time.Minute)
		wantError(t, w.ask("shop", clients.AuthorizationCode, "code="+late, "redirect_uri="+callback, "code_verifier="+verifier), 400, "invalid_grant")
	})
}

// A code that nobody used and that comes too late is no sign of a thief.
func TestAnExpiredCodeIsNotAUsedOne(t *testing.T) {
	w := start(t).logIn()
	code := w.code("basic")
	w.clock.Move(time.Minute)
	wantError(t, w.redeem("basic", code), 400, "invalid_grant")
	wantError(t, w.redeem("basic", code), 400, "invalid_grant")
	if n := len(w.events("code.reused")) + len(w.events("code.burnt")); n != 0 {
		t.Errorf("%d audit events", n)
	}
}

// Whoever brings a code with something wrong burns it, also after it was used.
func TestAUsedCodeThatComesWithAnotherVerifierEndsItsTokens(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		code := w.code("basic")
		tokens := w.redeem("basic", code).json(t)
		wantError(t, w.redeem("basic", code, "code_verifier="+strings.Repeat("x", 43)), 400, "invalid_grant")
		if got := w.userinfo(tokens["access_token"]); got.StatusCode != 401 {
			t.Errorf("the access token: status %d, want 401", got.StatusCode)
		}
		if used, burnt := len(w.events("code.reused")), len(w.events("code.burnt")); used != 1 || burnt != 0 {
			t.Errorf("%d events of reuse, %d of burning, want 1 and 0", used, burnt)
		}
	})
}

// Whatever else is wrong with the request that brings a used code, the code is a used one:
// whoever has it a second time may be a thief who does not know what belongs with it. One
// that nobody used is not burnt by that, since its client may mend the request.
func TestAUsedCodeThatComesWithAnotherFaultEndsItsTokens(t *testing.T) { // RFC 6749 §4.1.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for fault, want := range map[string]string{"resource=https://elsewhere.test/": "invalid_target", "authorization_details=x": "invalid_authorization_details"} {
			code := w.code("basic")
			wantError(t, w.redeem("basic", code, fault), 400, want)
			tokens := w.redeem("basic", code).json(t)
			before := len(w.events("code.reused"))
			wantError(t, w.redeem("basic", code, fault), 400, want)
			if got := w.userinfo(tokens["access_token"]); got.StatusCode != 401 {
				t.Errorf("%s: the access token: status %d, want 401", want, got.StatusCode)
			}
			if n := len(w.events("code.reused")) - before; n != 1 {
				t.Errorf("%s: %d audit events, want 1", want, n)
			}
			wantError(t, w.redeem("basic", code, fault), 400, want)
			if n := len(w.events("code.reused")) - before; n != 1 {
				t.Errorf("%s, once more: %d audit events, want 1", want, n)
			}
		}
	})
}

// Somebody who knows the id of a grant, and not what its tokens have in common, can
// neither use nor end it.
func TestAnInventedRefreshTokenEndsNothing(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		newest := w.offline("basic")["refresh_token"].(string)
		for range 3 {
			newest = ok(t, w.refresh("basic", newest))["refresh_token"].(string)
		}
		w.clock.Move(time.Minute)
		id, sec, _ := strings.Cut(newest, ".")
		own, err := base64.RawURLEncoding.DecodeString(sec)
		must(t, err)
		for turn := range byte(7) {
			invented := append([]byte{0, 0, 0, turn}, secret.Bytes(48)...)
			wantError(t, w.refresh("basic", id+"."+base64.RawURLEncoding.EncodeToString(invented)), 400, "invalid_grant")
			if turn >= 3 { // whoever knows the family's half had an older one
				copy(invented[4:20], own[4:])
				wantError(t, w.refresh("basic", id+"."+base64.RawURLEncoding.EncodeToString(invented)), 400, "invalid_grant")
			}
		}
		if got := w.refresh("basic", newest); got.StatusCode != 200 {
			t.Errorf("the refresh token itself: %s", got.Body)
		}
	})
}

func TestARefreshTokenOfLongAgoEndsItsFamily(t *testing.T) { // RFC 9700 §4.14.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		first := w.offline("basic")["refresh_token"]
		newest := first
		for range 5 {
			newest = ok(t, w.refresh("basic", newest))["refresh_token"]
		}
		wantError(t, w.refresh("basic", first), 400, "invalid_grant")
		wantError(t, w.refresh("basic", newest), 400, "invalid_grant")
		if len(w.events("refresh_token.reused")) == 0 {
			t.Error("nothing in the audit log")
		}
	})
}

// A client that is made again under the name of one that was deleted has nothing of its
// tokens.
func TestTokensOfADeletedClientAreNotItsSuccessors(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w)
		opaque := ok(t, w.ask("service", clients.ClientCredentials, "resource="+invoices))["access_token"]
		jwt := ok(t, w.ask("service", clients.ClientCredentials, "resource="+orders))["access_token"]
		for name, token := range map[string]any{"invoices-api": opaque, "orders-api": jwt} {
			if got := ok(t, w.introspect(name, token)); got["active"] != true || got["client_id"] != "service" {
				t.Errorf("%s: %v", name, got)
			}
		}
		service, err := w.provider.Clients.ByID(t.Context(), "service")
		must(t, err)
		w.exec(`delete from clients where id = 'service'`)
		for range 2 {
			for name, token := range map[string]any{"invoices-api": opaque, "orders-api": jwt} {
				if got := ok(t, w.introspect(name, token)); got["active"] != false {
					t.Errorf("%s: %v", name, got)
				}
			}
			w.clock.Move(30 * time.Second)
			w.add(*service)
		}
	})
}

// A code that somebody else brings while its client redeems it has been in other hands:
// whoever is first, nothing of it stays alive, and nobody sees an error of ours.
func TestACodeThatIsBurntWhileItIsRedeemedLeavesNothingAlive(t *testing.T) { // RFC 6749 §4.1.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for range 5 {
			code, answers := w.code("basic"), make([]answer, 6)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					if i == 0 {
						answers[i] = w.redeem("basic", code)
					} else {
						answers[i] = w.redeem("basic", code, "code_verifier="+strings.Repeat("x", 43))
					}
				})
			}
			all.Wait()
			for _, got := range answers {
				if got.StatusCode != 200 {
					wantError(t, got, 400, "invalid_grant")
				} else if got := w.userinfo(got.json(t)["access_token"]); got.StatusCode != 401 {
					t.Errorf("an access token lives on: status %d", got.StatusCode)
				}
			}
		}
	})
}
