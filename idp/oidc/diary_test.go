package oidc_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// diary gives the world one and what was written into it, the newest first.
func (w *world) diary(client string) []clients.Request {
	w.t.Helper()
	must(w.t, w.provider.Diary.Flush(w.t.Context()))
	all, err := w.provider.Diary.Last(w.t.Context(), client)
	must(w.t, err)
	return all
}

func TestTheDiaryTellsWhy(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.provider.Diary = &clients.Diary{DB: d, Clock: w.provider.Clock, Log: w.provider.Log}
		late := func(seconds int) string {
			return w.assertion("tracker", func(c map[string]any) {
				at := w.clock.Now().Add(time.Duration(seconds) * time.Second).Unix()
				c["iat"], c["nbf"], c["exp"] = at, at, at+60
			})
		}
		for _, c := range []struct {
			do      func()
			client  string
			outcome string
			reason  clients.Reason
			details string
		}{
			{func() { w.authorize("basic") }, "basic", "ok", "", "map[]"},
			{func() { w.authorize("basic", "redirect_uri=https://rp.test/cbb?code=a-long-secret-value") }, "basic", "invalid_request", clients.ReasonRedirectURI,
				"map[given:https://rp.test/cbb?code=… registered:https://rp.test/cb]"},
			{func() { w.authorize("basic", "scope=openid groups") }, "basic", "ok", clients.ReasonScope, "map[scopes:groups]"},
			{func() { w.authorize("tracker", "code_challenge") }, "tracker", "invalid_request", clients.ReasonPKCEMissing, "map[]"},
			{func() { w.authorize("tracker", "code_challenge_method=plain") }, "tracker", "invalid_request", clients.ReasonPKCEMethod, "map[given:plain]"},
			{func() { w.redeem("basic", w.code("basic"), "code_verifier="+strings.Repeat("x", 43)) }, "basic", "invalid_grant", clients.ReasonPKCEMismatch, "map[]"},
			{func() { w.redeem("basic", w.code("basic"), "redirect_uri=https://rp.test/other") }, "basic", "invalid_grant", clients.ReasonRedirectChanged,
				"map[given:https://rp.test/other registered:https://rp.test/cb]"},
			{func() { w.redeem("basic", "nonsense") }, "basic", "invalid_grant", clients.ReasonCodeUnknown, "map[]"},
			{func() { code := w.code("basic"); w.redeem("basic", code); w.redeem("basic", code) }, "basic", "invalid_grant", clients.ReasonCodeUsed, "map[]"},
			{func() { w.redeem("post", w.code("post"), "client_secret=wrong") }, "post", "invalid_client", clients.ReasonSecret, "map[]"},
			{func() { w.redeem("tracker", w.code("tracker"), "client_assertion="+late(120)) }, "tracker", "invalid_client", clients.ReasonClock, "map[clock:120 clock_by:assertion]"},
			{func() { w.redeem("tracker", w.code("tracker"), "client_assertion="+late(-90)) }, "tracker", "invalid_client", clients.ReasonClock, "map[clock:-90 clock_by:assertion]"},
			{func() { w.redeem("tracker", w.code("tracker"), "client_assertion="+late(9*3600+2)) }, "tracker", "invalid_client", clients.ReasonZone, "map[clock:32402 clock_by:assertion]"},
			{func() { w.redeem("tracker", w.code("tracker"), "client_assertion="+late(1000*1000*1000*1000)) }, "tracker", "invalid_client", clients.ReasonMilliseconds, "map[]"},
			{func() { w.redeem("tracker", w.code("tracker"), "client_assertion="+late(5)) }, "tracker", "ok", "", "map[clock:5 clock_by:assertion]"},
		} {
			c.do()
			got := w.diary(c.client)
			if len(got) == 0 {
				t.Errorf("%s %s: nothing written", c.client, c.reason)
				continue
			}
			if got[0].Outcome != c.outcome || got[0].Reason != c.reason || fmt.Sprint(got[0].Details) != c.details {
				t.Errorf("%s: %+v, want %s %q %s", c.client, got[0], c.outcome, c.reason, c.details)
			}
		}
		form, _ := w.proof("post")
		w.token(with(form, "client_secret", "grant_type=authorization_code", "code=x"), basicAuth("post", postSecret))
		if got := w.diary("post"); got[0].Reason != clients.ReasonAuthMethod || got[0].Details["given"] != "client_secret_basic" {
			t.Errorf("another method: %+v", got[0])
		}
	})
}

func TestTheDiaryKeepsTheNewest(t *testing.T) {
	w := start(t)
	w.provider.Diary = &clients.Diary{DB: w.db, Clock: w.provider.Clock, Log: w.provider.Log}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				w.provider.Diary.Note(clients.Request{ClientID: "basic", Endpoint: "token", Outcome: "ok"})
				w.provider.Diary.Note(clients.Request{ClientID: "nobody", Endpoint: "token", Outcome: "ok"})
			}
		})
	}
	all.Wait()
	if got := w.diary("basic"); len(got) != clients.DiaryKeeps {
		t.Errorf("%d kept, want %d", len(got), clients.DiaryKeeps)
	}
	w.provider.Diary.Note(clients.Request{ClientID: "basic", Endpoint: "token", Outcome: "newest"})
	if got := w.diary("basic"); len(got) != clients.DiaryKeeps || got[0].Outcome != "newest" {
		t.Errorf("%d kept, the newest is %+v", len(got), got[0])
	}
}
