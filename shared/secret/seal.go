package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrSeal says that a sealed value cannot be opened: another key, another row, or
// a changed byte.
var ErrSeal = errors.New("secret: sealed value does not open with this key for this row")

// tagSize is how many bytes of a sealed value name the key it was sealed by.
const tagSize = 8

// Sealer encrypts what lies in the database under a key-encryption key that does
// not. Each purpose has a key of its own, and a value is bound to its row: moved
// to another row or purpose it does not open.
//
// A sealed value begins with the name of its key. While the key-encryption key is
// being changed a Sealer holds both: it seals with one and opens with either.
type Sealer struct{ held atomic.Pointer[keks] }

// keks are the keys at hand; the first one seals. It never changes.
type keks []kek

type kek struct {
	id      string
	tag     [tagSize]byte
	key     []byte
	derived *sync.Map // use and purpose → the key that was derived for it
}

// NewSealer takes a key-encryption key of 32 bytes.
func NewSealer(key []byte) (*Sealer, error) {
	k, err := newKEK(key)
	if err != nil {
		return nil, err
	}
	s := &Sealer{}
	s.held.Store(&keks{k})
	return s, nil
}

func newKEK(key []byte) (kek, error) {
	if len(key) != 32 {
		return kek{}, fmt.Errorf("secret: key-encryption key has %d bytes, want 32", len(key))
	}
	sum := sha256.Sum256(append([]byte("tegata kek id\x00"), key...))
	k := kek{id: hex.EncodeToString(sum[:tagSize]), key: key, derived: &sync.Map{}}
	copy(k.tag[:], sum[:])
	return k, nil
}

// ID names the key-encryption key that seals now. Between Seal and ID it may change:
// what a value was sealed by, SealedBy tells.
func (s *Sealer) ID() string { return (*s.held.Load())[0].id }

// Holds names every key at hand; the first one seals.
func (s *Sealer) Holds() (ids []string) {
	for _, k := range *s.held.Load() {
		ids = append(ids, k.id)
	}
	return ids
}

// Learn makes s open what another key-encryption key sealed, and gives its name.
func (s *Sealer) Learn(key []byte) (id string, err error) {
	k, err := newKEK(key)
	if err != nil {
		return "", err
	}
	for {
		old := s.held.Load()
		if slices.Contains(s.Holds(), k.id) {
			return k.id, nil
		}
		fresh := append(slices.Clone(*old), k)
		if s.held.CompareAndSwap(old, &fresh) {
			return k.id, nil
		}
	}
}

// Use makes s seal with a key that it holds; it goes on to open with the others. For
// a key that it does not hold it gives an error.
func (s *Sealer) Use(id string) error {
	for {
		old := s.held.Load()
		at := slices.IndexFunc(*old, func(k kek) bool { return k.id == id })
		if at < 0 {
			return fmt.Errorf("secret: key-encryption key %s is not at hand, only %s", id, strings.Join(s.Holds(), ", "))
		}
		fresh := append(keks{(*old)[at]}, slices.Delete(slices.Clone(*old), at, at+1)...)
		if s.held.CompareAndSwap(old, &fresh) {
			return nil
		}
	}
}

// SealedBy names the key-encryption key of a sealed value, as ID does.
func SealedBy(sealed []byte) string {
	return hex.EncodeToString(sealed[:min(len(sealed), tagSize)])
}

// Seal encrypts plain for the row of that purpose: AES-256-GCM with a random nonce.
func (s *Sealer) Seal(purpose, row string, plain []byte) ([]byte, error) {
	k := (*s.held.Load())[0]
	aead, err := k.aead(purpose)
	if err != nil {
		return nil, err
	}
	return append(k.tag[:], aead.Seal(nil, nil, plain, []byte(purpose+"\x00"+row))...), nil
}

// Open is the reverse of Seal; it gives ErrSeal for any other key, purpose or row.
func (s *Sealer) Open(purpose, row string, sealed []byte) ([]byte, error) {
	for _, k := range *s.held.Load() {
		if !bytes.HasPrefix(sealed, k.tag[:]) {
			continue
		}
		aead, err := k.aead(purpose)
		if err != nil {
			return nil, err
		}
		if plain, err := aead.Open(nil, nil, sealed[tagSize:], []byte(purpose+"\x00"+row)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSeal
}

// MAC gives a keyed digest for what is too short to be stored as a plain one: the
// codes people type. Without the key the database alone does not betray them. A MAC
// cannot be sealed anew: when its key goes, what it stood for has to expire.
func (s *Sealer) MAC(purpose, row, value string) []byte {
	return (*s.held.Load())[0].mac(purpose, row, value)
}

// MatchMAC tells in constant time whether mac is the MAC of value under any key at hand.
func (s *Sealer) MatchMAC(purpose, row, value string, mac []byte) bool {
	ok := false
	for _, k := range *s.held.Load() {
		ok = Match(k.mac(purpose, row, value), mac) || ok
	}
	return ok
}

// derive gives the key for a use ("mac sms_code"). Purposes are few and stand in code.
func (k kek) derive(use string) []byte {
	if key, ok := k.derived.Load(use); ok {
		return key.([]byte)
	}
	key, err := hkdf.Key(sha256.New, k.key, nil, use, 32)
	if err != nil {
		panic(err) // only for lengths above 8160 bytes
	}
	k.derived.Store(use, key)
	return key
}

func (k kek) mac(purpose, row, value string) []byte {
	m := hmac.New(sha256.New, k.derive("mac "+purpose))
	m.Write([]byte(row + "\x00" + value))
	return m.Sum(nil)
}

func (k kek) aead(purpose string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("seal " + purpose))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Column is a column of sealed values: what has to be sealed anew when the
// key-encryption key changes. The package that owns the table declares it.
type Column struct {
	Name    string // for people: "password hashes"
	Table   string
	Row     string // the column that values are bound to, by which the table is walked
	Box     string // the sealed value; empty and null ones are left alone
	By      string // a column that names the key, "" without one
	Purpose string
}
