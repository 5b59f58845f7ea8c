package db_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

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

// Somebody else's lock holds up who needs it, and nobody in their company.
func TestALockHoldsUpNobodyElse(t *testing.T) {
	d, other := onPostgres(t)
	if err := insert(t.Context(), d, "held"); err != nil {
		t.Fatal(err)
	}
	const wants = `update things set n = 2 where id = $1`
	often(t, func(round int) bool {
		prefix := fmt.Sprintf("%02d-", round)
		var late []time.Duration
		var mu sync.Mutex
		began := time.Now()
		var come []func()
		for _, one := range inserts(t.Context(), t, d, named(prefix, "abcde")...) {
			come = append(come, func() { one(); mu.Lock(); late = append(late, time.Since(began)); mu.Unlock() })
		}
		held, release := context.WithCancel(t.Context())
		defer release()
		has, let := make(chan bool), make(chan bool)
		go func() {
			other.Tx(held, func(ctx context.Context) error {
				_, err := other.Exec(ctx, wants, "held")
				has <- err == nil
				<-held.Done()
				return held.Err()
			})
			close(let)
		}()
		if !<-has {
			t.Fatal("the row is not held")
		}
		var all sync.WaitGroup
		come = append(come, func() { all.Go(func() { d.Exec(t.Context(), wants, "held") }) })
		busyLanes(t, d, other, occupy(t.Context(), d), come...)
		release()
		<-let
		all.Wait()
		for _, one := range late {
			if one > 5*time.Second {
				t.Errorf("a neighbour waited for %v", one)
			}
		}
		return round > 2
	})
}
