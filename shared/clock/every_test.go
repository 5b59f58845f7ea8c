package clock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/clock"
)

func TestEveryWorksAtOnceThenAfterEachPauseUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var times atomic.Int64
		go clock.Every(ctx, time.Minute, func(context.Context) { times.Add(1) })
		for _, c := range []struct {
			wait time.Duration
			want int64
		}{{0, 1}, {59 * time.Second, 1}, {2 * time.Second, 2}, {time.Minute, 3}} {
			time.Sleep(c.wait)
			synctest.Wait()
			if got := times.Load(); got != c.want {
				t.Errorf("%d times, want %d", got, c.want)
			}
		}
		stop()
		synctest.Wait()
		time.Sleep(time.Hour)
		if got := times.Load(); got != 3 {
			t.Errorf("went on after the end: %d times", got)
		}
	})
}
