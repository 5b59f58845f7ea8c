package hsm

import (
	"errors"
	"fmt"
	"time"

	"tegata/shared/fault"
)

const (
	// answers is how long a call to the device is waited for.
	answers = 5 * time.Second
	// making is the same for a new key pair: an RSA key takes a small device its time.
	making = time.Minute
	// turn is how long a call waits for one of the sessions that the token allows.
	turn = 2 * time.Second
)

// errSilent says that the device did not answer a call at all.
var errSilent = errors.New("it has not answered")

// answer is what came of a call.
type answer[T any] struct {
	value T
	err   error
}

// do works with the token, and once more when the session was lost and could be opened
// again at once. label is the key that it is about.
func do[T any](d *Device, label string, work func(*session) (T, error)) (T, error) {
	was := d.now.Load()
	value, err := ask(d, answers, label, work)
	if was != nil && d.now.Load() != was && fault.Is(err, fault.Busy) && !errors.Is(err, errSilent) {
		return ask(d, answers, label, work)
	}
	return value, err
}

// ask works with the token for at most that long. fault.Busy when it is away, goes away,
// or has no session left. A library cannot be told to stop, so a call without an answer is
// left alone, and what it gives in the end is forgotten; as the device counts as away from
// then on, and is not opened before all its calls came back, there are never more of those
// than the token has sessions.
func ask[T any](d *Device, limit time.Duration, label string, work func(*session) (T, error)) (value T, err error) {
	s, err := d.use()
	if err != nil {
		return value, err
	}
	got := make(chan answer[T], 1)
	go func() {
		value, err := try(func() (T, error) { return work(s) })
		got <- answer[T]{value, d.weigh(s, label, err)}
	}()
	select {
	case a := <-got:
		return a.value, d.judge(s, a.err)
	case <-s.silent: // another call found out
		err = errSilent
	case <-d.config.after(limit):
		err = fmt.Errorf("%w for %v", errSilent, limit)
	}
	select {
	case a := <-got: // it came at the last moment
		return a.value, d.judge(s, a.err)
	default:
		d.drop(s, err)
		return value, d.away(err, 0)
	}
}

// errPanic says that what is between us and the library gave up. Nobody above would catch
// that: each call has a goroutine of its own.
var errPanic = errors.New("hsm: panic")

// try works, and makes an error of a panic.
func try[T any](work func() (T, error)) (value T, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("%w: %v", errPanic, why)
		}
	}()
	return work()
}

// judge gives what the caller is told, and ends a session that is of no use.
func (d *Device) judge(s *session, err error) error {
	var lost *lostError
	switch {
	case err == nil:
		return nil
	case isCrowded(err):
		return busy("keys.device_crowded", err, 0)
	case errors.As(err, &lost):
		d.drop(s, err)
		return d.away(err, 0)
	case d.now.Load() != s: // another call found out, and closed it under ours
		return d.away(err, 0)
	}
	return err
}

// away is what is answered while the device cannot be used.
func (d *Device) away(cause error, wait time.Duration) error {
	return busy("keys.device_away", cause, wait)
}

func busy(key string, cause error, wait time.Duration) error {
	f := fault.Wrap(fault.Busy, key, cause)
	f.RetryAfter = max(wait, soonest)
	return f
}
