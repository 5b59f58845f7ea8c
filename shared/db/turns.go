package db

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

const (
	// waitFor bounds how long a transaction waits for its turn; then it is fault.Busy.
	waitFor = 10 * time.Second
	// lingerFor bounds how long a transaction that could be committed waits for others
	// to share its commit: about as long as good disks take for one.
	lingerFor = time.Millisecond
)

// turns is who waits for the writer, and whose turn it is.
type turns struct {
	mu        sync.Mutex
	taken     bool // somebody has the turn
	queue     []*waiter
	lingering bool        // who has the turn waits for more: tell arrival
	alarm     *time.Timer // runs tooLong
	alarmAt   time.Time   // zero: it does not run
	closed    bool
	idle      chan struct{} // closed when nobody has the turn any more; made by stop

	arrival  chan struct{} // holds one: somebody came while lingering
	patience *time.Timer   // of who lingers; belongs to whoever has the turn
	usual    int           // how many wanted to write around the last commits; likewise
}

// waiter is a transaction that waits for its turn.
type waiter struct {
	turn  chan struct{} // closed when it comes, or when err says why not
	until time.Time
	late  error // what to say then
	err   error
}

var errTooLong = errors.New("db: waited too long for the writer")

func (t *turns) begin() {
	t.arrival, t.patience = make(chan struct{}, 1), time.NewTimer(waitFor)
	t.patience.Stop()
}

// enter waits for the turn. A caller that goes away while it waits is noticed when the
// turn comes, which is soon: a timer and a watch on each context would cost more than
// most of what is written.
func (w *writer) enter(ctx context.Context) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil
	}
	me := &waiter{turn: make(chan struct{}), until: time.Now().Add(waitFor), late: busy(errTooLong)}
	if end, ends := ctx.Deadline(); ends && end.Before(me.until) {
		me.until, me.late = end, context.DeadlineExceeded
	}
	w.queue = append(w.queue, me)
	w.wake(me.until)
	if w.lingering {
		w.lingering = false
		w.arrival <- struct{}{}
	}
	w.mu.Unlock()
	<-me.turn
	if me.err != nil {
		return me.err
	}
	if err := ctx.Err(); err != nil {
		w.leave()
		return err
	}
	return nil
}

// wake sees to it that tooLong runs at that time, or before. Call it with mu.
func (t *turns) wake(at time.Time) {
	switch {
	case t.alarm == nil:
		t.alarm = time.AfterFunc(time.Until(at), t.tooLong)
	case t.alarmAt.IsZero() || at.Before(t.alarmAt):
		t.alarm.Reset(time.Until(at))
	default:
		return
	}
	t.alarmAt = at
}

// tooLong sends away who has waited for too long, and comes back for the others.
func (t *turns) tooLong() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, rest := time.Now(), t.queue[:0]
	t.alarmAt = time.Time{}
	for _, waits := range t.queue {
		if waits.until.After(now) {
			rest = append(rest, waits)
			continue
		}
		waits.err = waits.late
		close(waits.turn)
	}
	clear(t.queue[len(rest):])
	t.queue = rest
	for _, waits := range rest {
		t.wake(waits.until)
	}
}

// passOn tells whether the turn is somebody else's or nobody's now.
func (w *writer) passOn() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.open != nil && (len(w.queue) == 0 || w.open.size >= maxShared):
		return false
	case len(w.queue) > 0:
		close(w.queue[0].turn)
		w.queue[0] = nil
		w.queue = w.queue[1:]
		return true
	}
	w.taken = false
	if w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
	return true
}

// linger gives others the time to share the commit that is due, and tells whether
// somebody came. A commit costs more than a request, so it pays to wait a moment for as
// many as wrote around the last commits. Where there was nobody else, those who can run at
// this moment are let by, once, which takes no time where there are none.
func (w *writer) linger() bool {
	if w.open.size >= w.usual {
		runtime.Gosched()
		return w.awaited()
	}
	now := time.Now()
	if w.open.until.IsZero() {
		w.open.until = now.Add(lingerFor)
	}
	left := w.open.until.Sub(now)
	if left <= 0 || !w.awaits() {
		return w.awaited()
	}
	w.patience.Reset(left)
	defer w.patience.Stop()
	select {
	case <-w.arrival:
		return true
	case <-w.patience.C:
		return w.gaveUp()
	}
}

// awaits begins to listen for somebody to come; false when somebody is there.
func (t *turns) awaits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lingering = len(t.queue) == 0
	return t.lingering
}

// gaveUp stops to listen, and tells whether somebody came at the last moment.
func (t *turns) gaveUp() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lingering {
		t.lingering = false
		return false
	}
	<-t.arrival
	return true
}

// awaited tells whether anybody waits for the turn.
func (t *turns) awaited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue) > 0
}

// shared remembers how many shared a commit or came while it was made. When fewer come
// than before, that is believed by and by.
func (t *turns) shared(size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := size + len(t.queue)
	t.usual = max(seen, t.usual-(t.usual-seen+3)/4)
}

// stop refuses new transactions, those that wait too, and waits for those under way.
func (t *turns) stop() {
	t.mu.Lock()
	t.closed = true
	for _, waits := range t.queue {
		waits.err = errClosed
		close(waits.turn)
	}
	t.queue = nil
	if t.alarm != nil {
		t.alarm.Stop()
	}
	if !t.taken {
		t.mu.Unlock()
		return
	}
	t.idle = make(chan struct{})
	t.mu.Unlock()
	<-t.idle
}
