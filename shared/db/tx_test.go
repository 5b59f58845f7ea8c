package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

var errMine = errors.New("mine")

func TestTxCommitsAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if !d.InTx(ctx) || d.InTx(t.Context()) {
				t.Error("InTx mistakes the contexts")
			}
			if err := insert(ctx, d, "a"); err != nil {
				return err
			}
			var n int
			if err := d.Row(ctx, `select count(*) from things`, nil, &n); err != nil || n != 1 {
				t.Errorf("inside, own write: got %d, %v", n, err)
			}
			return insert(ctx, d, "b")
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Tx(t.Context(), func(ctx context.Context) error {
			return errors.Join(insert(ctx, d, "c"), insert(ctx, d, "d"), errMine)
		})
		if !errors.Is(err, errMine) {
			t.Errorf("got %v, want the error of the closure", err)
		}
		if got := ids(t, d); got != "a b" {
			t.Errorf("got %q, want %q", got, "a b")
		}
	})
}

func TestTxKeepsTheKindOfAFault(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			return fault.New(fault.Expired, "code", "code.expired")
		})
		if !fault.Is(err, fault.Expired) {
			t.Errorf("got %v", err)
		}
		err = d.Tx(t.Context(), func(ctx context.Context) error {
			return errors.Join(insert(ctx, d, "a"), insert(ctx, d, "a"))
		})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want fault.Conflict", err)
		}
	})
}

func TestNestedTxJoins(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, "inner") }); err != nil {
				t.Error(err)
			}
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Error(err)
		}
		if got := ids(t, d); got != "" {
			t.Errorf("the inner one was committed on its own: %q", got)
		}
	})
}

func TestTwoDatabasesInOneContextDoNotMeet(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		other := dbtest.SQLite(t, things)
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if other.InTx(ctx) {
				t.Error("a transaction of one database is taken for one of another")
			}
			if err := insert(ctx, other, "kept"); err != nil {
				t.Error(err)
			}
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Error(err)
		}
		if got := ids(t, other); got != "kept" {
			t.Errorf("other database: got %q", got)
		}
	})
}

func TestPanicUndoesAndGoesOn(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if got := recover(); got != "oh" {
					t.Errorf("recovered %v, want the panic of the closure", got)
				}
			}()
			d.Tx(t.Context(), func(ctx context.Context) error {
				insert(ctx, d, "a")
				panic("oh")
			})
		}()
		stillWorks(t, d)
	})
}

func TestGoexitUndoes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var gone sync.WaitGroup
		gone.Go(func() {
			d.Tx(t.Context(), func(ctx context.Context) error {
				insert(ctx, d, "a")
				runtime.Goexit()
				return nil
			})
		})
		gone.Wait()
		stillWorks(t, d)
	})
}

