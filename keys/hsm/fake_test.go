package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"

	"tegata/keys/hsm"
	"tegata/shared/clock"
)

// fake is a device whose answers are the test's.
type fake struct {
	t      *testing.T
	clock  *clock.Held
	log    chan string    // what the log is told, in order
	mute   atomic.Bool    // it is not
	limit  chan time.Time // one value ends the time of one call
	opened int            // how often; nobody reads it while the device is opened

	mu     sync.Mutex
	pairs  map[string]*pair                     // by label
	reused map[string]string                    // whose key the handle of another one is now
	says   func(what, label string) (bad error) // before each answer; nil: all is well
	begin  func() chan time.Time                // when the next one waits
}

// pair is a key in it.
type pair struct {
	*ecdsa.PrivateKey
	in    *fake
	label string
	calls *calls
	shows crypto.PublicKey // as its public half; nil: what is
}

func (p *pair) Public() crypto.PublicKey {
	if p.shows != nil {
		return p.shows
	}
	return p.PrivateKey.Public()
}

func newFake(t *testing.T) (*fake, *hsm.Device) {
	t.Helper()
	f := &fake{
		t: t, clock: clock.Hold(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)),
		log: make(chan string, 20), limit: make(chan time.Time), pairs: map[string]*pair{},
	}
	d, err := hsm.Fake(hsm.Config{Log: slog.New(slog.NewTextHandler(f, nil)), Clock: f.clock.Now}, f.open,
		func(time.Duration) <-chan time.Time { return f.after() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.answers(nil)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	f.clock.Move(10 * time.Minute)
	return f, d
}

func (f *fake) Write(line []byte) (int, error) {
	if !f.mute.Load() {
		f.log <- string(line)
	}
	return len(line), nil
}

func (f *fake) open() (hsm.Token, error) {
	f.opened++
	return &fakeToken{f, &calls{}}, f.asked("open", "")
}

// answers sets what it says from now on.
func (f *fake) answers(says func(what, label string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.says = says
}

// waits has the next wait for the device begin with this, and end by that limit.
func (f *fake) waits(limit chan time.Time, begin func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin = func() chan time.Time {
		begin()
		return limit
	}
}

func (f *fake) after() <-chan time.Time {
	f.mu.Lock()
	begin := f.begin
	f.begin = nil
	f.mu.Unlock()
	if begin == nil {
		return f.limit
	}
	return begin()
}

func (f *fake) asked(what, label string) error {
	f.mu.Lock()
	says := f.says
	f.mu.Unlock()
	if says == nil {
		return nil
	}
	return says(what, label)
}

// put gives the device a key of its own, or takes it away when private is nil.
func (f *fake) put(label string, private *ecdsa.PrivateKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if private == nil {
		delete(f.pairs, label)
		return
	}
	f.pairs[label] = &pair{PrivateKey: private, in: f, label: label}
}

// calls are those to one session. As crypto11 does, it waits for them before it closes, and
// refuses more.
type calls struct {
	under  sync.RWMutex // read by a call
	closed bool
}

func (c *calls) begin() (end func(), err error) {
	c.under.RLock()
	if c.closed {
		err = errors.New("context is closed")
	}
	return c.under.RUnlock, err
}

// fakeToken is a session with it.
type fakeToken struct {
	*fake
	calls *calls
}

func (f *fakeToken) Close() error {
	f.calls.under.Lock()
	defer f.calls.under.Unlock()
	f.calls.closed = true
	return f.asked("close", "")
}

func (f *fakeToken) FindKeyPairs(id, _ []byte) (found []crypto11.Signer, err error) {
	end, err := f.calls.begin()
	defer end()
	if err == nil {
		err = f.asked("find", string(id))
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pairs[string(id)]; p != nil {
		found = append(found, &pair{p.PrivateKey, f.fake, p.label, f.calls, p.shows})
	}
	return found, nil
}

func (f *fakeToken) GenerateECDSAKeyPairWithLabel(id, _ []byte, _ elliptic.Curve) (crypto11.Signer, error) {
	end, err := f.calls.begin()
	defer end()
	if err != nil {
		return nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	f.put(string(id), private)
	return &pair{private, f.fake, string(id), f.calls, nil}, f.asked("make", string(id))
}

func (f *fakeToken) GenerateRSAKeyPairWithLabel(_, _ []byte, _ int) (crypto11.SignerDecrypter, error) {
	return nil, errors.New("a device without RSA")
}

func (f *fakeToken) GetAttribute(key any, id crypto11.AttributeType) (*crypto11.Attribute, error) {
	end, err := f.calls.begin()
	defer end()
	if err != nil {
		return nil, err
	}
	label := key.(*pair).label
	err = f.asked("look", label)
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.reused[label]; other != "" {
		label = other
	}
	return &crypto11.Attribute{Type: id, Value: []byte(label)}, err
}

func (p *pair) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	end, err := p.calls.begin()
	defer end()
	if err == nil {
		err = p.in.asked("sign", p.label)
	}
	if err != nil {
		return nil, err
	}
	return p.PrivateKey.Sign(random, digest, opts)
}

func (p *pair) Delete() error {
	p.in.put(p.label, nil)
	return nil
}

// made makes keys in the device.
func made(t *testing.T, d *hsm.Device, labels ...string) (all []crypto.Signer) {
	t.Helper()
	for _, label := range labels {
		k, err := d.Make("ES256", label)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

// signs gives what a signature by the key comes to.
func signs(k crypto.Signer) error {
	_, err := k.Sign(nil, make([]byte, 32), crypto.SHA256)
	return err
}
