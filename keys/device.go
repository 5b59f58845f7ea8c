package keys

import (
	"context"
	"crypto"
	"fmt"
	"sync"

	"tegata/shared/fault"
)

// Device keeps private keys and signs with them, and never gives them out. While it
// cannot be reached, Make, Remove and the keys give fault.Busy; any other error is about the
// one key. A device may hang, so nothing that has to go on asks it: see chores and ask.
type Device interface {
	Makes(alg string) bool                         // whether it can make keys for the algorithm
	Make(alg, label string) (crypto.Signer, error) // a new key pair under the label
	// Open gives the key that has the label and the public half, without asking for it: that
	// is seen by using it. A key with another public half does not sign, and is not removed,
	// so whoever changes a label in the database has no other key sign or end.
	Open(label string, public crypto.PublicKey) Probed
	Remove(label string, public crypto.PublicKey) error // no mistake when it is gone already
}

// Probed is a key that knows whether it could sign now: one in a device that may be away.
type Probed interface {
	crypto.Signer
	Ready() error
}

// makes tells whether new keys of the algorithm are made in the device.
func (r *Ring) makes(alg string) bool { return r.Device != nil && r.Device.Makes(alg) }

// inDevice gives the key of a row whose private half is in the device.
func (r *Ring) inDevice(k Key) (Probed, error) {
	if r.Device == nil {
		return nil, fmt.Errorf("signing key %s lies in a PKCS #11 device, but none is configured", k.KID)
	}
	return r.Device.Open(k.Device, k.Public.Key), nil
}

// opened gives the private half of an active key, the one that the last snapshot had open
// when it has it. The device is not asked: a key that it does not have keeps no other from
// signing.
func (r *Ring) opened(row row) (crypto.Signer, error) {
	if last := r.now.Load(); last != nil {
		if s := last.signers[row.Alg]; s != nil && s.kid == row.KID {
			return s.key, nil
		}
	}
	if row.Device != "" {
		return r.inDevice(row.Key)
	}
	return r.open(row)
}

// asking is what the device is being asked. It may hang.
type asking struct {
	mu   sync.Mutex
	open map[string]*question        // by kid
	bad  map[string]bool             // the kids that the log called out of use
	has  map[string]crypto.PublicKey // by kid, the public half of what it answered for
}

type question struct {
	over chan struct{}
	err  error // once it is over
}

// ask asks a key of the device whether it could sign now, until ctx ends. Who asks while
// the last question about the key has no answer waits for that one.
func (r *Ring) ask(ctx context.Context, kid string, key Probed) error {
	a := &r.asking
	a.mu.Lock()
	q := a.open[kid]
	if q == nil {
		q = &question{over: make(chan struct{})}
		if a.open == nil {
			a.open = map[string]*question{}
		}
		a.open[kid] = q
		go func() {
			q.err = ready(key)
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.open, kid)
			if q.err == nil {
				if a.has == nil {
					a.has = map[string]crypto.PublicKey{}
				}
				a.has[kid] = key.Public()
			}
			close(q.over)
		}()
	}
	a.mu.Unlock()
	select {
	case <-q.over:
		return q.err
	case <-ctx.Done():
		return fault.Wrap(fault.Busy, "keys.device_away", fmt.Errorf("the device has not answered yet: %w", ctx.Err()))
	}
}

// ready asks the key. The library of a device may panic, and nobody stands above us here who
// would catch that, as there is above a request: the program would end.
func ready(key Probed) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the library of the device panicked: %v", value)
		}
	}()
	return key.Ready()
}

// answered tells whether the device answered for the key with that kid and public half.
func (r *Ring) answered(kid string, public crypto.PublicKey) bool {
	r.asking.mu.Lock()
	defer r.asking.mu.Unlock()
	own, ok := public.(interface{ Equal(crypto.PublicKey) bool })
	has := r.asking.has[kid]
	return ok && has != nil && own.Equal(has)
}

// awayInWords tells that the device does not work now, and last what its library said; "" when
// the error is another one.
func awayInWords(err error) string {
	f := fault.Of(err)
	if f == nil {
		return ""
	}
	text := map[string]string{
		"keys.device_away":    "the PKCS #11 device cannot be used now",
		"keys.device_crowded": "the PKCS #11 device has no session left for us",
	}[f.Key]
	if cause := f.Unwrap(); text != "" && cause != nil {
		text += ": " + cause.Error()
	}
	return text
}

// usable tells why a key cannot sign now, nil when it can or is none of the device.
func (r *Ring) usable(ctx context.Context, k Key) error {
	if k.Device == "" {
		return nil
	}
	key, err := r.inDevice(k)
	if err != nil {
		return err
	}
	return r.ask(ctx, k.KID, key)
}

// probeAll asks for every key that signs or is to sign: so a device that was lost is
// noticed, and comes back, while nobody signs. It tells the log itself; the log of the
// device tells when all of it is away, this one names keys that it does not have.
func (r *Ring) probeAll(ctx context.Context) {
	for _, k := range r.now.Load().keys {
		if ctx.Err() != nil {
			return
		}
		if k.State != Active && k.State != Next {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		err := r.usable(ctx, k)
		cancel()
		if !fault.Is(err, fault.Busy) {
			r.tellUsable(k, err)
		}
	}
}

// tellUsable tells the log once when a key is out of use, and when it is back.
func (r *Ring) tellUsable(k Key, err error) {
	a := &r.asking
	a.mu.Lock()
	was := a.bad[k.KID]
	if a.bad == nil {
		a.bad = map[string]bool{}
	}
	a.bad[k.KID] = err != nil
	a.mu.Unlock()
	switch {
	case err != nil && !was:
		r.Log.Error("a signing key in the PKCS #11 device cannot be used; other keys go on; see: keys verify",
			"kid", k.KID, "alg", k.Alg, "as", string(k.State), "label", k.Device, "cause", err)
	case err == nil && was:
		r.Log.Info("a signing key in the PKCS #11 device can be used again", "kid", k.KID, "alg", k.Alg)
	}
}
