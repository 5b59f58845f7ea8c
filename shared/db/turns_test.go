package db_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// Who could commit waits a moment for as many as wrote before, no longer, and not for ever
// after: in the bubble no time passes but what somebody waits for.
func TestACommitWaitsForThoseWhoWroteBefore(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		defer d.Close()
		ctx := context.Background()
		named := 0
		write := func(n int) (took time.Duration) {
			began := time.Now()
			var all sync.WaitGroup
			for range n {
				named++
				id := fmt.Sprintf("%03d", named)
				all.Go(func() {
					if err := insert(ctx, d, id); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			return time.Since(began)
		}
		if took := write(1); took != 0 {
			t.Errorf("one alone took %v", took)
		}
		crowd := func(n int) { // one more than n, at once
			named++
			hold, id := make(chan bool), fmt.Sprintf("%03d", named)
			var first sync.WaitGroup
			first.Go(func() {
				d.Tx(ctx, func(ctx context.Context) error { <-hold; return insert(ctx, d, id) })
			})
			synctest.Wait()
			go func() { synctest.Wait(); close(hold) }()
			write(n) // which wait for the first
			first.Wait()
		}
		crowd(7)
		if took := write(3); took != 0 {
			t.Errorf("three after eight took %v: so few share no commit", took)
		}
		crowd(15)
		if took := write(16); took != 0 {
			t.Errorf("as many as before took %v", took)
		}
		if took := write(3); took <= 0 || took > 3*time.Millisecond {
			t.Errorf("fewer than before took %v, want a moment", took)
		}
		var late sync.WaitGroup
		late.Go(func() {
			time.Sleep(time.Millisecond / 2)
			if took := insertTook(t, d, "late"); took <= 0 || took >= 2*time.Millisecond {
				t.Errorf("who came while others waited took %v, want the rest of their moment", took)
			}
		})
		write(1)
		late.Wait()
		for range 20 {
			write(1)
		}
		if took := write(1); took != 0 {
			t.Errorf("one after many that were alone took %v", took)
		}
		if got := len(strings.Fields(allIDs(t, d))); got != named+1 {
			t.Errorf("%d rows, want %d", got, named+1)
		}
	})
}

func insertTook(t *testing.T, d *db.DB, id string) time.Duration {
	t.Helper()
	began := time.Now()
	if err := insert(context.Background(), d, id); err != nil {
		t.Error(err)
	}
	return time.Since(began)
}

// What waits for others to share its commit is kept when the database is closed.
func TestCloseKeepsWhatWaitsForACommit(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		hold := make(chan bool)
		var all sync.WaitGroup
		all.Go(func() {
			d.Tx(context.Background(), func(ctx context.Context) error { <-hold; return insert(ctx, d, "a") })
		})
		synctest.Wait()
		before := strings.Split("bcdefghijklmnop", "") // enough that one more waits for others
		for _, id := range before {
			all.Go(func() { insertTook(t, d, id) })
		}
		synctest.Wait()
		close(hold)
		all.Wait()
		var waits sync.WaitGroup
		waits.Go(func() { insertTook(t, d, "q") })
		synctest.Wait()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		waits.Wait()
		again := openInBubble(t, folder)
		defer again.Close()
		if got := allIDs(t, again); got != "a "+strings.Join(before, " ")+" q" {
			t.Errorf("kept %q", got)
		}
	})
}

// Each waits for ten seconds of its own: who came later is not sent away with the others.
func TestEachWaitsForTheWriterByItself(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		defer d.Close()
		ctx := context.Background()
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() { d.Tx(ctx, func(context.Context) error { time.Sleep(12 * time.Second); return nil }) })
		synctest.Wait()
		for after, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: 11 * time.Second, 5 * time.Second: 12 * time.Second} {
			all.Go(func() {
				time.Sleep(after)
				err := insert(ctx, d, after.String())
				if late := fault.Is(err, fault.Busy); late != (after < 2*time.Second) || time.Since(began).Round(time.Second) != want {
					t.Errorf("who came after %v: %v after %v", after, err, time.Since(began))
				}
			})
		}
		all.Wait()
		short, cancel := context.WithTimeout(ctx, time.Second) // sooner than the alarm that is set
		defer cancel()
		all.Go(func() { d.Tx(ctx, func(context.Context) error { time.Sleep(3 * time.Second); return nil }) })
		synctest.Wait()
		all.Go(func() { insert(ctx, d, "patient") })
		synctest.Wait()
		began = time.Now()
		if err := insert(short, d, "short"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("got %v after %v, want the end of the deadline after a second", err, time.Since(began))
		}
		all.Wait()
		if got := allIDs(t, d); got != "5s patient" {
			t.Errorf("kept %q", got)
		}
	})
}

// A forgotten inner context would wait for itself; so would everybody behind it.
func TestWaitingForTheWriterEndsAsBusy(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		defer d.Close()
		err := d.Tx(context.Background(), func(ctx context.Context) error {
			return insert(context.Background(), d, "outer context") // the mistake
		})
		if !fault.Is(err, fault.Busy) || fault.Of(err).RetryAfter <= 0 {
			t.Errorf("got %v, want fault.Busy", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err = d.Tx(context.Background(), func(context.Context) error { return insert(ctx, d, "with a deadline") })
		if fault.Is(err, fault.Busy) || err == nil {
			t.Errorf("got %v, want the end of the deadline", err)
		}
		if got := allIDs(t, d); got != "" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestCloseFinishesWhatRunsAndRefusesWhatWaits(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		hold := make(chan bool)
		var running, waiting, closing error
		var all sync.WaitGroup
		all.Go(func() {
			running = d.Tx(context.Background(), func(ctx context.Context) error { <-hold; return insert(ctx, d, "a") })
		})
		synctest.Wait()
		all.Go(func() { closing = d.Close() })
		synctest.Wait()
		all.Go(func() { waiting = insert(context.Background(), d, "b") })
		synctest.Wait()
		close(hold)
		all.Wait()
		if running != nil || closing != nil || waiting == nil {
			t.Errorf("running: %v, close: %v, waiting: %v", running, closing, waiting)
		}
		again := openInBubble(t, folder)
		defer again.Close()
		if got := allIDs(t, again); got != "a" {
			t.Errorf("kept %q, want %q", got, "a")
		}
	})
}

// Closing among writers ends: those who were told "done" are there, the others know.
func TestCloseAmongWriters(t *testing.T) {
	for round := range 8 {
		url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
		d := openAt(t, url)
		var all sync.WaitGroup
		var done atomic.Int64
		for i := range 24 {
			all.Go(func() {
				for k := 0; insert(t.Context(), d, fmt.Sprintf("%02d-%05d", i, k)) == nil; k++ {
					done.Add(1)
				}
			})
		}
		for int(done.Load()) < 20*round {
			runtime.Gosched()
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		again := openAt(t, url)
		if got := len(strings.Fields(ids(t, again))); got != int(done.Load()) {
			t.Errorf("%d rows, %d were told", got, done.Load())
		}
		again.Close()
	}
}

func openAt(t *testing.T, url string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Migrate(t.Context(), things, clock.System()); err != nil {
		t.Fatal(err)
	}
	return d
}
