package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/clock"
)

func TestEveryWorksAtOnceThenAfterEachPauseUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		times := 0
		go clock.Every(ctx, time.Minute, func(context.Context) { times++ })
		for _, c := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {59 * time.Second, 1}, {2 * time.Second, 2}, {time.Minute, 3}} {
			time.Sleep(c.wait)
			synctest.Wait()
			if times != c.want {
				t.Errorf("%d times, want %d", times, c.want)
			}
		}
		stop()
		synctest.Wait()
		time.Sleep(time.Hour)
		if times != 3 {
			t.Errorf("went on after the end: %d times", times)
		}
	})
}
