package db

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// waitFor bounds how long a transaction waits for its turn; then it is fault.Busy.
	waitFor = 10 * time.Second
	// lingerFor bounds how long a transaction that could be committed waits for others
	// to share its commit: one or two times as long as good disks take for one. Half of it
	// costs a code flow 4 to 10 % more CPU at 16 callers; twice of it saves nothing more.
	lingerFor = 2 * time.Millisecond
	// siblings is from how many on it does so, as PostgreSQL's commit_siblings: where fewer
	// want to write at once, processors have time to spare, and what a commit of its own
	// costs is less than what everybody would wait.
	siblings = 12
)

// turns is who waits for the writer, and whose turn it is.
type turns struct {
	mu      sync.Mutex
	taken   bool // somebody has the turn; if not, and something is open, it waits for more
	queue   []*waiter
	usual   int         // how many wanted to write around the last commits
	overdue *time.Timer // runs commitOverdue
	alarm   *time.Timer // runs tooLong
	alarmAt time.Time   // zero: it does not run
	closed  bool
	idle    chan struct{} // closed when nothing is under way any more; made by stop
}

// waiter is a transaction that waits for its turn.
type waiter struct {
	turn  chan struct{} // closed when it comes, or when err says why not
	until time.Time
	late  error // what to say then
	err   error
}

var errTooLong = errors.New("db: waited too long for the writer")

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
	if t.alarmAt.IsZero() || at.Before(t.alarmAt) {
		t.alarm.Reset(time.Until(at))
		t.alarmAt = at
	}
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

// passOn tells whether the turn is somebody else's or nobody's now; if not, there is
// something to commit.
func (w *writer) passOn() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.open != nil && w.open.size >= maxShared:
		return false
	case len(w.queue) > 0:
		close(w.queue[0].turn)
		w.queue[0] = nil
		w.queue = w.queue[1:]
		return true
	case w.open != nil && w.due():
		return false
	}
	w.taken = false
	if w.open == nil && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
	return true
}

// due tells whether the transaction under way should be committed. A commit costs more
// than a request, so it pays to wait a moment for as many as wrote around the last commits:
// the turn is free meanwhile, and whoever takes it shares the commit. Call it with mu.
func (w *writer) due() bool {
	g := w.open
	if g.size >= w.usual || w.usual < siblings || w.closed {
		return true
	}
	now := time.Now()
	if g.until.IsZero() {
		g.until = now.Add(lingerFor)
		w.overdue.Reset(lingerFor)
	}
	return !g.until.After(now)
}

// commitOverdue commits what has waited for long enough, unless somebody has the turn: he
// will do it. It runs as a timer.
func (w *writer) commitOverdue() {
	w.mu.Lock()
	if w.taken || w.open == nil {
		w.mu.Unlock()
		return
	}
	if left := time.Until(w.open.until); left > 0 { // another transaction, meanwhile
		w.overdue.Reset(left)
		w.mu.Unlock()
		return
	}
	w.taken = true
	w.mu.Unlock()
	w.leave()
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
func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	for _, waits := range w.queue {
		waits.err = errClosed
		close(waits.turn)
	}
	w.queue = nil
	w.alarm.Stop()
	w.overdue.Stop()
	if !w.taken && w.open == nil {
		w.mu.Unlock()
		return
	}
	idle, lingers := make(chan struct{}), !w.taken
	w.idle, w.taken = idle, true
	w.mu.Unlock()
	if lingers {
		w.leave()
	}
	<-idle
}
