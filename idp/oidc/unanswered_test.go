package oidc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// wantsEncrypted makes tracker a client that wants its answers encrypted and publishes set,
// which has no key for that.
func (w *world) wantsEncrypted(t *testing.T, files *site, set any) {
	t.Helper()
	uri := files.puts(t, "/answers", set)
	w.edit("tracker", func(c *clients.Client) {
		c.JWKSURI, c.JWKS = uri, nil
		c.ResponseEncAlg, c.ResponseEnc = "RSA-OAEP-256", "A256GCM"
	})
}

// What cannot be told to the client is told to the person, and nothing is made for it. JARM
// §2.2, RFC 6749 §4.1.2.1.
func TestWhoCannotBeAnsweredIsNotGivenACode(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w, files := startOn(t, d).logIn(), startSite(t)
		w.keepsDiary()
		w.provider.Count = func(event string) { w.counted[event]++ }
		for _, set := range []any{"garbage", rsaSet(0)} { // the keys of the second are for signing
			w.wantsEncrypted(t, files, set)
			for what, change := range map[string]string{"a code": "scope=openid", "a refusal": "scope=nope", "silently": "prompt=none"} {
				got := w.authorize("tracker", "response_mode=jwt", change)
				if wantPage(t, what, got); !strings.Contains(got.Body, "no key that RSA-OAEP-256 can encrypt to") {
					t.Errorf("%s: %s", what, got.Body)
				}
				if all := w.diary("tracker"); all[0].Outcome != "invalid_request" || fmt.Sprint(all[0].Details) != "map[why:The client has published no key that RSA-OAEP-256 can encrypt to.]" {
					t.Errorf("%s: noted %+v", what, all[0])
				}
			}
			w.clock.Move(time.Minute) // its keys are looked at again
		}
		if n := len(w.diary("tracker")); n != 6 || w.counted["code_issued"] != 0 || w.counted["authorization_refused.invalid_request"] != 6 {
			t.Errorf("%d lines, counted %v, want six refusals", n, w.counted)
		}
	})
}

// A key that is lost while the person is asked costs them the way, but is no success.
func TestAKeyThatIsLostDuringTheLogInIsFoundBeforeTheCode(t *testing.T) {
	w := start(t)
	w.keepsDiary()
	w.provider.Count = func(event string) { w.counted[event]++ }
	id := w.asks("/login", "tracker", "response_mode=jwt")
	w.typesPassword(id)
	w.wantsEncrypted(t, startSite(t), "garbage")
	wantPage(t, "afterwards", w.comesBack(id))
	if all := w.diary("tracker"); len(all) != 1 || all[0].Outcome != "invalid_request" || w.counted["code_issued"] != 0 {
		t.Errorf("noted %+v, counted %v", all, w.counted)
	}
	w.edit("tracker", func(c *clients.Client) { c.ResponseEncAlg, c.ResponseEnc = "", "" })
	if sent := w.comesBack(id).sent(t); sent.Get("response") == "" {
		t.Errorf("the conversation was spent without an answer: %v", sent)
	}
}
