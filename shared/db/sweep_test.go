package db_test

import (
	"fmt"
	"testing"

	"tegata/shared/db"
)

// What is over goes a few rows at a time, so that others can write between.
func TestSweepDeletesAFewRowsAtATime(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for i := range 1201 {
			if err := insert(t.Context(), d, fmt.Sprintf("%04d", i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Exec(t.Context(), `update things set n = 2 where id = $1`, "0700"); err != nil {
			t.Fatal(err)
		}
		const few = `delete from things where cast($2 as bigint) <= 500 and id in (select id from things where n = $1 order by id limit cast($2 as bigint))`
		if n, err := d.Sweep(t.Context(), few, 1); err != nil || n != 1200 || ids(t, d) != "0700" {
			t.Errorf("swept %d, %v; %q are left", n, err, ids(t, d))
		}
		if n, err := d.Sweep(t.Context(), few, 3); err != nil || n != 0 {
			t.Errorf("nothing is over: swept %d, %v", n, err)
		}
	})
}