// stillWorks checks that nothing was kept and that a transaction can be had.
func stillWorks(t *testing.T, d *db.DB) {
	t.Helper()
	if got := ids(t, d); got != "" {
		t.Errorf("kept %q", got)
	}
	if err := d.Tx(t.Context(), func(ctx context.Context) error { return insert(ctx, d, "next") }); err != nil {
		t.Error(err)
	}
	if got := ids(t, d); got != "next" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestACancelledContextUndoes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for round := range 40 { // who notices first, the transaction or its watcher, is chance
			ctx, cancel := context.WithCancel(t.Context())
			err := d.Tx(ctx, func(ctx context.Context) error {
				if err := insert(ctx, d, "a"); err != nil {
					return err
				}
				cancel()
				for range round {
					runtime.Gosched()
				}
				if round%2 == 0 {
					return nil
				}
				return insert(ctx, d, "b")
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled inside, round %d: got %v, want context.Canceled", round, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		err := d.Tx(ctx, func(context.Context) error { ran = true; return nil })
		if !errors.Is(err, context.Canceled) || ran {
			t.Errorf("cancelled before: got %v, ran %v", err, ran)
		}
		stillWorks(t, d)
	})
}

// Whoever goes away in the middle of a transaction takes no connection along.
func TestACancelledTransactionKeepsItsConnection(t *testing.T) {
	d := dbtest.Open(t, dbtest.URL(t, dbtest.KindPostgres)+"&pool_max_conns=1", things)
	var before, after int
	ctx, cancel := context.WithCancel(t.Context())
	err := d.Tx(ctx, func(ctx context.Context) error {
		defer cancel()
		return errors.Join(insert(ctx, d, "a"), d.Row(ctx, `select pg_backend_pid()`, nil, &before))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if err := d.Row(t.Context(), `select pg_backend_pid()`, nil, &after); err != nil || before != after {
		t.Errorf("connection %d before, %d after, %v", before, after, err)
	}
	stillWorks(t, d)
}

// F-14: a server that went away says nothing, so nothing waits for it without end. What
// becomes of the wait stands in tx_internal_test.go, where it does not take 30 seconds.
func TestNothingOnPostgresWaitsWithoutEnd(t *testing.T) {
	d := dbtest.Postgres(t, things)
	err := d.Tx(t.Context(), func(ctx context.Context) error {
		if _, has := ctx.Deadline(); !has {
			t.Error("a transaction without a deadline")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := d.Exec(ctx, `select pg_sleep(60)`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's own deadline: got %v", err)
	}
	stillWorks(t, d)
}

func TestAContextKeptForLaterIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var kept context.Context
		if err := d.Tx(t.Context(), func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := insert(kept, d, "late"); err == nil {
			t.Error("a statement ran in a transaction that is over")
		}
		if err := d.Tx(kept, func(context.Context) error { return nil }); err == nil {
			t.Error("a transaction was joined that is over")
		}
		woken := false
		if d.AfterCommit(kept, func() { woken = true }); !woken {
			t.Error("nobody is woken by a transaction that is over")
		}
		stillWorks(t, d)
	})
}

func TestAfterCommitRunsOnceDurableAndNeverWhenUndone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var seen []string
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			d.AfterCommit(ctx, func() { seen = append(seen, "first sees "+ids(t, d)) })
			return d.Tx(ctx, func(ctx context.Context) error {
				d.AfterCommit(ctx, func() { seen = append(seen, "second") })
				if len(seen) > 0 {
					t.Error("called before the commit")
				}
				return insert(ctx, d, "a")
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		d.Tx(t.Context(), func(ctx context.Context) error {
			d.AfterCommit(ctx, func() { seen = append(seen, "never") })
			return errMine
		})
		d.AfterCommit(t.Context(), func() { seen = append(seen, "outside") })
		if got, want := strings.Join(seen, ", "), "first sees a, second, outside"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Of 200 transactions at once, a third ends badly in different ways. What those wrote
// vanishes; what their neighbours wrote, perhaps in the same commit, stays.
func TestAFailingTransactionLeavesItsNeighboursAlone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const all = 200
		var done sync.WaitGroup
		var committed atomic.Int64
		for i := range all {
			done.Go(func() {
				defer func() { recover() }()
				err := d.Tx(t.Context(), func(ctx context.Context) error {
					d.AfterCommit(ctx, func() { committed.Add(1) })
					for _, part := range "xy" {
						if err := insert(ctx, d, fmt.Sprintf("%03d%c", i, part)); err != nil {
							return err
						}
					}
					return misbehave(ctx, d, i)
				})
				if (err == nil) != (i%3 != 0) {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		done.Wait()
		var want []string
		for i := range all {
			if i%3 != 0 {
				want = append(want, fmt.Sprintf("%03dx", i), fmt.Sprintf("%03dy", i))
			}
		}
		if got := ids(t, d); got != strings.Join(want, " ") {
			t.Errorf("got %d things, want %d: %s", len(strings.Fields(got)), len(want), got)
		}
		if got := int(committed.Load()); got != len(want)/2 {
			t.Errorf("%d were told of a commit, want %d", got, len(want)/2)
		}
	})
}

// misbehave ends every third transaction, in turn by an error, a broken rule of the
// database, a panic and a lost goroutine.
func misbehave(ctx context.Context, d *db.DB, i int) error {
	if i%3 != 0 {
		return nil
	}
	switch i / 3 % 4 {
	case 0:
		return errMine
	case 1:
		return insert(ctx, d, fmt.Sprintf("%03dx", i)) // again
	case 2:
		panic("oh")
	default:
		runtime.Goexit()
		return nil
	}
}

// Two transactions that read what the other writes: PostgreSQL refuses one of them
// at the highest isolation, and Tx runs it again (also what CockroachDB asks for).
func TestTxRunsAgainAfterASerializationFailure(t *testing.T) {
	d := dbtest.Postgres(t, things)
	for _, id := range []string{"a", "b"} {
		if err := insert(t.Context(), d, id); err != nil {
			t.Fatal(err)
		}
	}
	var runs atomic.Int64
	var met, done sync.WaitGroup
	met.Add(2)
	for _, id := range []string{"a", "b"} {
		done.Go(func() {
			first := true
			err := d.Tx(t.Context(), func(ctx context.Context) error {
				runs.Add(1)
				if _, err := d.Exec(ctx, `set transaction isolation level serializable`); err != nil {
					return err
				}
				var sum int
				if err := d.Row(ctx, `select sum(n) from things`, nil, &sum); err != nil {
					return err
				}
				if first { // both have read before one writes
					first = false
					met.Done()
					met.Wait()
				}
				_, err := d.Exec(ctx, `update things set n = $2 where id = $1`, id, sum)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if got := runs.Load(); got < 3 {
		t.Errorf("%d runs: none was run again", got)
	}
	var n int
	if err := d.Row(t.Context(), `select sum(n) from things`, nil, &n); err != nil || n != 5 {
		t.Errorf("sum: got %d, %v, want 5 (2 and then 3): one after the other", n, err)
	}
}
