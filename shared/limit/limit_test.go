package limit_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/limit"
)

var fivePerMinute = limit.Rule{Name: "login", Burst: 5, Every: 12 * time.Second}

func each(t *testing.T, test func(t *testing.T, l limit.Limiter, c *clock.Held)) {
	t.Helper()
	dbtest.Each(t, dbtest.Mechanisms(t), func(t *testing.T, d *db.DB) {
		test(t, limit.Limiter{DB: d}, clock.Hold(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
	})
}

func TestABurstAndThenOnePerInterval(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		take := func(what string, refusedFor time.Duration) {
			t.Helper()
			err := l.Take(t.Context(), fivePerMinute, "ada", c.Now())
			if refusedFor == 0 && err != nil {
				t.Errorf("%s: got %v, want no refusal", what, err)
			}
			if refusedFor != 0 && (!fault.Is(err, fault.TooMany) || fault.Of(err).RetryAfter != refusedFor) {
				t.Errorf("%s: got %v (%+v), want a refusal for %v", what, err, fault.Of(err), refusedFor)
			}
		}
		for i := range 5 {
			take(fmt.Sprint("attempt ", i+1), 0)
		}
		take("attempt 6", 12*time.Second)
		take("a refused attempt counts nothing", 12*time.Second)
		c.Move(5 * time.Second)
		take("5 seconds later", 7*time.Second)
		c.Move(7 * time.Second)
		take("12 seconds later", 0)
		take("and at once again", 12*time.Second)
		c.Move(24 * time.Second)
		take("24 seconds later, one", 0)
		take("24 seconds later, two", 0)
		take("24 seconds later, three", 12*time.Second)
		c.Move(time.Hour)
		for i := range 5 {
			take(fmt.Sprint("an hour later, ", i+1), 0)
		}
		take("an hour later, 6", 12*time.Second)
		if err := l.Forget(t.Context(), fivePerMinute, "ada"); err != nil {
			t.Fatal(err)
		}
		take("after a success", 0)
	})
}

func TestKeysAndRulesCountApart(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		one := limit.Rule{Name: "one", Burst: 1, Every: time.Minute}
		other := limit.Rule{Name: "other", Burst: 1, Every: time.Minute}
		for _, k := range []struct {
			rule limit.Rule
			key  string
		}{{one, "ada"}, {one, "bob"}, {other, "ada"}, {one, "\x00\xff"}, {one, ""}} {
			if err := l.Take(t.Context(), k.rule, k.key, c.Now()); err != nil {
				t.Errorf("%s %q: %v", k.rule.Name, k.key, err)
			}
			if err := l.Take(t.Context(), k.rule, k.key, c.Now()); !fault.Is(err, fault.TooMany) {
				t.Errorf("%s %q, again: got %v", k.rule.Name, k.key, err)
			}
		}
	})
}

// attempts that come at once are counted exactly.
func TestABurstIsExactUnderParallelAttempts(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		for round := range 5 {
			var all sync.WaitGroup
			var taken, refused atomic.Int64
			start := make(chan bool)
			for range 100 {
				all.Go(func() {
					<-start
					err := l.Take(t.Context(), fivePerMinute, fmt.Sprint(round), c.Now())
					switch {
					case err == nil:
						taken.Add(1)
					case fault.Is(err, fault.TooMany):
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			if taken.Load() != 5 || refused.Load() != 95 {
				t.Errorf("round %d: %d taken, %d refused, want 5 and 95", round, taken.Load(), refused.Load())
			}
		}
	})
}

func TestAnAttemptThatIsGivenBackDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		take := func() error { return l.Take(t.Context(), fivePerMinute, "ada", c.Now()) }
		back := func() {
			t.Helper()
			if err := l.GiveBack(t.Context(), fivePerMinute, "ada", c.Now()); err != nil {
				t.Fatal(err)
			}
		}
		back() // of nothing
		for i := range 5 {
			for range 3 {
				if err := take(); err != nil {
					t.Fatalf("with %d attempts that count: %v", i, err)
				}
				back()
			}
			if err := take(); err != nil {
				t.Fatalf("attempt %d: %v", i+1, err)
			}
		}
		if err := take(); !fault.Is(err, fault.TooMany) || fault.Of(err).RetryAfter != 12*time.Second {
			t.Errorf("attempt 6: got %v, want a refusal for 12 s", err)
		}
		c.Move(time.Hour)
		for range 3 { // when no attempt counts any more, none is owed
			back()
		}
		for i := range 6 {
			if err := take(); (err != nil) != (i == 5) {
				t.Errorf("an hour later, attempt %d: %v", i+1, err)
			}
		}
	})
}

