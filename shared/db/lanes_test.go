package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// lanesOf is how many lanes there are of each kind.
func lanesOf() int { return max(2, runtime.GOMAXPROCS(0)) }

// busyLanes takes all lanes by statements that wait for a lock, runs what come while they
// do, and lets go once all of those wait. It gives false when one of them ran out of
// patience first, on a machine that is busy itself.
func busyLanes(t *testing.T, d, other *db.DB, take func() error, come ...func()) bool {
	t.Helper()
	var all sync.WaitGroup
	var began time.Time
	err := other.Tx(t.Context(), func(ctx context.Context) error {
		if _, err := other.Exec(ctx, `select pg_advisory_xact_lock(7)`); err != nil {
			return err
		}
		for range lanesOf() {
			all.Go(func() {
				if err := take(); err != nil {
					t.Error(err)
				}
			})
		}
		waitUntil(t, func() bool { return waiting(t, other, ctx) == lanesOf() })
		began = time.Now()
		for _, one := range come {
			all.Go(one)
		}
		time.Sleep(20 * time.Millisecond) // they have nothing to do but to take their places
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	soon := time.Since(began) < 200*time.Millisecond
	all.Wait()
	return soon
}

// waiting counts who waits for the lock of busyLanes.
func waiting(t *testing.T, other *db.DB, ctx context.Context) (n int) {
	t.Helper()
	if err := other.Row(ctx, `
		select count(*) from pg_locks l join pg_database b on b.oid = l.database
		where b.datname = current_database() and l.locktype = 'advisory' and l.objid = 7 and not l.granted`, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func waitUntil(t *testing.T, is func() bool) {
	t.Helper()
	for !is() {
		if t.Context().Err() != nil {
			t.Fatal("the test is over")
		}
		time.Sleep(time.Millisecond)
	}
}

// occupy and read take a lane until the lock is free.
func occupy(ctx context.Context, d *db.DB) func() error {
	return func() error {
		_, err := d.Exec(ctx, `select pg_advisory_xact_lock_shared(7)`)
		return err
	}
}

func read(ctx context.Context, d *db.DB) func() error {
	return func() error {
		var held string
		return d.Row(ctx, `select pg_advisory_xact_lock_shared(7)::text`, nil, &held)
	}
}

func onPostgres(t *testing.T) (d, other *db.DB) {
	url := dbtest.URL(t, dbtest.KindPostgres)
	return dbtest.Open(t, url+"&application_name="+t.Name(), things), dbtest.Open(t, url, nil)
}

// often runs round until it says that it went as it was meant to.
func often(t *testing.T, round func(n int) bool) {
	t.Helper()
	for n := range 50 {
		if round(n) {
			return
		}
	}
	t.Fatal("it never went as it was meant to")
}

// inserts are writers, one for each thing.
func inserts(ctx context.Context, t *testing.T, d *db.DB, things ...string) (all []func()) {
	for _, id := range things {
		all = append(all, func() {
			if err := insert(ctx, d, id); err != nil {
				t.Error(err)
			}
		})
	}
	return all
}

// named puts a prefix before each of the letters of text.
func named(prefix, text string) (all []string) {
	for _, letter := range text {
		all = append(all, prefix+string(letter))
	}
	return all
}

// transactions counts those in which the things were written.
func transactions(t *testing.T, d *db.DB, prefix string) (n int) {
	t.Helper()
	if err := d.Row(t.Context(), `select count(distinct xmin::text) from things where id like $1`, db.Args(prefix+"%"), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Writers that come while the lanes are taken share one transaction.
func TestWritersThatWaitShareACommit(t *testing.T) {
	d, other := onPostgres(t)
	often(t, func(round int) bool {
		prefix := fmt.Sprintf("%02d-", round)
		busyLanes(t, d, other, occupy(t.Context(), d), inserts(t.Context(), t, d, named(prefix, "0123456789")...)...)
		if got := len(strings.Fields(ids(t, d))); got != 10*(round+1) {
			t.Fatalf("round %d: %d things", round, got)
		}
		return transactions(t, d, prefix) == 1
	})
}

// What takes long goes apart, and so does who has little time: the others may take longer.
func TestWhatGoesApartSharesNothing(t *testing.T) {
	d, other := onPostgres(t)
	short, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	often(t, func(round int) bool {
		prefix := fmt.Sprintf("%02d-", round)
		busyLanes(t, d, other, occupy(t.Context(), d), slices.Concat(
			inserts(db.Apart(t.Context()), t, d, prefix+"apart"),
			inserts(short, t, d, prefix+"short"),
			inserts(t.Context(), t, d, named(prefix+"co-", "abc")...))...)
		apart, short, rest := transactions(t, d, prefix+"apart"), transactions(t, d, prefix+"short"), transactions(t, d, prefix+"co")
		if all := transactions(t, d, prefix); apart+short != 2 || all < 3 {
			t.Fatalf("%d transactions for all of them", all)
		}
		return rest == 1
	})
}

// Readers share a round trip: PostgreSQL takes their statements for one transaction. Each
// gets its own answer, also the one who asks for what is not there.
func TestReadersThatWaitShareARoundTrip(t *testing.T) {
	d, other := onPostgres(t)
	for i := range 10 {
		if err := insert(t.Context(), d, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	often(t, func(int) bool {
		var came [10]int64
		var come []func()
		for i := range came {
			come = append(come, func() {
				var id string
				err := d.Row(t.Context(), `select id, (extract(epoch from now()) * 1000000)::bigint from things where id = $1`, db.Args(fmt.Sprint(i)), &id, &came[i])
				if err != nil || id != fmt.Sprint(i) {
					t.Errorf("asked for %d: got %q, %v", i, id, err)
				}
				if err := d.Row(t.Context(), `select id from things where id = $1`, db.Args("none"), &id); !fault.Is(err, fault.NotFound) {
					t.Errorf("asked for what is not there: %v", err)
				}
			})
		}
		busyLanes(t, d, other, read(t.Context(), d), come...)
		for _, one := range came {
			if one != came[0] {
				return false
			}
		}
		return true
	})
}

// Who goes away while the lanes are taken does not come back later as a row.
func TestWhoLeavesTheQueueIsForgotten(t *testing.T) {
	d, other := onPostgres(t)
	ctx, leave := context.WithCancel(t.Context())
	var err error
	busyLanes(t, d, other, occupy(t.Context(), d), func() {
		time.AfterFunc(5*time.Millisecond, leave)
		err = insert(ctx, d, "left")
	})
	if !errors.Is(err, context.Canceled) || ids(t, d) != "" {
		t.Errorf("got %v, and %q are there", err, ids(t, d))
	}
}

// Lanes that are stuck behind a lock hold nobody up for long.
func TestNobodyWaitsForLanesThatAreStuck(t *testing.T) {
	d, other := onPostgres(t)
	stuck, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	err := other.Tx(t.Context(), func(ctx context.Context) error {
		if _, err := other.Exec(ctx, `select pg_advisory_xact_lock(7)`); err != nil {
			return err
		}
		for range lanesOf() {
			all.Go(func() { occupy(stuck, d)() })
			all.Go(func() { read(stuck, d)() })
		}
		waitUntil(t, func() bool { return waiting(t, other, ctx) == 2*lanesOf() })
		if err := insert(t.Context(), d, "a"); err != nil {
			return err
		}
		var id string
		return d.Row(t.Context(), `select id from things`, nil, &id)
	})
	if err != nil {
		t.Error(err)
	}
	all.Wait()
}
