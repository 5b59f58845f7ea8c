package hsm

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"tegata/shared/fault"
)

const (
	// soonest and latest are the pauses between two attempts to open the device.
	soonest, latest = time.Second, 30 * time.Second
	// calm is how long a session has to be good for the next one to be opened at once.
	calm = time.Minute
	// closing bounds the wait for calls that the device has not answered.
	closing = 5 * time.Second
)

// link is the session with the device. Every library keeps handles of its own for a token
// that was taken away, so nothing of it is used again: all is closed, and opened anew.
type link struct {
	token atomic.Pointer[crypto11.Context] // nil while the device is away

	mu     sync.Mutex    // one opens or closes
	opened time.Time     // the session
	again  time.Time     // no attempt to open before that
	pause  time.Duration // after the attempt
	cause  error         // why it is away
	left   chan struct{} // closed when the last session is; nil: there was none
	ended  bool          // closed, or the PIN was refused: for good
}

// Away tells whether the device cannot be used now. For metrics.
func (d *Device) Away() bool { return d.token.Load() == nil }

// Close logs out for good.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.cause = true, errors.New("hsm: closed")
	if token := d.token.Swap(nil); token != nil {
		return token.Close()
	}
	return nil
}

// do works with the token, and once more when the session was lost and could be opened
// again at once.
func (d *Device) do(work func(*crypto11.Context) error) error {
	was := d.token.Load()
	err := d.once(work)
	if fault.Is(err, fault.Busy) && was != nil {
		return d.once(work)
	}
	return err
}

// once works with the token. fault.Busy when it is away or goes away.
func (d *Device) once(work func(*crypto11.Context) error) error {
	token, err := d.use()
	if err != nil {
		return err
	}
	err = work(token)
	switch {
	case err == nil:
		return nil
	case d.token.Load() != token: // another call found out, and closed it under ours
		return d.away(err, 0)
	case d.broken(err):
		d.drop(token, err)
		return d.away(err, 0)
	}
	return err
}

func (d *Device) away(cause error, wait time.Duration) error {
	busy := fault.Wrap(fault.Busy, "keys.device_away", cause)
	busy.RetryAfter = max(wait, soonest)
	return busy
}

// use gives the token, and opens it when its time has come.
func (d *Device) use() (*crypto11.Context, error) {
	if token := d.token.Load(); token != nil {
		return token, nil
	}
	if !d.mu.TryLock() { // somebody is opening it: nobody waits in line for that
		return nil, d.away(errors.New("hsm: being opened"), 0)
	}
	defer d.mu.Unlock()
	if token := d.token.Load(); token != nil {
		return token, nil
	}
	if wait := d.again.Sub(d.config.Clock()); wait > 0 || d.ended {
		return nil, d.away(d.cause, wait)
	}
	return d.reopen()
}

// reopen opens the device once the last session is closed.
func (d *Device) reopen() (token *crypto11.Context, err error) {
	if d.left != nil {
		select {
		case <-d.left:
			d.left = nil
		case <-time.After(closing):
			err = errors.New("hsm: the device has not answered its last call yet")
		}
	}
	if err == nil {
		token, err = d.configure()
	}
	now := d.config.Clock()
	if err != nil {
		d.cause = err
		d.putOff(now)
		if d.ended = refusesPIN(err); d.ended {
			d.config.Log.Error("the PKCS #11 device refuses the PIN; it is not tried again before a restart, so that it does not lock", "name", d.config.Token, "cause", err)
		}
		return nil, d.away(err, d.pause)
	}
	d.opened = now
	d.token.Store(token)
	d.config.Log.Info("the PKCS #11 device is back", "name", d.config.Token)
	return token, nil
}

// putOff puts the next attempt off, longer each time.
func (d *Device) putOff(now time.Time) {
	d.pause = min(max(2*d.pause, soonest), latest)
	d.again = now.Add(d.pause)
}

// drop ends a session that is of no use. Closing waits for calls that are under way.
func (d *Device) drop(token *crypto11.Context, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.token.CompareAndSwap(token, nil) {
		return
	}
	now, left := d.config.Clock(), make(chan struct{})
	d.left, d.cause = left, cause
	go func() {
		defer close(left)
		_ = token.Close() // it is lost: there is nothing to be done about it
	}()
	if now.Sub(d.opened) < calm {
		d.putOff(now) // opening it did not help for long
	} else {
		d.pause, d.again = 0, now
	}
	d.config.Log.Error("the PKCS #11 device is away; what needs its keys is answered 503 until it is back", "name", d.config.Token, "cause", cause)
}

// lost are the answers of a device that a new session may help with. PKCS #11 v2.40 §5.1.
var lost = []pkcs11.Error{
	pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_HOST_MEMORY,
	pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_DEVICE_REMOVED,
	pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_SLOT_ID_INVALID,
	pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_COUNT,
	pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
	pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
}

// refusesPIN tells whether another attempt with the same PIN would only bring the token
// closer to locking it.
func refusesPIN(err error) bool {
	var code pkcs11.Error
	return errors.As(err, &code) && slices.Contains([]pkcs11.Error{
		pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED,
		pkcs11.CKR_USER_PIN_NOT_INITIALIZED,
	}, code)
}

// broken tells whether the session is of no use any more. A key that is not there may have
// been made by another program after this session lost sight of the device.
func (d *Device) broken(err error) bool {
	var code pkcs11.Error
	if errors.As(err, &code) {
		return slices.Contains(lost, code)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Is(err, ErrGone) && d.config.Clock().Sub(d.opened) >= calm
}
