package db_test

import (
	"testing"

	"tegata/shared/db"
)

// explodes is a place for a column whose Scan panics.
type explodes struct{}

func (explodes) Scan(any) error { panic("boom") }

// A reader who panics does so in its own goroutine: whoever took it along reads on.
func TestAReaderWhoPanicsPanicsAlone(t *testing.T) {
	d, other := onPostgres(t)
	often(t, func(round int) bool {
		var come []func()
		for i := range 6 {
			come = append(come, func() {
				var got int
				var into any = &got
				if i == 3 {
					into = explodes{}
				}
				defer func() {
					if why := recover(); (why != nil) != (i == 3) {
						t.Errorf("reader %d: panic %v", i, why)
					}
				}()
				if err := d.Row(t.Context(), `select $1::bigint`, db.Args(i), into); err != nil || got != i {
					t.Errorf("reader %d: %d, %v", i, got, err)
				}
			})
		}
		return busyLanes(t, d, other, read(t.Context(), d), come...) && round > 3
	})
}
