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

// A client that registered nothing for an answer gets RS256 when it asks for a signed one.
// From then on it counts among those that take RS256 (RFC 9701 §6, JARM §3), and not before.
func TestWhoAsksForSignedAnswersTakesTheirAlgorithm(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
		w.provider.Diary = &clients.Diary{DB: d, Clock: w.provider.Clock, Log: w.provider.Log}
		takes := func(client string) string {
			t.Helper()
			must(t, w.provider.Diary.Flush(t.Context()))
			return w.takesByDefault(client)
		}
		w.authorize("tracker")
		w.introspect("orders-api", "x")
		for _, id := range []string{"tracker", "orders-api"} {
			if got := takes(id); got != "" {
				t.Errorf("%s takes %s of RS256 before it asked for anything", id, got)
			}
		}
		if got := w.authorize("tracker", "response_mode=jwt"); !strings.Contains(got.Header.Get("Location"), "response=ey") {
			t.Fatalf("%d %v, want a signed answer", got.StatusCode, got.Header)
		}
		if got := takes("tracker"); got != "authorization answers" {
			t.Errorf("the client that asked for response_mode=jwt takes %q", got)
		}
		if got := w.introspect("orders-api", "x", "Accept: application/token-introspection+jwt"); got.StatusCode != 200 {
			t.Fatalf("%d %s", got.StatusCode, got.Body)
		}
		if got := takes("orders-api"); got != "introspection" {
			t.Errorf("the client that asked for a signed introspection takes %q", got)
		}
	})
}

// takesByDefault gives what the client takes of RS256, as far as it is written down.
func (w *world) takesByDefault(client string) string {
	w.t.Helper()
	all, err := w.provider.Clients.Takers(w.t.Context(), "RS256")
	must(w.t, err)
	var found []string
	for _, one := range all {
		if one.ID == client {
			for _, what := range one.Takes {
				found = append(found, string(what))
			}
		}
	}
	return strings.Join(found, ", ")
}

// Anybody can send requests in the name of a client, with a secret that is wrong. They
// push its own out of the diary, and not that it takes RS256: neither out of the table nor
// out of what waits to be written. It is forgotten after 30 days.
func TestStrangersDoNotMakeUsForgetWhoTakesSignedAnswers(t *testing.T) { // RFC 9701 §6
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
		w.keepsDiary()
		for client, written := range map[string]bool{"orders-api": true, "invoices-api": false} {
			if got := w.introspect(client, "x", "Accept: application/token-introspection+jwt"); got.StatusCode != 200 {
				t.Fatalf("%d %s", got.StatusCode, got.Body)
			}
			if written {
				must(t, w.provider.Diary.Flush(t.Context()))
			}
			w.clock.Move(time.Hour)
			for range 60 {
				if got := w.post("/oauth2/introspect", url.Values{"token": {"x"}}, basicAuth(client, "wrong")); got.StatusCode != 401 {
					t.Fatalf("%d %s, want it refused", got.StatusCode, got.Body)
				}
			}
			if got := w.diary(client); len(got) != clients.DiaryKeeps || got[len(got)-1].Outcome != "invalid_client" {
				t.Errorf("%d lines, the last %+v, want %d that were refused", len(got), got[len(got)-1], clients.DiaryKeeps)
			}
			if got := w.takesByDefault(client); got != "introspection" {
				t.Errorf("written %v: after 60 refused requests it takes %q", written, got)
			}
			var n int
			must(t, d.Row(t.Context(), `select count(*) from client_requests where client_id = $1`, []any{client}, &n))
			if n != clients.DiaryKeeps+1 {
				t.Errorf("%d lines are kept, want %d and one", n, clients.DiaryKeeps)
			}
			w.clock.Move(31 * 24 * time.Hour)
			if got := w.takesByDefault(client); got != "" {
				t.Errorf("it takes %q after 30 days without", got)
			}
		}
	})
}