// whoever gives back meanwhile, at most five guesses that count get through.
func TestABurstIsExactBesideAttemptsThatAreGivenBack(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		var all sync.WaitGroup
		var counted atomic.Int64
		start := make(chan bool)
		for i := range 100 {
			all.Go(func() {
				<-start
				err := l.Take(t.Context(), fivePerMinute, "ada", c.Now())
				switch {
				case err == nil && i%2 == 0:
					err = l.GiveBack(t.Context(), fivePerMinute, "ada", c.Now())
				case err == nil:
					counted.Add(1)
				}
				if err != nil && !fault.Is(err, fault.TooMany) {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		for l.Take(t.Context(), fivePerMinute, "ada", c.Now()) == nil {
			counted.Add(1)
		}
		if n := counted.Load(); n != 5 {
			t.Errorf("%d attempts counted, want 5", n)
		}
	})
}

func TestAnAttemptIsNeverPartOfATransaction(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		err := l.DB.Tx(t.Context(), func(ctx context.Context) error {
			return l.Take(ctx, fivePerMinute, "ada", c.Now())
		})
		if err == nil || fault.Of(err) != nil {
			t.Errorf("got %v, want a refusal that is nobody's fault but ours", err)
		}
	})
}

func TestARuleThatAllowsNothingIsAMistake(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		for _, r := range []limit.Rule{{"r", 0, time.Second}, {"r", 1, 0}} {
			if err := l.Take(t.Context(), r, "k", c.Now()); err == nil || fault.Of(err) != nil {
				t.Errorf("%+v: got %v", r, err)
			}
		}
	})
}

// F-28: rows from a clock that was set back since count for nothing; those of a node
// whose clock is a little ahead count.
func TestAClockSetBackDoesNotLockOut(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		for range 5 {
			if err := l.Take(t.Context(), fivePerMinute, "ada", c.Now()); err != nil {
				t.Fatal(err)
			}
		}
		c.Move(-30 * time.Second)
		err := l.Take(t.Context(), fivePerMinute, "ada", c.Now())
		if !fault.Is(err, fault.TooMany) || fault.Of(err).RetryAfter > time.Minute {
			t.Errorf("half a minute back: got %v, want a refusal for a minute at most", err)
		}
		c.Move(-6 * time.Hour)
		for i := range 5 {
			if err := l.Take(t.Context(), fivePerMinute, "ada", c.Now()); err != nil {
				t.Errorf("hours back, attempt %d: %v", i+1, err)
			}
		}
		if err := l.Take(t.Context(), fivePerMinute, "ada", c.Now()); !fault.Is(err, fault.TooMany) {
			t.Errorf("hours back, attempt 6: got %v", err)
		}
	})
}

func TestSweepForgetsRowsThatLimitNothing(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		const places = 1100
		err := l.DB.Tx(t.Context(), func(ctx context.Context) error {
			for i := range places - 1 {
				_, err := l.DB.Exec(ctx, `insert into limits (id, free_at) values ($1, $2)`, fmt.Sprint("login:", i), c.Now().Add(12*time.Second))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Move(11 * time.Second)
		if n, err := l.Sweep(t.Context(), c.Now()); err != nil || n != 0 {
			t.Errorf("too early: got %d, %v", n, err)
		}
		if err := l.Take(t.Context(), fivePerMinute, "ada", c.Now()); err != nil {
			t.Fatal(err)
		}
		c.Move(time.Second)
		if n, err := l.Sweep(t.Context(), c.Now()); err != nil || n != places-1 {
			t.Errorf("got %d, %v, want %d", n, err, places-1)
		}
	})
}

func TestTheKeyIsNotKept(t *testing.T) {
	each(t, func(t *testing.T, l limit.Limiter, c *clock.Held) {
		if err := l.Take(t.Context(), fivePerMinute, "ada@example.org", c.Now()); err != nil {
			t.Fatal(err)
		}
		var id string
		if err := l.DB.Row(t.Context(), `select id from limits`, nil, &id); err != nil || strings.Contains(id, "ada") {
			t.Errorf("got %q, %v", id, err)
		}
	})
}
