package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrSeal says that a sealed value cannot be opened: another key, another row, or
// a changed byte.
var ErrSeal = errors.New("secret: sealed value does not open with this key for this row")

// Sealer encrypts what lies in the database under a key-encryption key that does
// not. Each purpose has a key of its own, and a value is bound to its row: moved
// to another row or purpose it does not open.
type Sealer struct {
	id  string
	key []byte
}

// NewSealer takes a key-encryption key of 32 bytes.
func NewSealer(kek []byte) (*Sealer, error) {
	if len(kek) != 32 {
		return nil, fmt.Errorf("secret: key-encryption key has %d bytes, want 32", len(kek))
	}
	sum := sha256.Sum256(append([]byte("tegata kek id\x00"), kek...))
	return &Sealer{id: hex.EncodeToString(sum[:8]), key: kek}, nil
}

// ID names the key-encryption key; rows keep it so that rewrapping can be resumed.
func (s *Sealer) ID() string { return s.id }

// Seal encrypts plain for the row of that purpose: AES-256-GCM with a random nonce.
func (s *Sealer) Seal(purpose, row string, plain []byte) ([]byte, error) {
	aead, err := s.aead(purpose)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(purpose+"\x00"+row)), nil
}

// Open is the reverse of Seal; it gives ErrSeal for any other key, purpose or row.
func (s *Sealer) Open(purpose, row string, sealed []byte) ([]byte, error) {
	aead, err := s.aead(purpose)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(purpose+"\x00"+row))
	if err != nil {
		return nil, ErrSeal
	}
	return plain, nil
}

// MAC gives a keyed digest for what is too short to be stored as a plain one: the
// codes people type. Without the key the database alone does not betray them.
func (s *Sealer) MAC(purpose, row, value string) []byte {
	key, err := hkdf.Key(sha256.New, s.key, nil, "mac "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths above 8160 bytes
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(row + "\x00" + value))
	return m.Sum(nil)
}

func (s *Sealer) aead(purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.key, nil, "seal "+purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
