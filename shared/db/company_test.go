package db_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
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

// deafTo gives a URL of the same database by way of a relay, which hangs up on who says word.
func deafTo(t *testing.T, rawURL, word string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	network, address := "tcp", u.Host
	if folder := q.Get("host"); folder != "" {
		network, address = "unix", folder+"/.s.PGSQL.5432"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial(network, address)
			if err != nil {
				near.Close()
				continue
			}
			go func() { io.Copy(near, far); near.Close() }()
			go func() {
				defer near.Close()
				defer far.Close()
				b := make([]byte, 64<<10)
				for {
					n, err := near.Read(b)
					if err != nil || bytes.Contains(b[:n], []byte(word)) {
						return
					}
					far.Write(b[:n])
				}
			}()
		}
	}()
	q.Del("host")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	return u.String()
}

// A company that failed is undone also when nobody can tell the server to: the connection
// goes, and each gets its own answer by another one.
func TestARollbackThatFailsCostsAConnectionAndNoAnswer(t *testing.T) {
	rawURL := dbtest.URL(t, dbtest.KindPostgres)
	other := dbtest.Open(t, rawURL, things)
	d := dbtest.Open(t, deafTo(t, rawURL, "rollback")+"&application_name="+t.Name(), nil)
	if err := insert(t.Context(), other, "taken"); err != nil {
		t.Fatal(err)
	}
	often(t, func(round int) bool {
		prefix, before := fmt.Sprintf("%02d-", round), connections(t, other)
		come := append(inserts(t.Context(), t, d, named(prefix, "abcde")...), func() {
			if err := insert(t.Context(), d, "taken"); !fault.Is(err, fault.Conflict) {
				t.Errorf("taken: %v", err)
			}
		})
		busyLanes(t, d, other, occupy(t.Context(), d), come...)
		if got := transactions(t, d, prefix); got != 5 {
			return false // one was not in their company
		}
		now := connections(t, other)
		return slices.ContainsFunc(before, func(one int) bool { return !slices.Contains(now, one) })
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
