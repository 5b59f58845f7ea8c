package clock_test

import (
	"sync"
	"testing"
	"time"

	"tegata/shared/clock"
)

func TestTimesAreUTCCutToTheMicrosecond(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	in := time.Date(2019, 11, 7, 12, 2, 0, 123456789, tokyo)
	want := time.Date(2019, 11, 7, 3, 2, 0, 123456000, time.UTC)
	if got := clock.Cut(in); got != want {
		t.Errorf("cut: got %v, want %v", got, want)
	}
	now := clock.System()
	if now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
		t.Errorf("system: got %v", now)
	}
	if now != time.UnixMicro(now.UnixMicro()).UTC() {
		t.Errorf("%v does not equal itself after a trip through the database", now)
	}
	if ago := time.Since(now); ago < 0 || ago > time.Minute {
		t.Errorf("system is off by %v", ago)
	}
}

func TestTheLaterOfTwoTimes(t *testing.T) {
	now := clock.System()
	for _, c := range []struct{ a, b, want time.Time }{
		{now, now.Add(1), now.Add(1)},
		{now.Add(1), now, now.Add(1)},
		{now, time.Time{}, now},
		{now, now, now},
	} {
		if got := clock.Later(c.a, c.b); !got.Equal(c.want) {
			t.Errorf("%v and %v: got %v", c.a, c.b, got)
		}
	}
}

func TestAHeldClockStandsUntilItIsMoved(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 999, time.UTC)
	held := clock.Hold(start)
	var c clock.Clock = held.Now
	if got := c(); got != clock.Cut(start) || got != c() {
		t.Errorf("got %v, want %v", got, start)
	}
	held.Move(time.Hour)
	held.Move(-time.Minute)
	if got, want := c(), clock.Cut(start).Add(59*time.Minute); got != want {
		t.Errorf("moved: got %v, want %v", got, want)
	}
	held.Set(start)
	if got := c(); got != clock.Cut(start) {
		t.Errorf("set: got %v", got)
	}
}

func TestAHeldClockIsSharedByGoroutines(t *testing.T) {
	held := clock.Hold(time.Unix(0, 0))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { held.Move(time.Second); held.Now() })
	}
	all.Wait()
	if got := held.Now().Unix(); got != 50 {
		t.Errorf("got %d seconds, want 50", got)
	}
}
