package hsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// soonest and latest are the pauses between two attempts to open the device.
	soonest, latest = time.Second, 30 * time.Second
	// calm is how long a session has to be good for the next one to be opened at once.
	calm = time.Minute
	// starting is how long the first attempt may take, and closing the last goodbye.
	starting, closing = 30 * time.Second, 5 * time.Second
)

// session is a token that is logged in. crypto11 has a pool of PKCS #11 sessions in it.
type session struct {
	token
	silent chan struct{} // closed when nobody is to wait for a call any more
}

// Close logs out. It waits for calls that are under way.
func (s *session) Close() error {
	_, err := try(func() (_ struct{}, err error) { return struct{}{}, s.token.Close() })
	return err
}

// link is the session with the device. Every library keeps handles of its own for a token
// that was taken away, so nothing of it is used again: all is closed, and opened anew. That
// happens beside the calls, since each step of it may hang as well.
type link struct {
	now atomic.Pointer[session] // nil while the device is away

	mu      sync.Mutex    // for what follows; never held while the device is asked
	opened  time.Time     // the session
	again   time.Time     // no attempt to open before that
	pause   time.Duration // after the attempt
	cause   error         // why it is away
	left    chan struct{} // closed when the last session is; nil: there was none
	opening chan struct{} // closed when the attempt that is under way is over; nil: there is none
	ended   bool          // closed, or the PIN was refused: for good
}

// Away tells whether the device cannot be used now. For metrics.
func (d *Device) Away() bool { return d.now.Load() == nil }

// first opens the device for the first time.
func (d *Device) first() error {
	d.mu.Lock()
	attempt := d.start()
	d.mu.Unlock()
	select {
	case <-attempt:
	case <-d.config.after(starting):
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now.Load() != nil {
		return nil
	}
	d.ended = true // an attempt that is still under way closes what it opens
	if d.cause == nil {
		d.cause = fmt.Errorf("%w for %v", errSilent, starting)
	}
	return d.cause
}

// Close logs out for good. It does not wait for ever for calls that are under way.
func (d *Device) Close() error {
	d.mu.Lock()
	s := d.now.Swap(nil)
	d.ended, d.cause = true, errors.New("hsm: closed")
	d.mu.Unlock()
	if s == nil {
		return nil
	}
	close(s.silent)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		return err
	case <-d.config.after(closing):
		return fmt.Errorf("hsm: close: %w", errSilent)
	}
}

// use gives the session, and opens one when its time has come.
func (d *Device) use() (*session, error) {
	if s := d.now.Load(); s != nil {
		return s, nil
	}
	attempt, err := d.attempt()
	if err != nil {
		return nil, err
	}
	select {
	case <-attempt:
	case <-d.config.after(answers):
		return nil, d.away(errSilent, 0)
	}
	if s := d.now.Load(); s != nil {
		return s, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return nil, d.away(d.cause, d.pause)
}

// attempt begins to open the device. Who comes while somebody does is sent away: nobody
// waits in line for that.
func (d *Device) attempt() (over chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := d.again.Sub(d.config.Clock())
	switch {
	case d.now.Load() != nil:
		over = make(chan struct{})
		close(over)
		return over, nil
	case d.ended:
		return nil, d.away(d.cause, latest)
	case d.opening != nil, wait > 0:
		return nil, d.away(d.cause, wait)
	}
	return d.start(), nil
}

// start opens the device beside the calls, once the last session is closed: as long as a
// call to it is under way the library cannot be started anew. mu is held.
func (d *Device) start() (over chan struct{}) {
	over, left := make(chan struct{}), d.left
	d.opening, d.left = over, nil
	go func() {
		defer close(over)
		if left != nil {
			<-left
		}
		t, err := try(d.config.open)
		d.take(t, err)
	}()
	return over
}

// take keeps what an attempt came to.
func (d *Device) take(t token, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opening = nil
	now, back := d.config.Clock(), d.cause != nil
	switch {
	case d.ended && err == nil:
		go func() { _ = (&session{token: t}).Close() }() // nobody wants it any more
	case d.ended:
	case err != nil:
		d.cause = err
		d.putOff(now)
		if d.ended = refusesPIN(err); d.ended && back {
			d.config.Log.Error("the PKCS #11 device refuses the PIN; it is not tried again before a restart, so that it does not lock", "name", d.config.Token, "cause", err)
		}
	default:
		d.opened = now
		d.now.Store(&session{token: t, silent: make(chan struct{})})
		if back {
			d.config.Log.Info("the PKCS #11 device is back", "name", d.config.Token)
		}
	}
}

// putOff puts the next attempt off, longer each time.
func (d *Device) putOff(now time.Time) {
	d.pause = min(max(2*d.pause, soonest), latest)
	d.again = now.Add(d.pause)
}

// drop ends a session that is of no use. Closing waits for calls that are under way; when
// one has no answer, those who wait for others are released, and the device is opened as
// soon as all came back; one that is silent again soon waits for the next attempt, as any
// other does.
func (d *Device) drop(s *session, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.now.CompareAndSwap(s, nil) {
		return
	}
	now, left := d.config.Clock(), make(chan struct{})
	d.left, d.cause = left, cause
	go func() {
		defer close(left)
		_ = s.Close() // it is lost: there is nothing to be done about it
	}()
	if now.Sub(d.opened) < calm {
		d.putOff(now) // opening it did not help for long
	} else {
		d.pause, d.again = 0, now
	}
	d.config.Log.Error("the PKCS #11 device is away; what needs its keys is answered 503 until it is back", "name", d.config.Token, "cause", cause)
	if errors.Is(cause, errSilent) {
		close(s.silent)
		if !d.again.After(now) {
			d.start()
		}
	}
}
