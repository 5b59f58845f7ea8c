package keys

import (
	"crypto"
	"io"

	"tegata/shared/fault"
)

// Device keeps private keys and signs with them, and never gives them out. While it
// cannot be reached, all of it but Makes gives fault.Busy.
type Device interface {
	Makes(alg string) bool                            // whether it can make keys for the algorithm
	Make(alg, label string) (crypto.Signer, error)    // a new key pair under the label
	Open(label string) (key crypto.Signer, err error) // one that it has; an error when not
	Remove(label string) error                        // no mistake when it is gone already
}

// Probed is a key that knows whether it could sign now: one in a device that may be away.
type Probed interface {
	crypto.Signer
	Ready() error
}

// lacking stands for a key whose device was away when the ring was read. The next look
// reads it again.
type lacking struct {
	public crypto.PublicKey
	cause  error // fault.Busy
}

func (l *lacking) Public() crypto.PublicKey { return l.public }
func (l *lacking) Ready() error             { return l.cause }

func (l *lacking) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, l.cause }

// opened gives the private half, the one that the last snapshot had open when it has it.
// A device that is away does not keep the other keys from signing.
func (r *Ring) opened(row row) (key crypto.Signer, err error) {
	if last := r.now.Load(); last != nil {
		s := last.signers[row.Alg]
		if s != nil && s.kid == row.KID {
			key = s.key
		}
	}
	if _, without := key.(*lacking); key != nil && !without {
		return key, nil
	}
	if key, err = r.open(row); row.Device != "" && fault.Is(err, fault.Busy) {
		return &lacking{row.Public.Key, err}, nil
	}
	return key, err
}

// probe asks a key of the ring whether it could sign now.
func probe(key crypto.Signer) error {
	if g, ok := key.(*guarded); ok {
		key = g.key
	}
	if key, ok := key.(Probed); ok {
		return key.Ready()
	}
	return nil
}

// probeAll lets a device notice that it was lost, and come back, while nobody signs. It
// tells the log itself: what else Watch does has to go on.
func (r *Ring) probeAll() {
	for _, s := range r.now.Load().signers {
		_ = probe(s)
	}
}
