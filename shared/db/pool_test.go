package db_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"tegata/shared/db/dbtest"
)

// Whoever writes has a connection left while as many as may read at once do so, and who
// would be one reader more waits for a seat until its time is over.
func TestReadersLeaveConnectionsToThoseWhoWrite(t *testing.T) {
	d := dbtest.Postgres(t, things)
	ctx, readers := t.Context(), 8*runtime.GOMAXPROCS(0)
	const gate = `select pg_advisory_xact_lock(7)`
	var reading sync.WaitGroup
	err := d.Tx(ctx, func(held context.Context) error {
		if _, err := d.Exec(held, gate); err != nil {
			return err
		}
		for range readers {
			reading.Go(func() {
				if _, err := d.Exec(ctx, gate); err != nil {
					t.Error(err)
				}
			})
		}
		for waiting := 0; waiting < readers; {
			err := d.Row(held, `select count(*) from pg_locks where locktype = 'advisory' and not granted
				and database = (select oid from pg_database where datname = current_database())`, nil, &waiting)
			if err != nil {
				return err
			}
		}
		if err := insert(ctx, d, "written meanwhile"); err != nil {
			t.Errorf("a write beside %d readers: %v", readers, err)
		}
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		var one int
		if err := d.Row(short, `select 1`, nil, &one); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one reader more: got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	var name string
	if err := d.Row(ctx, `select id from things`, nil, &name); err != nil || name != "written meanwhile" {
		t.Errorf("afterwards: %q, %v", name, err)
	}
}
