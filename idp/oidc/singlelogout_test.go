package oidc_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/oidc"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/singlelogout"
	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/outbox"
)

// listener is a client that is told of log-outs.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	got    []url.Values
	kinds  []string
	status int
}

func listen(t *testing.T) *listener {
	l := &listener{status: http.StatusOK}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got, l.kinds = append(l.got, r.PostForm), append(l.kinds, r.Method+" "+r.Header.Get("Content-Type"))
		w.WriteHeader(l.status)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) heard() []url.Values {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]url.Values{}, l.got...)
}

func (l *listener) answers(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// farewells gives the world an outbox and its clients "tracker" (ES256) and "basic"
// (RS256) addresses of the listener.
func (w *world) farewells(l *listener) *outbox.Outbox {
	w.t.Helper()
	box := &outbox.Outbox{DB: w.db, Clock: w.provider.Clock}
	f := &singlelogout.Farewells{
		Issuer: w.provider.Issuer, Clients: w.provider.Clients, Outbox: box, Signer: &jws.Signer{Keys: w.provider.Keys}, Clock: w.provider.Clock,
		Connections: &connections.Service{DB: w.db, Audit: w.provider.Audit, Clock: w.provider.Clock}, Outbound: singlelogout.Client(true),
	}
	box.Senders = map[string]outbox.Sender{singlelogout.Kind: f.Send}
	w.provider.Sessions.Ended, w.provider.Farewells = f.Queue, f
	w.edit("tracker", func(c *clients.Client) { c.BackchannelLogoutURI = l.URL + "/tracker" })
	w.edit("basic", func(c *clients.Client) { c.BackchannelLogoutURI = l.URL + "/basic" })
	return box
}

// edit changes the registration of a client.
func (w *world) edit(id string, change func(c *clients.Client)) {
	w.t.Helper()
	all, err := w.provider.Clients.List(context.Background())
	must(w.t, err)
	for i := range all {
		if all[i].ID == id {
			change(&all[i])
			if p := all[i].Check(id, true); len(p) > 0 {
				w.t.Fatal(p)
			}
		}
	}
	must(w.t, w.provider.Clients.Sync(context.Background(), all))
}

func TestClientsAreToldThatTheSessionEnded(t *testing.T) { // OIDC Back-Channel Logout §2.4, §2.5
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		l := listen(t)
		box := w.farewells(l)
		id := w.tokens("tracker")
		w.tokens("tracker")
		w.tokens("basic")
		w.tokens("post") // has no address
		_, was := w.claims(id["id_token"])
		if was["sid"] == nil {
			t.Fatal("the ID token of a client that hears of log-outs has no sid") // Back-Channel Logout §2.1
		}
		w.leaves("log-out", w.logout("id_token_hint="+id["id_token"].(string)), "/logout", true)
		if _, err := box.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := l.heard()
		if len(got) != 2 {
			t.Fatalf("%d clients told, want 2", len(got))
		}
		for i, form := range got {
			if l.kinds[i] != "POST application/x-www-form-urlencoded" || len(form) != 1 {
				t.Errorf("%s %v, want a form with logout_token alone", l.kinds[i], form)
			}
			header, claims := w.claims(form.Get("logout_token"))
			client, alg := claims["aud"], map[any]string{"tracker": "ES256", "basic": "RS256"}[claims["aud"]]
			if header.ExtraHeaders["typ"] != "logout+jwt" || header.Algorithm != alg {
				t.Errorf("%v: header %v", client, header)
			}
			events := fmt.Sprint(claims["events"])
			if claims["iss"] != w.provider.Issuer || claims["sub"] != was["sub"] || claims["sid"] != was["sid"] || claims["jti"] == "" ||
				claims["exp"].(float64)-claims["iat"].(float64) > 120 || events != "map[http://schemas.openid.net/event/backchannel-logout:map[]]" || len(claims) != 8 {
				t.Errorf("%v: claims %v", client, claims)
			}
		}
	})
}

func TestAClientThatIsDownHearsLater(t *testing.T) { // F-24
	w := start(t).logIn()
	l := listen(t)
	box := w.farewells(l)
	w.tokens("tracker")
	l.answers(http.StatusServiceUnavailable)
	must(t, w.provider.Sessions.EndAll(t.Context(), w.person.ID))
	for range 2 {
		_, err := box.Deliver(t.Context())
		must(t, err)
		w.clock.Move(time.Minute)
	}
	l.answers(http.StatusOK)
	_, err := box.Deliver(t.Context())
	must(t, err)
	got := l.heard()
	if len(got) != 3 || got[0].Get("logout_token") == got[2].Get("logout_token") {
		t.Errorf("told %d times, want 3 with a fresh token each", len(got))
	}
	counts, err := box.Counts(t.Context())
	if err != nil || counts[outbox.Sent] != 1 {
		t.Errorf("outbox %v, %v", counts, err)
	}
}

