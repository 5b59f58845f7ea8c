// Package clock tells the time: UTC, cut to the microsecond, which is what both
// databases keep. Everything that needs the time gets a Clock, so that tests
// hold it still and move it by hand.
//
//	Clock   a function that tells the time
//	System  the machine's clock
//	Held    a clock that stands still until a test moves it
//	Every   background work, again and again (every.go)
package clock

import (
	"sync"
	"time"
)

// Clock tells the current time in UTC, cut to the microsecond.
type Clock func() time.Time

// System is the machine's clock.
func System() time.Time { return Cut(time.Now()) }

// Later gives the later of two times.
func Later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Cut gives t in UTC without the part of a microsecond and without the monotonic
// reading, so that a time equals itself after a trip through the database.
func Cut(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Held is a clock for tests: it stands at one moment until Move or Set is called.
type Held struct {
	mu  sync.Mutex
	now time.Time
}

// Hold gives a clock that stands at t.
func Hold(t time.Time) *Held { return &Held{now: Cut(t)} }

// Now is the Clock.
func (h *Held) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Move sets the clock forward by d, or back when d is negative.
func (h *Held) Move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = Cut(h.now.Add(d))
}

// Set moves the clock to t.
func (h *Held) Set(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = Cut(t)
}
