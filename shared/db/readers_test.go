package db_test

import (
	"context"
	"database/sql/driver"
	"runtime"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// erupts is an argument whose Value panics.
type erupts struct{}

func (erupts) Value() (driver.Value, error) { panic("boom") }

// Who panics takes no connection along.
func TestAReaderWhoPanicsGivesItsConnectionBack(t *testing.T) {
	d := dbtest.SQLite(t, things)
	var id string
	for range 2 * max(4, runtime.GOMAXPROCS(0)) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic came")
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			d.Row(ctx, `select id from things where id = $1`, db.Args(erupts{}), &id)
		}()
	}
	stillWorks(t, d)
}