func TestNobodyIsToldAfterTheSessionsTime(t *testing.T) {
	w := start(t).logIn()
	l := listen(t)
	box := w.farewells(l)
	w.tokens("tracker")
	must(t, w.provider.Sessions.End(t.Context(), w.session.ID))
	w.clock.Set(w.session.ExpiresAt)
	_, err := box.Deliver(t.Context())
	must(t, err)
	counts, err := box.Counts(t.Context())
	if err != nil || counts[outbox.Parked] != 1 || len(l.heard()) != 0 {
		t.Errorf("outbox %v, %v; told %d times", counts, err, len(l.heard()))
	}
}

func TestALogoutNeverLeadsInside(t *testing.T) {
	w := start(t).logIn()
	l := listen(t)
	box := w.farewells(l)
	w.provider.Farewells.Outbound = singlelogout.Client(false) // as in production
	w.tokens("tracker")
	must(t, w.provider.Sessions.End(t.Context(), w.session.ID))
	_, err := box.Deliver(t.Context())
	must(t, err)
	if len(l.heard()) != 0 {
		t.Error("the own machine was called")
	}
	rows, err := box.List(t.Context(), "", 9)
	if err != nil || len(rows) != 1 || !strings.Contains(rows[0].Error, "not an address of the internet") {
		t.Errorf("outbox %+v, %v", rows, err)
	}
}

// Whoever redeems a code while the session ends either gets no token, or is told.
func TestRedeemingWhileTheSessionEnds(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d)
		l := listen(t)
		box := w.farewells(l)
		served := 0
		for range 20 {
			w.cookies = map[string]string{}
			code := w.logIn().code("basic")
			sid := w.session.ID
			var both sync.WaitGroup
			var status int
			both.Go(func() { status = w.redeem("basic", code).StatusCode })
			both.Go(func() {
				if err := w.provider.Sessions.End(context.Background(), sid); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if status == http.StatusOK {
				served++
			}
		}
		_, err := box.Deliver(t.Context())
		must(t, err)
		if told := len(l.heard()); told != served {
			t.Errorf("%d got tokens, %d were told", served, told)
		}
	})
}

func TestWithdrawingEndsGrantsAndCodes(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		all := &connections.Service{DB: d, Audit: w.provider.Audit, Clock: w.provider.Clock}
		tokens := w.tokens("basic", "scope=openid email")
		other := w.tokens("tracker")
		code := w.code("basic")
		w.clock.Move(time.Second)
		list, err := all.OfAccount(t.Context(), w.person.ID)
		if err != nil || len(list) != 2 || strings.Join(list[0].Scopes, " ") != "openid email" && strings.Join(list[1].Scopes, " ") != "openid email" {
			t.Fatalf("connections %+v, %v", list, err)
		}
		must(t, all.Withdraw(t.Context(), w.person.ID, w.person.ID, "basic"))
		if got := w.userinfo(tokens["access_token"]); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("its token still works: %d", got.StatusCode)
		}
		if got := w.userinfo(other["access_token"]); got.StatusCode != http.StatusOK {
			t.Errorf("another client's token: %d", got.StatusCode)
		}
		wantError(t, w.redeem("basic", code), http.StatusBadRequest, "invalid_grant")
		if list, _ := all.OfAccount(t.Context(), w.person.ID); len(list) != 1 || list[0].ClientID != "tracker" {
			t.Errorf("connections %+v, want the tracker", list)
		}
		if len(w.events("consent.withdrawn")) != 1 {
			t.Error("no audit event")
		}
		w.clock.Move(time.Second)
		w.tokens("basic") // ours: it connects again
		if list, _ := all.OfAccount(t.Context(), w.person.ID); len(list) != 2 {
			t.Errorf("connections %+v, want both", list)
		}
	})
}

// Whoever learns of a session is told of its end, and the person sees it: by whatever
// way the tokens came.
func TestEveryWayToTokensIsAConnection(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
		w := startAt(t, d, held, held.Now, func(p *oidc.Provider) { p.ResponseTypes = []string{"id_token"} }).logIn()
		services(t, w)
		front := clients.Client{
			ID: "front", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretBasic,
			SecretDigests: digest(basicSecret), ResponseTypes: []string{"id_token"}, FirstParty: true, Source: "config",
		}
		front.Default()
		w.add(front)
		got := w.authorize("front", "response_type=id_token")
		at, err := url.Parse(got.Header.Get("Location"))
		must(t, err)
		if sent, _ := url.ParseQuery(at.Fragment); !sent.Has("id_token") || !sent.Has("session_state") {
			t.Fatalf("answer %v", at)
		}
		ok(t, w.exchange("orders-api", w.shopToken()))
		codes := w.television()
		w.decides(codes, true)
		ok(t, w.polls(codes))
		all := &connections.Service{DB: d, Audit: w.provider.Audit, Clock: w.provider.Clock}
		members, err := all.OfSession(t.Context(), w.session.ID)
		must(t, err)
		var ids []string
		for _, m := range members {
			ids = append(ids, m.ClientID)
		}
		if got := strings.Join(ids, " "); got != "front orders-api shop tv" {
			t.Errorf("the session let in %q", got)
		}
		used, err := all.OfAccount(t.Context(), w.person.ID)
		if err != nil || len(used) != 4 {
			t.Errorf("connections %+v, %v", used, err)
		}
	})
}
