package oidc_test

import (
	"strings"
	"testing"

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
			all, err := w.provider.Clients.Takers(t.Context(), "RS256")
			must(t, err)
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
