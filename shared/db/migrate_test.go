package db_test

import (
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

func files(texts ...string) fstest.MapFS {
	all := fstest.MapFS{}
	for i, text := range texts {
		all["000"+string(rune('1'+i))+"_step.sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

const (
	one = `
-- A table; with 'odd' comments that don't end;
create table one (id text primary key, -- a key;
	note text not null);
insert into one (id, note) values ('a;b', 'it''s; -- no comment
second line');
-- the end
`
	two = `create table two (id text primary key);`
)

func TestMigrateAppliesWhatIsMissingOnce(t *testing.T) {
	dbtest.Each(t, nil, func(t *testing.T, d *db.DB) {
		check := func(schema fs.FS, wantPending int, wantApplied string) {
			t.Helper()
			if n, err := d.Pending(t.Context(), schema); err != nil || n != wantPending {
				t.Errorf("pending: got %d, %v, want %d", n, err, wantPending)
			}
			applied, err := d.Migrate(t.Context(), schema, clock.System())
			if err != nil || strings.Join(applied, " ") != wantApplied {
				t.Errorf("applied: got %v, %v, want %q", applied, err, wantApplied)
			}
		}
		check(files(one), 1, "0001_step")
		check(files(one), 0, "")
		check(files(one, two), 1, "0002_step")
		var note string
		if err := d.Row(t.Context(), `select note from one where id = 'a;b'`, nil, &note); err != nil || note != "it's; -- no comment\nsecond line" {
			t.Errorf("got %q, %v", note, err)
		}
		if _, err := d.Migrate(t.Context(), files(one), clock.System()); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("a database that is newer than the program: got %v, want a refusal", err)
		}
		if n, err := d.Pending(t.Context(), files(one)); err != nil || n != -1 {
			t.Errorf("pending of a newer database: got %d, %v, want -1", n, err)
		}
	})
}

// F-16: what fails, or is killed, half way leaves the old schema.
func TestAFailedMigrationLeavesNothing(t *testing.T) {
	dbtest.Each(t, nil, func(t *testing.T, d *db.DB) {
		bad := files(one, two+"\nselect nonsense from nowhere;")
		if _, err := d.Migrate(t.Context(), bad, clock.System()); err == nil || !strings.Contains(err.Error(), "0002_step") {
			t.Fatalf("got %v, want an error that names the file", err)
		}
		if n, err := d.Pending(t.Context(), bad); err != nil || n != 2 {
			t.Errorf("pending: got %d, %v, want 2", n, err)
		}
		if applied, err := d.Migrate(t.Context(), files(one, two), clock.System()); err != nil || len(applied) != 2 {
			t.Errorf("after it was mended: got %v, %v", applied, err)
		}
	})
}

func TestOfNodesThatMigrateAtOnceOneDoes(t *testing.T) {
	for range 3 {
		dbtest.EachURL(t, func(t *testing.T, rawURL string) {
			const nodes = 4
			applied := make([][]string, nodes)
			start := make(chan bool)
			var all sync.WaitGroup
			for i := range nodes {
				d := dbtest.Open(t, rawURL, nil)
				all.Go(func() {
					<-start
					var err error
					if applied[i], err = d.Migrate(t.Context(), files(one, two), clock.System()); err != nil {
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			sum := 0
			for _, names := range applied {
				sum += len(names)
			}
			if sum != 2 {
				t.Errorf("%d migrations were applied, want 2: %v", sum, applied)
			}
		})
	}
}

// A text may say what is for SQLite alone; in quotes and behind other comments it does not.
func TestAMigrationMayKeepRowsInTheTreeOfTheirKey(t *testing.T) {
	schema := files(`
		create table plain (id text primary key, note text not null -- no --sqlite: without rowid
		);
		create table keyed (a text not null, b text not null, note text not null, primary key (a, b))
		--sqlite: without rowid
		;
		insert into keyed (a, b, note) values ('x', 'y', '--sqlite: stays;');
		create table last (id text primary key) --sqlite: without rowid
		;`)
	dbtest.Each(t, schema, func(t *testing.T, d *db.DB) {
		var note string
		if err := d.Row(t.Context(), `select note from keyed where a = 'x' and b = 'y'`, nil, &note); err != nil || note != "--sqlite: stays;" {
			t.Errorf("got %q, %v", note, err)
		}
		_, err := d.Exec(t.Context(), `insert into keyed (a, b, note) values ('x', 'y', '')`)
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("the same key again: got %v, want a conflict", err)
		}
		if !d.SQLite() {
			return
		}
		for table, want := range map[string]bool{"plain": false, "keyed": true, "last": true} {
			var without bool
			err := d.Row(t.Context(), `select wr from pragma_table_list where name = $1`, db.Args(table), &without)
			if err != nil || without != want {
				t.Errorf("%s without rowid: got %v, %v, want %v", table, without, err, want)
			}
		}
	})
}

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	for name, schema := range map[string]fstest.MapFS{
		"gap":       {"0001_a.sql": {}, "0003_c.sql": {}},
		"double":    {"0001_a.sql": {}, "0001_b.sql": {}},
		"no number": {"first.sql": {}},
	} {
		if _, err := db.Migrations(schema); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	all, err := db.Migrations(fstest.MapFS{"0001_a.sql": {}, "0002_b.sql": {}, "schema.go": {}})
	if err != nil || len(all) != 2 || all[1].Name != "0002_b" {
		t.Errorf("got %v, %v", all, err)
	}
}
