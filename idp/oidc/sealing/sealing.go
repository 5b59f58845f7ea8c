// Package sealing makes codes and tokens that carry what they stand for, so that no row
// has to be written when one is given and none has to be read to know what it says. Each
// is id.sealed, the sealed half encrypted under a key that nobody outside has, for this
// one id and purpose.
//
//	Keys         what seals: a new key each day, kept in the database, itself sealed
//	Make, Open   one token; Ready before a transaction in which tokens are made
//	Sweep        forgets the keys of tokens that are over
//	store.go     the table token_keys
//
// What was sealed cannot be taken back here: whether a code was used, a token was revoked
// or a grant is over is a matter of rows that name its id. Without its key it is nothing:
// Drop ends everything that was ever sealed.
//
// Neither the database alone nor the key-encryption key alone can make or open one. A key
// that got out is of use for a day, and a new key-encryption key changes nothing for
// tokens that are out.
package sealing

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

const (
	// sealsFor is how long one key seals.
	sealsFor = 24 * time.Hour
	// KeepFor is how long a key opens: what it sealed last has expired by then, and a
	// code that comes once more is still recognized for a day.
	KeepFor = 3 * sealsFor
	// trustedFor is how long a key is used from memory: Drop counts everywhere after it.
	trustedFor = 10 * time.Second

	nameSize = 8 // of a key, as it stands in what it sealed
	idSize   = 36
	// MaxLength bounds what Open looks at, in bytes.
	MaxLength = 16 << 10
)

// SealedColumn is for keys.Ring: the keys are sealed anew with everything else.
var SealedColumn = secret.Column{
	Name: "keys of codes and access tokens", Table: "token_keys", Row: "id", Box: "sealed", By: "sealed_by", Purpose: purpose,
}

const purpose = "token key"

// Keys seals and opens. Its methods may be called at once.
type Keys struct {
	DB    *db.DB
	Seal  *secret.Sealer // of the keys themselves
	Clock clock.Clock

	newest atomic.Pointer[key]
	kept   sync.Map // name → *key
}

// key is one of token_keys, ready for use.
type key struct {
	name      [nameSize]byte
	aead      cipher.AEAD
	createdAt time.Time
	readAt    time.Time // from the database
}

// trusted is false as well when the clock was set back: nobody knows for how long it
// would hide that the key was dropped.
func (k *key) trusted(now time.Time) bool { return now.Sub(k.readAt).Abs() < trustedFor }

func (k *key) seals(now time.Time) bool { return now.Sub(k.createdAt) < sealsFor }

// Make gives id.sealed for a fresh id: plain under the newest key, for that purpose.
func (s *Keys) Make(ctx context.Context, purpose, id string, plain []byte) (string, error) {
	k, err := s.sealer(ctx)
	if err != nil {
		return "", err
	}
	// A nonce of 24 random bytes never comes twice, however many tokens a day has.
	const head = nameSize + chacha20poly1305.NonceSizeX
	box := make([]byte, head, head+len(plain)+chacha20poly1305.Overhead)
	copy(box, k.name[:])
	rand.Read(box[nameSize:])
	box = k.aead.Seal(box, box[nameSize:], plain, about(purpose, id))
	text := make([]byte, idSize+1+base64.RawURLEncoding.EncodedLen(len(box)))
	copy(text, id)
	text[idSize] = '.'
	base64.RawURLEncoding.Encode(text[idSize+1:], box)
	return string(text), nil
}

// Open gives the id and what was sealed. It gives fault.NotFound for whatever Make did
// not make for that purpose, letter by letter, and for what was sealed too long ago.
func (s *Keys) Open(ctx context.Context, purpose, text string) (id string, plain []byte, err error) {
	id, name, box, ok := Parse(text)
	if !ok {
		return "", nil, unknown()
	}
	k, err := s.named(ctx, name)
	if err != nil {
		return "", nil, err
	}
	const nonce = chacha20poly1305.NonceSizeX
	plain, err = k.aead.Open(nil, box[:nonce], box[nonce:], about(purpose, id))
	if err != nil {
		return "", nil, unknown()
	}
	return id, plain, nil
}

// Parse takes id.sealed apart, and tells whether text can be such a one: it says
// nothing about who made it. box is the nonce and what follows.
func Parse(text string) (id string, name [nameSize]byte, box []byte, ok bool) {
	id, sealed, found := strings.Cut(text, ".")
	if !found || len(text) > MaxLength || !secret.IsID(id) {
		return "", name, nil, false
	}
	all, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(all) < nameSize+chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead || strings.ContainsAny(sealed, "\r\n") {
		return "", name, nil, false
	}
	return id, [nameSize]byte(all), all[nameSize:], true
}

// about binds a box to its purpose and id.
func about(purpose, id string) []byte { return []byte(purpose + "\x00" + id) }

func unknown() error { return fault.New(fault.NotFound, "", "oidc.unknown_token") }

// Ready finds the key to seal with, so that Make can be called in a transaction: what
// that writes may be undone, and a key must not be.
func (s *Keys) Ready(ctx context.Context) error {
	_, err := s.sealer(ctx)
	return err
}

var errNotReady = errors.New("sealing: tokens are made in a transaction without Ready before it")

// sealer gives the newest key, making one when that is a day old.
func (s *Keys) sealer(ctx context.Context) (*key, error) {
	now, k := s.Clock(), s.newest.Load()
	if k != nil && (k.trusted(now) && k.seals(now) || s.DB.InTx(ctx)) {
		return k, nil
	}
	if s.DB.InTx(ctx) {
		return nil, errNotReady
	}
	id, err := s.currentID(ctx, now.Add(-sealsFor))
	if fault.Is(err, fault.NotFound) {
		id, err = s.generate(ctx, now)
	}
	if err != nil {
		return nil, err
	}
	name, err := readName(id)
	if err != nil {
		return nil, err
	}
	if k, err = s.named(ctx, name); err == nil {
		s.newest.Store(k)
	}
	return k, err
}

// generate writes a new key. Two nodes may each make one: both open what either sealed.
func (s *Keys) generate(ctx context.Context, now time.Time) (id string, err error) {
	id = hex.EncodeToString(secret.Bytes(nameSize))
	sealed, err := s.Seal.Seal(purpose, id, secret.Bytes(chacha20poly1305.KeySize))
	if err != nil {
		return "", err
	}
	return id, s.insert(ctx, id, sealed, now)
}

// named gives the key of that name, fault.NotFound when there is none.
func (s *Keys) named(ctx context.Context, name [nameSize]byte) (*key, error) {
	now := s.Clock()
	if k, ok := s.kept.Load(name); ok && k.(*key).trusted(now) {
		return k.(*key), nil
	}
	id := hex.EncodeToString(name[:])
	sealed, createdAt, err := s.byID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		s.kept.Delete(name)
		return nil, unknown()
	}
	if err != nil {
		return nil, err
	}
	plain, err := s.Seal.Open(purpose, id, sealed)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(plain)
	if err != nil {
		return nil, err
	}
	k := &key{name: name, aead: aead, createdAt: createdAt, readAt: now}
	s.kept.Store(name, k)
	return k, nil
}

func readName(id string) (name [nameSize]byte, err error) {
	b, err := hex.DecodeString(id)
	if err == nil {
		copy(name[:], b)
	}
	return name, err
}
