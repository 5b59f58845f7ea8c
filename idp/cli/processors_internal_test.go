package cli

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tegata/idp/app"
	"tegata/idp/app/apptest"
	"tegata/idp/passwords"
	"tegata/shared/browser"
	"tegata/shared/program/programtest"
	"tegata/shared/verbs"
)

// counted is a spare processor that only counts its changes.
type counted struct {
	spare
	added, removed int
}

func count() *counted {
	c := &counted{}
	c.spare.add, c.spare.remove = func() { c.added++ }, func() { c.removed++ }
	return c
}

func (c *counted) want(t *testing.T, when string, added, removed int) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.added != added || c.removed != removed {
		t.Errorf("%s: added %d and removed %d times, want %d and %d", when, c.added, c.removed, added, removed)
	}
}

func TestTheSpareProcessorStaysForAsLongAsHashesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := count()
		for range 100 { // one a second, and one that takes long
			end := c.begin()
			time.Sleep(spareStays / 4)
			end()
			time.Sleep(spareStays / 4)
		}
		long := c.begin()
		c.begin()()
		time.Sleep(time.Minute)
		c.want(t, "while hashes go on", 1, 0)
		long()
		time.Sleep(spareStays - time.Nanosecond)
		c.want(t, "soon after the last one", 1, 0)
		time.Sleep(time.Nanosecond)
		c.want(t, "when none ran for a while", 1, 1)
		c.begin()()
		c.want(t, "at the next one", 2, 1)
		time.Sleep(time.Minute)
		c.want(t, "in the end", 2, 2)
	})
}

func TestTheSpareProcessorChangesAtMostOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := count(), time.Now()
		for pause := time.Duration(0); pause < 2*spareStays; pause += 10 * time.Millisecond {
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { c.begin()() })
			}
			all.Wait()
			time.Sleep(pause)
		}
		synctest.Wait()
		if most := int(time.Since(began)/spareStays) + 1; c.added == 0 || c.added > most {
			t.Errorf("added %d times in %v, want at most %d", c.added, time.Since(began), most)
		}
		time.Sleep(spareStays)
		c.want(t, "in the end", c.added, c.added)
	})
}

func TestNoSpareProcessorIsLeftWhenTheProgramStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := count()
		quiet.stop()
		quiet.want(t, "nothing was hashed", 0, 0)

		resting := count()
		resting.begin()()
		resting.stop()
		resting.want(t, "a hash has just ended", 1, 1)

		busy := count()
		end := busy.begin()
		busy.stop()
		busy.want(t, "a hash is under way", 1, 1)
		busy.begin()()
		end()
		time.Sleep(time.Minute)
		busy.want(t, "and another one begins", 1, 1)
	})
}

// byItself sets the number of processors that Go has by itself, and gives it. The
// number of before comes back with the end of the test.
func byItself(t *testing.T) int {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	runtime.SetDefaultGOMAXPROCS()
	return runtime.GOMAXPROCS(0)
}

// watch gives what tells how many processors there were during the last hash.
func watch(h *passwords.Hasher) func() int {
	seen, inner := 0, h.Begins
	h.Begins = func() func() {
		if inner == nil {
			seen = runtime.GOMAXPROCS(0)
			return func() {}
		}
		end := inner()
		seen = runtime.GOMAXPROCS(0)
		return end
	}
	return func() int { return seen }
}

func TestGoHasAProcessorToSpareWhileAPasswordIsHashed(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	cores := byItself(t)
	synctest.Test(t, func(t *testing.T) {
		h := &passwords.Hasher{Params: passwords.Params{Memory: 64, Time: 1, Threads: 1}}
		defer makeRoom(h)()
		during := watch(h)
		runtime.GOMAXPROCS(cores + 3) // so many once, by a limit that has changed since
		if err := h.Pretend(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if n := during(); n != cores+4 {
			t.Errorf("%d processors during the hash, want %d", n, cores+4)
		}
		time.Sleep(spareStays)
		synctest.Wait()
		if n := runtime.GOMAXPROCS(0); n != cores {
			t.Errorf("%d processors when none has run for a while, want what Go has by itself: %d", n, cores)
		}
	})
}

func TestWhoeverSetsGOMAXPROCSDecidesAlone(t *testing.T) {
	cores := byItself(t)
	t.Setenv("GOMAXPROCS", "7")
	h := &passwords.Hasher{Params: passwords.Params{Memory: 64, Time: 1, Threads: 1}}
	restore := makeRoom(h)
	during := watch(h)
	if err := h.Pretend(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if n := during(); n != cores {
		t.Errorf("%d processors during a hash, want %d as before", n, cores)
	}
	runtime.GOMAXPROCS(cores + 3)
	if restore(); runtime.GOMAXPROCS(0) != cores+3 {
		t.Errorf("%d processors at the end, want %d as before", runtime.GOMAXPROCS(0), cores+3)
	}
}

// serving is `idp serve`, without the signals that end it.
type serving struct {
	program
	cfg app.Config
	log *slog.Logger
}

func (s serving) Run(ctx context.Context) error { return s.serve(ctx, s.cfg, s.log, "test") }

// heard tells of the first words of a program.
type heard chan bool

func (h heard) Write(p []byte) (int, error) {
	select {
	case h <- true:
	default:
	}
	return len(p), nil
}

func TestServeHasAProcessorToSpareFromALogInOnAndLeavesNone(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	cores := byItself(t)
	t.Cleanup(func() {
		if n := runtime.GOMAXPROCS(0); n != cores {
			t.Errorf("%d processors after the end, want %d", n, cores)
		}
	})
	url := serveHere(t)
	somebody := browser.InProcess(t, browser.Options{Base: url})
	somebody.Visit("/login").Fill("Email address", "nobody@example.org").Press("Next")
	if n := runtime.GOMAXPROCS(0); n != cores {
		t.Errorf("%d processors before anything is hashed, want %d", n, cores)
	}
	most := mostProcessors() // a slow machine may answer when the spare one is gone again
	somebody.Fill("Password", "Kumo7!yukigawa").Press("Log in")
	if n := most(); n != cores+1 {
		t.Errorf("at most %d processors during a log-in, want %d", n, cores+1)
	}
}

// mostProcessors watches how many processors there are until it is asked for the most.
func mostProcessors() (most func() int) {
	asked, answer := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := 0; ; {
			n = max(n, runtime.GOMAXPROCS(0))
			select {
			case <-tick.C:
			case <-asked:
				answer <- n
				return
			}
		}
	}()
	return func() int { close(asked); return <-answer }
}

// serveHere gives the address of a provider that the verb serve runs until the test ends.
func serveHere(t *testing.T) (url string) {
	free := programtest.Listen(t)
	cfg := apptest.Config(t, apptest.Options{Listener: free, Settings: []string{"TEGATA_IDP_PEOPLE_FILE="}})
	cfg.Listen = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	out := make(heard, 1)
	p := program{&verbs.Program[app.Config, *app.Services]{Std: verbs.Std{Out: out}}}
	programtest.Run(t, func(context.Context) (serving, error) {
		return serving{p, cfg, programtest.Log(t)}, nil
	})
	select {
	case <-out:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not serve")
	}
	return cfg.PublicURL
}
