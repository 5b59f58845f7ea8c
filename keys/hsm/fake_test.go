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
	limit  chan time.Time // one value ends the time of one call
	opened int            // how often; nobody reads it while the device is opened

	mu    sync.Mutex
	pairs map[string]*pair                     // by label
	says  func(what, label string) (bad error) // before each answer; nil: all is well
}

// pair is a key in it.
type pair struct {
	*ecdsa.PrivateKey
	in    *fake
	label string
	under *sync.WaitGroup
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
		func(time.Duration) <-chan time.Time { return f.limit })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	f.clock.Move(10 * time.Minute)
	return f, d
}

func (f *fake) Write(line []byte) (int, error) {
	f.log <- string(line)
	return len(line), nil
}

func (f *fake) open() (hsm.Token, error) {
	f.opened++
	return &fakeToken{f, &sync.WaitGroup{}}, f.asked("open", "")
}

// answers sets what it says from now on.
func (f *fake) answers(says func(what, label string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.says = says
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

// fakeToken is a session with it. As crypto11 does, it waits for its calls before it closes.
type fakeToken struct {
	*fake
	under *sync.WaitGroup
}

func (f *fakeToken) Close() error {
	f.under.Wait()
	return nil
}

func (f *fakeToken) FindKeyPairs(id, _ []byte) (found []crypto11.Signer, err error) {
	f.under.Add(1)
	defer f.under.Done()
	if err := f.asked("find", string(id)); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pairs[string(id)]; p != nil {
		found = append(found, &pair{p.PrivateKey, f.fake, p.label, f.under, p.shows})
	}
	return found, nil
}

func (f *fakeToken) GenerateECDSAKeyPairWithLabel(id, _ []byte, _ elliptic.Curve) (crypto11.Signer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	f.put(string(id), private)
	return &pair{private, f.fake, string(id), f.under, nil}, f.asked("make", string(id))
}

func (f *fakeToken) GenerateRSAKeyPairWithLabel(_, _ []byte, _ int) (crypto11.SignerDecrypter, error) {
	return nil, errors.New("a device without RSA")
}

func (f *fakeToken) GetAttribute(key any, _ crypto11.AttributeType) (*crypto11.Attribute, error) {
	f.under.Add(1)
	defer f.under.Done()
	return nil, f.asked("look", key.(*pair).label)
}

func (p *pair) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	p.under.Add(1)
	defer p.under.Done()
	if err := p.in.asked("sign", p.label); err != nil {
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
