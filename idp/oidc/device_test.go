package oidc_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/interaction"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// television asks for codes.
func (w *world) television(changes ...string) map[string]any {
	w.t.Helper()
	form := with(url.Values{"client_id": {"tv"}, "scope": {"openid email offline_access unknown"}}, changes...)
	return ok(w.t, w.post("/oauth2/device_authorization", form))
}

func (w *world) polls(codes map[string]any, changes ...string) answer {
	w.t.Helper()
	form := url.Values{"grant_type": {clients.DeviceCode}, "client_id": {"tv"}, "device_code": {codes["device_code"].(string)}}
	return w.post("/oauth2/token", with(form, changes...))
}

// decides does what the pages do.
func (w *world) decides(codes map[string]any, allow bool) {
	w.t.Helper()
	browser := interaction.NewBrowser()
	d, err := w.provider.Devices.Claim(w.t.Context(), browser, codes["user_code"].(string))
	must(w.t, err)
	s := w.session
	must(w.t, w.provider.Devices.Decide(w.t.Context(), d.ID, browser, &s, allow))
}

func TestDeviceFlow(t *testing.T) { // RFC 8628 §3
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		codes := w.television()
		user := codes["user_code"].(string)
		if len(user) != 9 || user[4] != '-' || strings.ContainsAny(user, "AEIOUY0123456789") || codes["expires_in"] != 600.0 || codes["interval"] != 5.0 ||
			codes["verification_uri"] != w.provider.Issuer+"/device" || codes["verification_uri_complete"] != w.provider.Issuer+"/device?user_code="+user {
			t.Errorf("codes %v", codes)
		}
		wantError(t, w.polls(codes), 400, "authorization_pending")
		w.decides(codes, true)
		got := ok(t, w.polls(codes))
		_, id := w.claims(got["id_token"])
		if id["sub"] != w.person.Subject || id["aud"] != "tv" || id["sid"] != nil || got["scope"] != "openid email offline_access" {
			t.Errorf("answer %v, ID token %v", got, id)
		}
		must(t, w.provider.Sessions.End(t.Context(), w.session.ID)) // offline_access outlives it
		refreshed := w.post("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"tv"}, "refresh_token": {got["refresh_token"].(string)}})
		if refreshed.StatusCode != 200 {
			t.Errorf("refresh: %s", refreshed.Body)
		}
		wantError(t, w.polls(codes), 400, "invalid_grant") // used
	})
}

func TestDevicesThatAskTooOften(t *testing.T) { // RFC 8628 §3.5
	w := start(t).logIn()
	services(t, w)
	codes := w.television()
	for i, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "authorization_pending"}, {time.Second, "slow_down"}, {5 * time.Second, "slow_down"}, // ten seconds now
		{15 * time.Second, "authorization_pending"}, {15 * time.Second, "authorization_pending"}, {10 * time.Second, "slow_down"},
	} {
		w.clock.Move(step.after)
		if got := w.polls(codes); got.json(t)["error"] != step.want {
			t.Errorf("question %d: %s, want %s", i, got.Body, step.want)
		}
	}
	w.decides(codes, true)
	ok(t, w.polls(codes))
}

func TestDevicesThatAreRefused(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	denied, late, others := w.television(), w.television(), w.television()
	w.decides(denied, false)
	wantError(t, w.polls(denied), 400, "access_denied")
	w.decides(others, true)
	wantError(t, w.ask("service", clients.DeviceCode, "device_code="+others["device_code"].(string)), 400, "unauthorized_client")
	w.add(func() clients.Client {
		c := clients.Client{ID: "tv2", Name: map[string]string{"en": "x"}, Source: "test", AuthMethod: clients.None, GrantTypes: []string{clients.DeviceCode}}
		c.Default()
		return c
	}())
	wantError(t, w.polls(others, "client_id=tv2"), 400, "invalid_grant")
	wantError(t, w.polls(others, "device_code=x"), 400, "invalid_grant")
	wantError(t, w.polls(others, "device_code"), 400, "invalid_request")
	wantError(t, w.polls(others, "device_code="+w.code("tracker")), 400, "invalid_grant")
	ok(t, w.polls(others)) // none of that hurt the right one
	wantError(t, w.post("/oauth2/device_authorization", url.Values{"client_id": {"native"}}), 400, "unauthorized_client")
	wantError(t, w.post("/oauth2/device_authorization", url.Values{"client_id": {"nobody"}}), 401, "invalid_client")
	w.clock.Move(11 * time.Minute)
	wantError(t, w.polls(late), 400, "expired_token")
}

func TestADeviceGetsTokensOnce(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w)
		codes := w.television()
		w.decides(codes, true)
		answers := make([]answer, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = w.polls(codes) })
		}
		all.Wait()
		wantOneWinner(t, answers, 400, "invalid_grant")
	})
}

func TestTwoBrowsersClaimOneDevice(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w)
		codes := w.television()
		won := make([]bool, 5) // as many as one place may type at once
		var all sync.WaitGroup
		for i := range won {
			all.Go(func() {
				_, err := w.provider.Devices.Claim(t.Context(), interaction.NewBrowser(), codes["user_code"].(string))
				won[i] = err == nil
			})
		}
		all.Wait()
		n := 0
		for _, one := range won {
			if one {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d browsers have it, want 1", n)
		}
	})
}

// A code that a browser has claimed is not lost by what goes wrong afterwards.
func TestARightCodeThatStaysCountedIsClaimed(t *testing.T) {
	w := start(t)
	services(t, w)
	codes := w.television()
	_, err := w.db.Exec(t.Context(), `create trigger broken before update on limits begin select raise(abort, 'broken'); end`)
	must(t, err)
	browser := interaction.NewBrowser()
	d, err := w.provider.Devices.Claim(t.Context(), browser, codes["user_code"].(string))
	if err != nil || d.ClientID != "tv" {
		t.Errorf("got %q, %v", d.ClientID, err)
	}
}

func TestADeviceOfALoggedOutPersonGetsNothing(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	codes := w.television("scope=openid")
	w.decides(codes, true)
	must(t, w.provider.Sessions.End(t.Context(), w.session.ID))
	wantError(t, w.polls(codes), 400, "invalid_grant")
}
