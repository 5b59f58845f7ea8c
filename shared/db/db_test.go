package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// things is the schema of these tests.
var things = fstest.MapFS{"0001_things.sql": {Data: []byte(`
create table things (
	id    text    primary key,
	name  text    not null unique,
	n     bigint  not null,
	ok    boolean not null,
	raw   bytea,
	at    bigint  not null,
	ended bigint
);
`)}}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

type thing struct {
	id, name string
	n        int
	ok       bool
	raw      []byte
	at       time.Time
	ended    *time.Time
}

func insert(ctx context.Context, d *db.DB, id string) error {
	_, err := d.Exec(ctx, `insert into things (id, name, n, ok, raw, at) values ($1, $2, 1, true, null, $3)`, id, "name of "+id, noon)
	return err
}

// ids names the things that are there, in order.
func ids(t *testing.T, d *db.DB) string {
	t.Helper()
	all, err := db.Collect(t.Context(), d, `select id from things order by id`, nil, func(scan db.Scan) (id string, err error) {
		err = scan(&id)
		return id, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, things, test)
}

func TestValuesComeBackAsTheyWentIn(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		later := noon.Add(time.Hour).In(time.FixedZone("JST", 9*3600))
		for _, want := range []thing{
			{"a", "手形 'quoted' \"too\" $1", 0, false, nil, noon, nil},
			{"b", "", 1 << 40, true, []byte{0, 255, '\''}, later, &later},
			{"c", "empty bytes", -1, true, []byte{}, time.UnixMicro(-1), &noon},
		} {
			_, err := d.Exec(t.Context(), `insert into things (id, name, n, ok, raw, at, ended) values ($1, $2, $3, $4, $5, $6, $7)`,
				want.id, want.name, want.n, want.ok, want.raw, want.at, want.ended)
			if err != nil {
				t.Fatal(err)
			}
			var got thing
			err = d.Row(t.Context(), `select id, name, n, ok, raw, at, ended from things where id = $1`, db.Args(want.id),
				&got.id, &got.name, &got.n, &got.ok, &got.raw, &got.at, &got.ended)
			if err != nil {
				t.Fatal(err)
			}
			if got.id != want.id || got.name != want.name || got.n != want.n || got.ok != want.ok || string(got.raw) != string(want.raw) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if (got.raw == nil) != (want.raw == nil) {
				t.Errorf("raw is null: got %v, want %v", got.raw == nil, want.raw == nil)
			}
			if !got.at.Equal(want.at) || got.at.Location() != time.UTC {
				t.Errorf("time: got %v, want %v in UTC", got.at, want.at)
			}
			if (got.ended == nil) != (want.ended == nil) || got.ended != nil && !got.ended.Equal(*want.ended) {
				t.Errorf("time that may be null: got %v, want %v", got.ended, want.ended)
			}
		}
	})
}

func TestPlaceholdersAreBoundByNumberNotByOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if err := insert(t.Context(), d, "a"); err != nil {
			t.Fatal(err)
		}
		var first, second string
		err := d.Row(t.Context(), `select '$2' || $2, name || $1 from things where id = $3 and id = $3 -- not $4, it's a comment`,
			db.Args("one", "two", "a"), &first, &second)
		if err != nil {
			t.Fatal(err)
		}
		if first != "$2two" || second != "name of aone" {
			t.Errorf("got %q and %q", first, second)
		}
	})
}

func TestMinAndMaxOfTimesAreTimes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var none *time.Time
		if err := d.Row(t.Context(), `select max(at) from things`, nil, &none); err != nil || none != nil {
			t.Errorf("max of nothing: got %v, %v", none, err)
		}
		if err := insert(t.Context(), d, "a"); err != nil {
			t.Fatal(err)
		}
		var at time.Time
		if err := d.Row(t.Context(), `select min(at) from things`, nil, &at); err != nil || !at.Equal(noon) {
			t.Errorf("got %v, %v, want %v", at, err, noon)
		}
	})
}

func TestNamedTypesBindLikeTheirBasicTypes(t *testing.T) {
	type state string
	each(t, func(t *testing.T, d *db.DB) {
		_, err := d.Exec(t.Context(), `insert into things (id, name, n, ok, at) values ($1, 'x', 1, true, 0)`, state("named"))
		if err != nil {
			t.Fatal(err)
		}
		var got state
		if err := d.Row(t.Context(), `select id from things where id = $1`, db.Args(state("named")), &got); err != nil || got != "named" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestNoRowIsNotFound(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var id string
		for _, text := range []string{`select id from things where id = $1`, `update things set n = 2 where id = $1 returning id`} {
			if err := d.Row(t.Context(), text, db.Args("nobody"), &id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: got %v, want fault.NotFound", text, err)
			}
		}
		n, err := d.Exec(t.Context(), `update things set n = 2 where id = $1`, "nobody")
		if n != 0 || err != nil {
			t.Errorf("Exec that touches nothing: got %d, %v", n, err)
		}
	})
}

func TestUniqueViolationIsConflict(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if err := insert(t.Context(), d, "a"); err != nil {
			t.Fatal(err)
		}
		if err := insert(t.Context(), d, "a"); !fault.Is(err, fault.Conflict) {
			t.Errorf("same key: got %v, want fault.Conflict", err)
		}
		var id string
		err := d.Row(t.Context(), `insert into things (id, name, n, ok, at) values ('b', 'name of a', 1, true, 0) returning id`, nil, &id)
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("same name, returning: got %v, want fault.Conflict", err)
		}
		_, err = d.Exec(t.Context(), `insert into things (id, name, n, ok, at) values ('b', null, 1, true, 0)`)
		if err == nil || fault.Is(err, fault.Conflict) {
			t.Errorf("null where none may be: got %v, want an error that is no Conflict", err)
		}
	})
}

