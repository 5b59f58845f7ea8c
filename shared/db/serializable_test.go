package db_test

import (
	"fmt"
	"testing"

	"tegata/shared/db"
	"tegata/shared/fault"
)

// failing gives PostgreSQL a function that fails with a SQLSTATE the first few times, and
// remembers when the transaction began in which it first did.
func failing(t *testing.T, d *db.DB) {
	t.Helper()
	for _, text := range []string{
		`create sequence tries`, `create sequence came`, `create sequence failed_at`,
		`create function fail(state text, times bigint) returns bigint language plpgsql as $$
			declare try bigint = nextval('tries');
			begin
				if try = 1 then perform setval('failed_at', (extract(epoch from now()) * 1000000)::bigint); end if;
				if try <= times then raise exception 'it fails' using errcode = state; end if;
				return try;
			end $$`,
	} {
		if _, err := d.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// readers run five who read and one who fails, all of whom come while the lanes are taken.
// It tells how many read twice, and how many have what they read beside the one who failed.
func readers(t *testing.T, d, other *db.DB, fails func()) (again, kept int) {
	t.Helper()
	for _, name := range []string{"tries", "came"} {
		if _, err := other.Exec(t.Context(), `alter sequence `+name+` restart`); err != nil {
			t.Fatal(err)
		}
	}
	var at, came [5]int64
	come := []func(){}
	for i := range at {
		come = append(come, func() {
			if err := d.Row(t.Context(), `select (extract(epoch from now()) * 1000000)::bigint, nextval('came')`, nil, &at[i], &came[i]); err != nil {
				t.Errorf("reader %d: %v", i, err)
			}
		})
	}
	busyLanes(t, d, other, read(t.Context(), d), append(come, fails)...)
	var failedAt int64
	if err := other.Row(t.Context(), `select last_value, (select last_value from came) from failed_at`, nil, &failedAt, &again); err != nil {
		t.Fatal(err)
	}
	for _, one := range at {
		if one == failedAt {
			kept++
		}
	}
	return again - len(at), kept
}

// A reader who fails takes nobody along, and what its company has read before stays read.
func TestAReaderWhoFailsFailsAlone(t *testing.T) {
	d, other := onPostgres(t)
	failing(t, other)
	often(t, func(int) bool {
		again, kept := readers(t, d, other, func() {
			var got int
			if err := d.Row(t.Context(), `select fail('22012', 100)`, nil, &got); err == nil || fault.Of(err) != nil {
				t.Errorf("who fails: %v", err)
			}
		})
		if again > 0 {
			t.Errorf("%d read twice", again)
		}
		return kept > 0
	})
}

// What was read in a transaction that cannot be serialized counts for nothing: everybody
// reads again, alone.
func TestReadersThatCannotBeSerializedReadAgain(t *testing.T) {
	d, other := onPostgres(t)
	failing(t, other)
	often(t, func(int) bool {
		again, kept := readers(t, d, other, func() {
			var got int
			if err := d.Row(t.Context(), `select fail('40001', 1)`, nil, &got); err != nil {
				t.Errorf("who failed once: %v", err)
			}
		})
		if kept > 0 {
			t.Errorf("%d have what counts for nothing", kept)
		}
		return again > 0 || kept > 0
	})
}

// refusing has PostgreSQL refuse the first commit with something that ends in "once", as
// serializable isolation refuses one. note writes within a select, so that a company of
// readers has a commit that can be refused: that comes with Sync, behind all the rows.
func refusing(t *testing.T, d *db.DB) {
	t.Helper()
	for _, text := range []string{
		`create sequence commits`,
		`create function refuse() returns trigger language plpgsql as $$ begin
			if nextval('commits') = 1 then raise exception 'could not serialize access' using errcode = '40001'; end if;
			return null; end $$`,
		`create constraint trigger refuse after insert on things deferrable initially deferred for each row when (new.id like '%once') execute function refuse()`,
		`create function note(what text) returns text language sql as $$
			insert into things (id, name, n, ok, at) values (what, what, 1, true, 0) returning id $$`,
	} {
		if _, err := d.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// A company whose commit is refused because of its neighbours is run again, each alone.
func TestACompanyThatCannotBeSerializedIsRunAgain(t *testing.T) {
	for name, write := range map[string]struct {
		take func(t *testing.T, d *db.DB) func() error
		one  func(t *testing.T, d *db.DB, id string) error
	}{
		"writers": {
			func(t *testing.T, d *db.DB) func() error { return occupy(t.Context(), d) },
			func(t *testing.T, d *db.DB, id string) error { return insert(t.Context(), d, id) },
		},
		"readers": {
			func(t *testing.T, d *db.DB) func() error { return read(t.Context(), d) },
			func(t *testing.T, d *db.DB, id string) (err error) {
				var got string
				if err = d.Row(t.Context(), `select note($1)`, db.Args(id), &got); err == nil && got != id {
					err = fmt.Errorf("got %q", got)
				}
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, other := onPostgres(t)
			refusing(t, other)
			often(t, func(round int) bool {
				if _, err := other.Exec(t.Context(), `alter sequence commits restart`); err != nil {
					t.Fatal(err)
				}
				prefix := fmt.Sprintf("%02d-", round)
				var come []func()
				for _, id := range append(named(prefix, "abcde"), prefix+"once") {
					come = append(come, func() {
						if err := write.one(t, d, id); err != nil {
							t.Errorf("%s: %v", id, err)
						}
					})
				}
				busyLanes(t, d, other, write.take(t, d), come...)
				return transactions(t, d, prefix) == 6
			})
		})
	}
}
