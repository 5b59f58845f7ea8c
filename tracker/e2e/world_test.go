package e2e_test

import (
	"os"
	"strings"
	"testing"

	idptest "tegata/idp/app/apptest"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	trackertest "tegata/tracker/app/apptest"
)

// world is both programs, beside each other, under one clock.
type world struct {
	IDP     *idptest.IDP
	Tracker *trackertest.Tracker
	Clock   *clock.Held
}

// begin starts both programs, each with a database of its own; kind is "sqlite" or
// "postgres".
func begin(t testing.TB, kind string) *world {
	t.Helper()
	w := &world{Clock: clock.Hold(programtest.Began)}
	provider, tracker := programtest.Listen(t), programtest.Listen(t)
	w.IDP = idptest.Start(t, idptest.Options{
		Database: dbtest.URL(t, kind), Clock: w.Clock, Listener: provider,
		Clients: clients(t, "http://localhost:"+programtest.Port(tracker)),
	})
	w.Tracker = trackertest.Start(t, trackertest.Options{
		DatabaseURL: dbtest.URL(t, kind), Clock: w.Clock, Listener: tracker, Issuer: w.IDP.URL,
	})
	return w
}

// clients is the shipped file with the tracker at the port it has here.
func clients(t testing.TB, tracker string) string {
	t.Helper()
	text, err := os.ReadFile(programtest.Root("configs/clients.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "http://localhost:9100", tracker)
}

// move sets the clock of both programs forward.
func (w *world) move(t testing.TB, by string) {
	t.Helper()
	d, err := duration(by)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Move(d)
}
