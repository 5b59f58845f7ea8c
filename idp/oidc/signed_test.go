package oidc_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/keys"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// A client that registered nothing for an answer gets RS256 when it asks for a signed one.
// From then on it counts among those that take RS256 (RFC 9701 §6, JARM §3), and not before:
// also when the program is killed right after the answer, with a diary that was not flushed.
func TestWhoAsksForSignedAnswersTakesTheirAlgorithm(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
		w.keepsDiary()
		w.authorize("tracker")
		w.introspect("orders-api", "x")
		for _, id := range []string{"tracker", "orders-api"} {
			w.diary(id)
			if got := w.takesByDefault(id); got != "" {
				t.Errorf("%s takes %s of RS256 before it asked for anything", id, got)
			}
		}
		if got := w.authorize("tracker", "response_mode=jwt"); !strings.Contains(got.Header.Get("Location"), "response=ey") {
			t.Fatalf("%d %v, want a signed answer", got.StatusCode, got.Header)
		}
		if got := w.takesByDefault("tracker"); got != "authorization answers" {
			t.Errorf("the client that asked for response_mode=jwt takes %q", got)
		}
		w.introspectSigned("orders-api")
		if got := w.takesByDefault("orders-api"); got != "introspection" {
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
// out of what waits to be written. It is forgotten after keys.ActiveFor and a day.
func TestStrangersDoNotMakeUsForgetWhoTakesSignedAnswers(t *testing.T) { // RFC 9701 §6
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
		w.keepsDiary()
		for client, written := range map[string]bool{"orders-api": true, "invoices-api": false} {
			w.introspectSigned(client)
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
			w.clock.Move(keys.ActiveFor + 24*time.Hour)
			if got := w.takesByDefault(client); got != "" {
				t.Errorf("it takes %q although it has not come for that long", got)
			}
		}
	})
}

// introspectSigned asks for a signed answer.
func (w *world) introspectSigned(client string) {
	w.t.Helper()
	if got := w.introspect(client, "x", "Accept: application/token-introspection+jwt"); got.StatusCode != 200 {
		w.t.Fatalf("%d %s", got.StatusCode, got.Body)
	}
}

// lines counts what is in the table, whatever waits to be written there.
func (w *world) lines(client string) (n int) {
	w.t.Helper()
	must(w.t, w.db.Row(w.t.Context(), `select count(*) from client_requests where client_id = $1`, []any{client}, &n))
	return n
}

// A signed answer is a commit once a day for each client, and the others cost none. Who
// came just before the next one would have been due is known for keys.ActiveFor as well.
func TestWhoTakesSignedAnswersIsWrittenOnceADay(t *testing.T) { // RFC 9701 §6
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
		w.keepsDiary()
		for range 3 {
			w.introspectSigned("orders-api")
		}
		if n := w.lines("orders-api"); n != 1 {
			t.Errorf("%d lines after three answers, want the first alone", n)
		}
		w.introspectSigned("invoices-api")
		if n := w.lines("invoices-api"); n != 1 {
			t.Errorf("%d lines of another client, want one of its own", n)
		}
		w.clock.Move(24*time.Hour - time.Second)
		w.introspectSigned("orders-api")
		if n := w.lines("orders-api"); n != 1 {
			t.Errorf("%d lines within a day, want one", n)
		}
		w.keepsDiary() // the program was killed
		w.clock.Move(keys.ActiveFor - time.Second)
		if got := w.takesByDefault("orders-api"); got != "introspection" {
			t.Errorf("it takes %q less than keys.ActiveFor after it came", got)
		}
		w.introspectSigned("invoices-api")
		w.clock.Move(24 * time.Hour)
		w.introspectSigned("invoices-api")
		if n := w.lines("invoices-api"); n != 3 {
			t.Errorf("%d lines, want one for each of three days", n)
		}
		w.introspectSigned("invoices-api")
		w.clock.Move(24 * time.Hour)
		w.introspectSigned("invoices-api")
		if n, all := w.lines("invoices-api"), w.diary("invoices-api"); n != 5 || len(all) != 5 || !all[0].At.After(all[1].At) {
			t.Errorf("%d lines, then %+v, want what waited written along, once and in order", n, all)
		}
	})
}

// Whatever waits of other clients, and whatever the database did a moment ago, it is not
// lost who takes signed answers. A client that is made again under its id has to be noted
// anew (its forerunner's lines are gone with it).
func TestWhoTakesSignedAnswersIsNotLost(t *testing.T) { // RFC 9701 §6
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
		w.keepsDiary()
		for i := range 1000 { // more than may wait
			w.provider.Diary.Note(clients.Request{ClientID: strconv.Itoa(i), Endpoint: "token", Outcome: "ok"})
		}
		w.introspectSigned("orders-api")
		if got := w.takesByDefault("orders-api"); got != "introspection" {
			t.Errorf("it takes %q while many others wait", got)
		}

		w.keepsDiary()
		rename := func(from, to string) {
			t.Helper()
			_, err := d.Exec(t.Context(), `alter table `+from+` rename to `+to)
			must(t, err)
		}
		rename("client_requests", "away")
		w.introspectSigned("invoices-api") // it gets its answer all the same
		rename("away", "client_requests")
		w.introspectSigned("invoices-api")
		if got := w.takesByDefault("invoices-api"); got != "introspection" {
			t.Errorf("it takes %q after the database was away", got)
		}

		w.introspectSigned("orders-api")
		all, err := w.provider.Clients.List(t.Context())
		must(t, err)
		_, err = d.Exec(t.Context(), `delete from clients where id = 'orders-api'`)
		must(t, err)
		w.clock.Move(time.Second)
		must(t, w.provider.Clients.Sync(t.Context(), all))
		if got := w.takesByDefault("orders-api"); got != "" {
			t.Errorf("the new one takes %q, which its forerunner took", got)
		}
		w.introspectSigned("orders-api")
		if got := w.takesByDefault("orders-api"); got != "introspection" {
			t.Errorf("the new one takes %q on the day on which its forerunner was noted", got)
		}
	})
}

// A refusal may be signed too, and any stranger can have it for any client: that must not
// make the client one that a rotation waits for, and costs no commit.
func TestSignedRefusalsMakeNobodyATaker(t *testing.T) { // JARM §2.1
	w := start(t)
	services(t, w, func(c *clients.Client) { c.IDTokenAlg = "ES256" })
	w.keepsDiary()
	got := w.authorize("tracker", "response_mode=jwt", "prompt=none")
	if !strings.Contains(got.Header.Get("Location"), "response=ey") {
		t.Fatalf("%d %v, want a signed refusal", got.StatusCode, got.Header)
	}
	if n := w.lines("tracker"); n != 0 {
		t.Errorf("%d lines are written at once, want none", n)
	}
	if all := w.diary("tracker"); len(all) != 1 || all[0].Outcome != "login_required" {
		t.Errorf("%+v, want the refusal", all)
	}
	if got := w.takesByDefault("tracker"); got != "" {
		t.Errorf("it takes %q", got)
	}
}
