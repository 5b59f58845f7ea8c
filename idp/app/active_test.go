package app_test

import (
	"slices"
	"testing"
	"time"

	"tegata/idp/app"
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

// Whatever makes a client active does so for keys.ActiveFor, as having proved itself does in
// the ring: not for a moment less, and not for more than an hour longer, which is how exact
// the times of what people use are.
func TestAllThatMakesAReaderActiveCountsForTheSameTime(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		held := clock.Hold(programtest.Began)
		s := openedAt(t, url, takersFile(), held)
		signIn(t, s, "identity", s.Clock()) // a grant, and nothing else
		one, _ := logIn(t, s)
		letIn(t, s, one, "farewell") // a connection, and nothing else
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
