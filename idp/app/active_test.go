package app_test

import (
	"slices"
	"testing"
	"time"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/keys"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
)

// waitsFor gives the clients that a rotation of the algorithm waits for.
func waitsFor(t *testing.T, s *app.Services, alg string) (ids []string) {
	t.Helper()
	done, err := s.Keys.Promote(t.Context(), keys.Promotion{Alg: alg, Dry: true, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range done.Evidence.Missing() {
		ids = append(ids, one.ID)
	}
	return ids
}

// takesSigned has a client get an answer that is signed by default, right before the
// program is killed: nothing that waits to be written is.
func takesSigned(t *testing.T, s *app.Services, id string, what clients.Signed, endpoint string) {
	t.Helper()
	c, err := s.Clients.ByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.Diary.NoteSigned(t.Context(), c, what, clients.Request{Endpoint: endpoint, Outcome: "ok"})
}

// Letting somebody in makes a client active for keys.ActiveFor, as having proved itself does
// in the ring: not for a moment less, and not for more than an hour longer, which is how exact
// the times of what people use are.
func TestLettingSomebodyInCountsAsLongAsHavingProvedItself(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(programtest.Began)
		s := openedAt(t, url, takersFile(), held)
		signIn(t, s, "identity", s.Clock())
		one, _ := logIn(t, s)
		letIn(t, s, one, "farewell") // an ID token through the browser, and no grant
		held.Move(keys.ActiveFor - time.Second)
		if got := waitsFor(t, s, "ES256"); !slices.Equal(got, []string{"farewell", "identity"}) {
			t.Errorf("a second before keys.ActiveFor is over the promotion waits for %v, want both", got)
		}
		held.Move(time.Hour + 2*time.Second)
		if got := waitsFor(t, s, "ES256"); len(got) != 0 {
			t.Errorf("an hour after keys.ActiveFor it waits for %v, want nobody", got)
		}
	})
}

// That a client takes RS256 by default is written once a day. When it comes for the last
// time just before the next day, it has to be known for as long as coming makes it active.
func TestWhoTakesSignedAnswersIsKnownAsLongAsItIsActive(t *testing.T) { // RFC 9701 §6, JARM §3
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(programtest.Began)
		s := openedAt(t, url, takersFile(), held)
		takesSigned(t, s, "plain", clients.AuthorizationAnswers, "authorize")
		held.Move(24*time.Hour - time.Second)
		signIn(t, s, "plain", s.Clock())
		takesSigned(t, s, "plain", clients.AuthorizationAnswers, "authorize")
		held.Move(keys.ActiveFor - time.Second)
		if got := waitsFor(t, s, "RS256"); !slices.Equal(got, []string{"plain"}) {
			t.Errorf("the promotion waits for %v, want the client that is active still", got)
		}
		held.Move(2 * time.Second)
		if got := waitsFor(t, s, "RS256"); len(got) != 0 {
			t.Errorf("the promotion waits for %v, want nobody", got)
		}
	})
}

// Who got an answer signed by default is waited for by a rotation, and what it holds ends
// with the key, from the moment of the answer on: also when nothing else was written of it.
func TestTheGateAndTheReceiptNameWhoTakesSignedAnswersByDefault(t *testing.T) { // RFC 9701 §6, JARM §3
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, takersFile())
		for _, id := range []string{"plain", "opaque", "parts-api"} {
			signIn(t, s, id, s.Clock())
		}
		if got := waitsFor(t, s, "RS256"); len(got) != 0 {
			t.Fatalf("the promotion waits for %v before anybody got anything of RS256", got)
		}
		takesSigned(t, s, "plain", clients.AuthorizationAnswers, "authorize")
		takesSigned(t, s, "parts-api", clients.IntrospectionAnswers, "introspect")
		takesSigned(t, s, "orders-api", clients.IntrospectionAnswers, "introspect") // holds nothing
		if got := waitsFor(t, s, "RS256"); !slices.Equal(got, []string{"orders-api", "parts-api", "plain"}) {
			t.Errorf("the promotion waits for %v, want the three that got signed answers", got)
		}
		all, err := s.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(all, func(k keys.Key) bool { return k.Alg == "RS256" && k.State == keys.Active })
		before, err := s.Keys.Damage(t.Context(), all[at])
		if err != nil {
			t.Fatal(err)
		}
		done, err := s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[at].KID})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []keys.Damage{before, done.Ended} {
			if d.String() != "2 sessions, 2 grants, 2 clients; 1 client only believes the key" {
				t.Errorf("%s, want what the two hold, and the third by name", d)
			}
			if got := damageOf(t, d, "orders-api"); got.Grants != 0 || !slices.Equal(got.Takes, []string{"introspection"}) {
				t.Errorf("%+v, want no grant and what it takes", got)
			}
			for id, takes := range map[string]string{"plain": "authorization answers", "parts-api": "introspection"} {
				if got := damageOf(t, d, id); got.Grants != 1 || !slices.Equal(got.Takes, []string{takes}) {
					t.Errorf("%+v, want one grant and %s", got, takes)
				}
			}
		}
		if alive(t, s, "plain") || alive(t, s, "parts-api") || !alive(t, s, "opaque") {
			t.Error("want the grants of the two ended, and no other")
		}
	})
}
