package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// The access token that came through the browser ends with those that its code led to,
// though the code was not redeemed yet when it was made. RFC 6749 §4.1.2, RFC 7009 §2.1.
func TestATokenThroughTheBrowserEndsWithItsCode(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		const kind = "code id_token token"
		held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
		w := startAt(t, d, held, held.Now, func(p *oidc.Provider) { p.ResponseTypes = []string{kind} }).logIn()
		w.edit("basic", func(c *clients.Client) {
			c.ResponseTypes, c.GrantTypes = append(c.ResponseTypes, kind), append(c.GrantTypes, clients.Implicit)
		})
		ask := func() (front, code string) {
			id := w.asks("/consent", "basic", "response_type="+kind, "scope=openid offline_access", "prompt=consent", "nonce=n")
			s := w.session
			must(t, w.provider.Interaction.Consent(t.Context(), id, w.cookies[sessions.BrowserCookieName], &s, true))
			_, fragment, _ := strings.Cut(w.comesBack(id).Header.Get("Location"), "#")
			sent, err := url.ParseQuery(fragment)
			must(t, err)
			return sent.Get("access_token"), sent.Get("code")
		}
		good := func(what string, token any, want int) {
			t.Helper()
			if got := w.userinfo(token); got.StatusCode != want {
				t.Errorf("%s: status %d, want %d", what, got.StatusCode, want)
			}
		}
		other, unused := ask()

		front, code := ask()
		back := w.redeem("basic", code).json(t)
		good("before", front, 200)
		w.post("/oauth2/revoke", url.Values{"token": {back["refresh_token"].(string)}}, basicAuth("basic", basicSecret))
		good("from the token endpoint, after the refresh token was revoked", back["access_token"], 401)
		good("through the browser, after the refresh token was revoked", front, 401)

		front, code = ask()
		back = w.redeem("basic", code).json(t)
		wantError(t, w.redeem("basic", code), 400, "invalid_grant")
		good("from the token endpoint, after the code came twice", back["access_token"], 401)
		good("through the browser, after the code came twice", front, 401)

		wantError(t, w.redeem("basic", unused, "resource=https://nowhere.test/"), 400, "invalid_target")
		good("of another log-in, whose code nobody redeemed", other, 200)
	})
}