// Strangers can send any bytes; PostgreSQL cannot keep all of them as text.
func TestTextThatIsNoTextIsInvalidOnBoth(t *testing.T) {
	type named string
	each(t, func(t *testing.T, d *db.DB) {
		for _, text := range []string{"a\x00b", "a\xffb"} {
			if err := insert(t.Context(), d, text); !fault.Is(err, fault.Invalid) {
				t.Errorf("insert %q: got %v, want fault.Invalid", text, err)
			}
			var id string
			if err := d.Row(t.Context(), `select id from things where id = $1`, db.Args(text), &id); !fault.Is(err, fault.Invalid) {
				t.Errorf("select %q: got %v, want fault.Invalid", text, err)
			}
			err := d.Row(t.Context(), `select id from things where id = $1`, db.Args(named(text)), &id)
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("select named %q: got %v, want fault.Invalid", text, err)
			}
		}
	})
}

func TestUpdateReturningTouchesEveryRowThoughOneIsRead(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for _, id := range []string{"a", "b", "c"} {
			if err := insert(t.Context(), d, id); err != nil {
				t.Fatal(err)
			}
		}
		var n, sum int
		if err := d.Row(t.Context(), `update things set n = 5 returning n`, nil, &n); err != nil || n != 5 {
			t.Fatal(n, err)
		}
		if err := d.Row(t.Context(), `select sum(n) from things`, nil, &sum); err != nil || sum != 15 {
			t.Errorf("sum: got %d, %v, want 15", sum, err)
		}
	})
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		inside, leave := make(chan bool), make(chan bool)
		var all sync.WaitGroup
		all.Go(func() {
			err := d.Tx(t.Context(), func(ctx context.Context) error {
				if err := insert(ctx, d, "a"); err != nil {
					return err
				}
				inside <- true
				<-leave
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-inside
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var n int
		if err := d.Row(ctx, `select count(*) from things`, nil, &n); err != nil || n != 0 {
			t.Errorf("while a transaction is open: got %d, %v, want 0 and no error", n, err)
		}
		close(leave)
		all.Wait()
		if got := ids(t, d); got != "a" {
			t.Errorf("after it: got %q", got)
		}
	})
}

func TestCollectStopsWithItsContext(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for i := range 30 { // 810,000 rows: a busy machine may read many before it hears of the end
			if err := insert(t.Context(), d, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		before := ids(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		read := 0
		_, err := db.Collect(ctx, d, `select a.id from things a, things b, things c, things e`, nil, func(scan db.Scan) (id string, err error) {
			cancel()
			read++
			err = scan(&id)
			return id, err
		})
		if !errors.Is(err, context.Canceled) || read > 800_000 {
			t.Errorf("got %v after %d rows, want context.Canceled soon", err, read)
		}
		if got := ids(t, d); got != before {
			t.Errorf("the database is of no use afterwards: %q", got)
		}
	})
}

func TestReadsAfterASchemaChangeSeeIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if got := ids(t, d); got != "" { // the statement is prepared now
			t.Fatal(got)
		}
		more := fstest.MapFS{"0001_things.sql": things["0001_things.sql"], "0002_more.sql": {Data: []byte(`
			alter table things add column extra text not null default 'x';
			insert into things (id, name, n, ok, at) values ('new', 'new', 1, true, 0);`)}}
		if _, err := d.Migrate(t.Context(), more, clock.System()); err != nil {
			t.Fatal(err)
		}
		if got := ids(t, d); got != "new" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAClosedDatabaseRefuses(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		d, err := db.Open(t.Context(), rawURL)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		if _, err := d.Exec(t.Context(), `create table late (id bigint)`); err == nil {
			t.Error("a write after Close succeeded")
		}
		if err := d.Row(t.Context(), `select 1`, nil, new(int)); err == nil {
			t.Error("a read after Close succeeded")
		}
	})
}

func TestManyReadersAndWritersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var all sync.WaitGroup
		for i := range 32 {
			all.Go(func() {
				for k := range 10 {
					if err := insert(t.Context(), d, fmt.Sprintf("%02d-%02d", i, k)); err != nil {
						t.Error(err)
					}
					var n int
					err := d.Row(t.Context(), `select count(*) from things where id >= $1 and id <= $2`,
						db.Args(fmt.Sprintf("%02d-", i), fmt.Sprintf("%02d-99", i)), &n)
					if err != nil || n != k+1 {
						t.Errorf("own writes: got %d, %v, want %d", n, err, k+1)
					}
				}
			})
		}
		all.Wait()
		if got := strings.Fields(ids(t, d)); len(got) != 320 || !slices.IsSorted(got) {
			t.Errorf("got %d things, want 320", len(got))
		}
	})
}
