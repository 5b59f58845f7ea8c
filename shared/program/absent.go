package program

import (
	"crypto"
	"io"

	"tegata/keys"
	"tegata/keys/hsm"
	"tegata/shared/fault"
)

// absent stands for a PKCS #11 device that could not be opened, for verbs: the ring is
// looked at and keys are revoked without it, and what needs it is refused with fault.Busy.
type absent struct{ cause error }

func (a absent) busy() error { return fault.Wrap(fault.Busy, "keys.device_away", a.cause) }

// Makes is that of the device: its keys are not made anywhere else while it is away.
func (a absent) Makes(alg string) bool { return hsm.Makes(alg) }

func (a absent) Make(string, string) (crypto.Signer, error)    { return nil, a.busy() }
func (a absent) Remove(string, crypto.PublicKey) error         { return a.busy() }
func (a absent) Open(_ string, p crypto.PublicKey) keys.Probed { return absentKey{a, p} }

// absentKey is a key of it.
type absentKey struct {
	absent
	public crypto.PublicKey
}

func (k absentKey) Public() crypto.PublicKey { return k.public }
func (k absentKey) Ready() error             { return k.busy() }

func (k absentKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, k.busy() }
