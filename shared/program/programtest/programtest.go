// Package programtest is what tests that run a whole program begin with.
//
//	Run           a program inside this process; it stops with the test
//	Listen, Port  a free port
//	Take          the same without a test at hand
//	Root          a file of the repository
//	Log           the program's warnings, in the output of the test
//	Began         where held clocks stand at first
package programtest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Began is where the clock of every test stands at first.
var Began = time.Date(2026, 4, 6, 1, 30, 0, 0, time.UTC)

// Run starts what open gives and stops it with the test, which fails when it does not
// stop cleanly.
func Run[P interface{ Run(context.Context) error }](t testing.TB, open func(context.Context) (P, error)) P {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p, err := open(ctx)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program stopped with: %v", err)
		}
	})
	return p
}

// Listen takes a free port of this machine.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The ports that Take tries: below those that Linux gives to outgoing connections, from
// 32768 on. A test may close the listener and let a program listen there, or kill one and
// start it again; in between, any connection of any process could take such a port.
const (
	firstPort = 20000
	pastPort  = 32768
)

// Take takes a free port of this machine that stays free when it is given back, but for
// others who call Take.
func Take() (l net.Listener, err error) {
	for range 100 {
		l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+rand.N(pastPort-firstPort)))
		if err == nil {
			return l, nil
		}
	}
	return nil, err
}

// Port gives the port of a listener.
func Port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// Root gives the path of a file of the repository.
func Root(path string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../..", path)
}

// Log shows the program's warnings when the test fails or -v is given.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
