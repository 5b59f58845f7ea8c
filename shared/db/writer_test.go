package db_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// openInBubble opens a SQLite database whose goroutines belong to the bubble of the
// test, so that the test knows when all of them wait.
func openInBubble(t *testing.T, folder string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), "sqlite:"+filepath.Join(folder, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Migrate(context.Background(), things, clock.System()); err != nil {
		t.Fatal(err)
	}
	return d
}

// SQLite undoes a whole transaction by itself when the disk is full. Nobody who
// shared it may be told that his part is durable, and those who come later are served.
func TestNobodyIsToldDoneWhenTheDiskIsFull(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		defer d.Close()
		ctx := context.Background()
		if _, err := d.Exec(ctx, `pragma max_page_count = 40`); err != nil {
			t.Fatal(err)
		}
		hold := make(chan bool)
		errs := make([]error, 4)
		var all sync.WaitGroup
		start := func(i int, do func(ctx context.Context) error) {
			all.Go(func() { errs[i] = d.Tx(ctx, do) })
			synctest.Wait() // it runs, or waits for its turn
		}
		start(0, func(ctx context.Context) error { <-hold; return insert(ctx, d, "first") })
		start(1, func(ctx context.Context) error { return insert(ctx, d, "second") })
		start(2, func(ctx context.Context) error {
			_, err := d.Exec(ctx, `insert into things (id, name, n, ok, raw, at) values ('big', 'big', 1, true, $1, 0)`,
				bytes.Repeat([]byte("x"), 1<<20))
			return err
		})
		start(3, func(ctx context.Context) error { return insert(ctx, d, "last") })
		close(hold)
		all.Wait()
		if errs[2] == nil || !strings.Contains(errs[2].Error(), "full") {
			t.Fatalf("the big one: got %v, want: disk is full", errs[2])
		}
		told := ""
		for i, id := range []string{"first", "second", "", "last"} {
			if id != "" && errs[i] == nil {
				told += " " + id
			}
		}
		got := allIDs(t, d)
		if " "+got != told {
			t.Errorf("there is %q, and done was told to %q (errors %v)", got, told, errs)
		}
		if errs[3] != nil {
			t.Errorf("who came after the failure: %v", errs[3])
		}
	})
}

// Who is refused because of what a neighbour in the shared transaction did finds that
// done: the answer waits for the commit.
func TestWhoIsRefusedByANeighbourFindsWhatItDid(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		defer d.Close()
		ctx := context.Background()
		hold, last := make(chan bool), make(chan bool)
		var all sync.WaitGroup
		start := func(do func()) {
			all.Go(do)
			synctest.Wait()
		}
		start(func() { _ = d.Tx(ctx, func(ctx context.Context) error { <-hold; return insert(ctx, d, "first") }) })
		start(func() {
			err := d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, "first") })
			if got := allIDs(t, d); !fault.Is(err, fault.Conflict) || got != "first" {
				t.Errorf("refused with %v, then there is %q, want a conflict with what is there", err, got)
			}
		})
		start(func() { _ = d.Tx(ctx, func(context.Context) error { <-last; return nil }) })
		close(hold)
		synctest.Wait() // the last one holds the commit up
		close(last)
		all.Wait()
	})
}

func allIDs(t *testing.T, d *db.DB) string {
	t.Helper()
	all, err := db.Collect(context.Background(), d, `select id from things order by at, id`, nil, func(scan db.Scan) (id string, err error) {
		err = scan(&id)
		return id, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// 16 who wait share the commit of the first; one of them fails in the middle.
func TestWaitingTransactionsShareACommit(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, folder)
		defer d.Close()
		hold := make(chan bool)
		var all sync.WaitGroup
		all.Go(func() {
			d.Tx(context.Background(), func(ctx context.Context) error { <-hold; return errMine })
		})
		synctest.Wait()
		for i := range 16 {
			all.Go(func() {
				err := d.Tx(context.Background(), func(ctx context.Context) error {
					if err := insert(ctx, d, fmt.Sprintf("%02d", i)); err != nil {
						return err
					}
					if i == 7 {
						return errMine
					}
					return nil
				})
				if (err != nil) != (i == 7) {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		close(hold)
		all.Wait()
		if got, want := allIDs(t, d), "00 01 02 03 04 05 06 08 09 10 11 12 13 14 15"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A statement of its own shares a commit without a savepoint: when it fails half way,
// nothing is left of it, and everything of its neighbours.
func TestAStatementThatFailsInASharedCommitLeavesNothing(t *testing.T) {
	const more = `insert into things (id, name, n, ok, raw, at) select id || $1, name || $1, n, ok, raw, at from things order by id`
	for name, text := range map[string]string{
		"the second row breaks the key":       `insert into things (id, name, n, ok, at) values ('new', 'new', 1, true, 0), ('first', 'other', 1, true, 0)`,
		"the second row breaks another index": `update things set id = id || '!', name = 'the same'`,
		"a row that hangs on it is forgotten": `delete from parents`,
	} {
		folder := t.TempDir()
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openInBubble(t, folder)
				defer d.Close()
				ctx := context.Background()
				for _, text := range []string{
					`create table parents (id text primary key)`,
					`create table children (id text primary key, parent_id text not null references parents (id))`,
					`insert into parents (id) values ('a'), ('b')`,
					`insert into children (id, parent_id) values ('c', 'b')`,
				} {
					if _, err := d.Exec(ctx, text); err != nil {
						t.Fatal(err)
					}
				}
				hold := make(chan bool)
				var all sync.WaitGroup
				start := func(do func() error, fails bool) {
					all.Go(func() {
						if err := do(); (err != nil) != fails {
							t.Errorf("got %v", err)
						}
					})
					synctest.Wait()
				}
				start(func() error {
					return d.Tx(ctx, func(ctx context.Context) error { <-hold; return insert(ctx, d, "first") })
				}, false)
				start(func() error { return insert(ctx, d, "second") }, false)
				start(func() error { _, err := d.Exec(ctx, text); return err }, true)
				start(func() error { _, err := d.Exec(ctx, more, "+"); return err }, false)
				close(hold)
				all.Wait()
				var parents int
				if err := d.Row(ctx, `select count(*) from parents`, nil, &parents); err != nil || parents != 2 {
					t.Errorf("got %d parents, %v, want 2", parents, err)
				}
				if got, want := allIDs(t, d), "first first+ second second+"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

// Who has given up before the turn came changes nothing.
func TestAStatementWhoseCallerIsGoneIsNotRun(t *testing.T) {
	dbtest.Each(t, things, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := insert(ctx, d, "late"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if got := allIDs(t, d); got != "" {
			t.Errorf("there is %q", got)
		}
	})
}
