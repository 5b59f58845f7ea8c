package db_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
)

// connections names those of the test.
func connections(t *testing.T, other *db.DB) []int {
	t.Helper()
	all, err := db.Collect(t.Context(), other, `select pid from pg_stat_activity where application_name = $1`, db.Args(t.Name()),
		func(scan db.Scan) (pid int, err error) { return pid, scan(&pid) })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// One who fails among others fails alone, with its own error, and of two who want the same
// one gets it. It costs nobody a connection.
func TestWhoFailsInCompanyFailsAlone(t *testing.T) {
	d, other := onPostgres(t)
	if err := insert(t.Context(), d, "taken"); err != nil {
		t.Fatal(err)
	}
	var before []int
	often(t, func(round int) bool {
		var mu sync.Mutex
		got := map[string][]error{}
		var come []func()
		for _, name := range []string{"a", "taken", "b", "twice", "c", "twice", "d"} {
			id := fmt.Sprintf("%02d-%s", round, name)
			if name == "taken" {
				id = name
			}
			come = append(come, func() {
				err := insert(t.Context(), d, id)
				mu.Lock()
				defer mu.Unlock()
				got[name] = append(got[name], err)
			})
		}
		soon := busyLanes(t, d, other, occupy(t.Context(), d), come...)
		for name, errs := range got {
			kept := 0
			for _, err := range errs {
				if err == nil {
					kept++
				} else if !fault.Is(err, fault.Conflict) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if want := map[bool]int{true: 0, false: 1}[name == "taken"]; kept != want {
				t.Errorf("%s was kept %d times: %v", name, kept, errs)
			}
		}
		now := connections(t, other)
		for _, one := range before {
			if !slices.Contains(now, one) {
				t.Errorf("a connection was lost: %v before, %v now", before, now)
			}
		}
		before = now
		return soon && round > 3
	})
}

// What cannot even be sent is one caller's mistake, and no one else's.
func TestAWrongArgumentFailsAlone(t *testing.T) {
	d, other := onPostgres(t)
	often(t, func(round int) bool {
		come := []func(){func() {
			if _, err := d.Exec(t.Context(), `update things set n = $2 where id = $1`, "a", struct{ X int }{1}); err == nil || fault.Of(err) != nil {
				t.Errorf("a struct for a number: %v", err)
			}
		}}
		come = append(come, inserts(t.Context(), t, d, named(fmt.Sprintf("%02d-", round), "01234")...)...)
		return busyLanes(t, d, other, occupy(t.Context(), d), come...) && round > 3
	})
}

// Where the server does not know whether it committed, nobody is told anything else, and
// nothing is tried again.
func TestACommitThatNobodyKnowsOfIsNotRepeated(t *testing.T) {
	d, other := onPostgres(t)
	for _, text := range []string{
		`create function unknown() returns trigger language plpgsql as $$ begin raise exception 'result is ambiguous' using errcode = '40003'; end $$`,
		`create constraint trigger unknown after insert on things deferrable initially deferred for each row when (new.id like '%unknown') execute function unknown()`,
	} {
		if _, err := d.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	often(t, func(round int) bool {
		told := make([]error, 6)
		var come []func()
		for i := range told {
			id := fmt.Sprintf("%02d-%d", round, i)
			if i == 3 {
				id += "-unknown"
			}
			come = append(come, func() { told[i] = insert(t.Context(), d, id) })
		}
		busyLanes(t, d, other, occupy(t.Context(), d), come...)
		for i, err := range told {
			if err == nil { // it was not in company
				return false
			}
			if !fault.Is(err, fault.Busy) && i != 3 {
				t.Errorf("%d was told %v", i, err)
			}
		}
		return true
	})
}

// Companies change rows in the order of their names, so that no two of them wait for each
// other: PostgreSQL would let both wait for a second and then undo one.
func TestACompanyWritesInTheOrderOfItsRows(t *testing.T) {
	d, other := onPostgres(t)
	often(t, func(round int) bool {
		prefix := fmt.Sprintf("%02d-", round)
		busyLanes(t, d, other, occupy(t.Context(), d), inserts(t.Context(), t, d, named(prefix, "ebdac")...)...)
		if transactions(t, d, prefix) != 1 {
			return false
		}
		var order string
		if err := d.Row(t.Context(), `select string_agg(substr(id, 4), '' order by cmin::text::bigint) from things where id like $1`, db.Args(prefix+"%"), &order); err != nil || order != "abcde" {
			t.Errorf("written as %q, %v", order, err)
		}
		return true
	})
}

// F-14: when the server goes away under a company, everybody is told, nothing is kept
// twice, and the next ones get a new connection.
func TestACompanyWhoseServerGoesAwayIsTold(t *testing.T) {
	d, other := onPostgres(t)
	stop := make(chan bool)
	var all sync.WaitGroup
	var mu sync.Mutex
	told := map[string]bool{}
	for i := range 32 {
		all.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%02d-%04d", i, k)
				err := insert(t.Context(), d, id)
				if err != nil && !fault.Is(err, fault.Busy) {
					t.Errorf("%s: %v", id, err)
					return
				}
				if err == nil {
					mu.Lock()
					told[id] = true
					mu.Unlock()
				}
			}
		})
	}
	for range 20 {
		if _, err := other.Exec(t.Context(), `
			select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and query like 'insert into things%' and pid <> pg_backend_pid()`); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	all.Wait()
	kept := strings.Fields(ids(t, d))
	for id := range told {
		if _, there := slices.BinarySearch(kept, id); !there {
			t.Errorf("%s was told done, and is not there", id)
		}
	}
	if _, err := d.Exec(t.Context(), `delete from things`); err != nil {
		t.Error(err)
	}
	stillWorks(t, d)
}
