package e2e_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	idptest "tegata/idp/app/apptest"
	"tegata/shared/browser"
	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app"
	trackertest "tegata/tracker/app/apptest"
)

// signedIn has somebody open the tracker's home.
func signedIn(t *testing.T, w *world) *browser.Person {
	t.Helper()
	p := browser.InProcess(t, browser.Options{Language: "en"})
	p.Visit(w.Tracker.URL+"/home").Fill("Email address", "maya.lindqvist@example.com").Press("Next").
		Fill("Password", "brisk Walnut, 4 kites").Press("Log in")
	if open(t, w) != 1 {
		t.Fatalf("no session at the tracker; at %s", p.URL())
	}
	return p
}

// open counts the sessions at the tracker.
func open(t *testing.T, w *world) (n int) {
	t.Helper()
	if err := w.Tracker.DB.Row(t.Context(), `select count(*) from tracker_sessions where ended_at is null`, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// closed waits until the tracker has no session any more, and tells how long it took.
func closed(t *testing.T, w *world) {
	t.Helper()
	began := time.Now()
	for open(t, w) > 0 {
		if time.Since(began) > 20*time.Second {
			t.Fatal("the session at the tracker is alive after 20 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// who logs out at the provider is out at the tracker.
func TestLoggingOutAtTheProviderEndsTheTrackersSession(t *testing.T) {
	for _, kind := range []string{dbtest.KindSQLite, dbtest.KindPostgres} {
		t.Run(kind, func(t *testing.T) {
			w := begin(t, kind)
			p := signedIn(t, w)
			p.Visit(w.IDP.URL + "/logout").Press("Log out").Sees("You are logged out")
			closed(t, w)
			p.Visit(w.Tracker.URL + "/home").At(w.IDP.URL + "/login")
		})
	}
}

// A-163, F-24: so it is when the tracker was down meanwhile.
func TestATrackerThatWasDownHearsOfTheLogout(t *testing.T) {
	w := &world{Clock: clock.Hold(programtest.Began)}
	provider, listener := programtest.Listen(t), programtest.Listen(t)
	address, database := listener.Addr().String(), dbtest.URL(t, dbtest.KindSQLite)
	kek := config.SecretFile(filepath.Join(t.TempDir(), "kek"))
	options := func(l net.Listener) trackertest.Options {
		return trackertest.Options{
			DatabaseURL: database, Clock: w.Clock, Listener: l, Issuer: w.IDP.URL,
			Change: func(c *app.Config) { c.KeyEncryptionKey = kek },
		}
	}
	w.IDP = idptest.Start(t, idptest.Options{
		Clock: w.Clock, Listener: provider, Clients: clients(t, "http://localhost:"+programtest.Port(listener)),
	})
	t.Run("before", func(t *testing.T) { // the tracker stops with this
		w.Tracker = trackertest.Start(t, options(listener))
		signedIn(t, w)
	})
	who, err := w.IDP.Accounts.ByEmail(t.Context(), "maya.lindqvist@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.IDP.Sessions.EndAll(t.Context(), who.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a first attempt", func() bool {
		rows, err := w.IDP.Outbox.List(t.Context(), "queued", 10)
		return err == nil && len(rows) == 1 && rows[0].Attempts == 1
	})
	w.Tracker = trackertest.Start(t, options(relisten(t, address)))
	if open(t, w) != 1 {
		t.Fatal("the session did not outlast the restart")
	}
	w.Clock.Move(30 * time.Second) // the pause before the second attempt
	closed(t, w)
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("no %s", what)
}

// relisten takes a port again that was given back.
func relisten(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
