// Package secret makes what nobody may guess and keeps what nobody may read.
//
//	Text, Bytes     randomness for tokens
//	NewID           names of rows: UUIDv7, ordered by time
//	Digest, Match   what we store instead of a token, and how we compare
//	Token           id.secret, the form of everything we hand out (house rule)
//	Sealer          encryption at rest under a key-encryption key (seal.go)
//	KeyFile         where that key lives (keyfile.go)
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
)

// tokenBytes is the length of a secret: 256 bits, twice what we promise.
const tokenBytes = 32

// Bytes gives n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return b
}

// Text gives 256 random bits as 43 URL-safe characters.
func Text() string { return base64.RawURLEncoding.EncodeToString(Bytes(tokenBytes)) }

// NewID names a row: a UUIDv7, so that rows are written in the order of their keys.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Digest is what the database keeps of a token. A plain SHA-256 suffices because
// the token itself is random; passwords and short codes need more.
func Digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Match compares two digests in constant time.
func Match(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// Token is what we hand out: the id of a row, which finds it, and a secret, which
// proves the right to it. The database keeps the id and the digest of the secret.
type Token struct{ ID, Secret string }

// NewToken gives a token with a fresh id and a fresh secret.
func NewToken() Token { return Token{NewID(), Text()} }

// String is the token as it travels: id.secret.
func (t Token) String() string { return t.ID + "." + t.Secret }

// ParseToken reads id.secret; ok is false when s cannot be one of ours.
func ParseToken(s string) (t Token, ok bool) {
	id, sec, found := strings.Cut(s, ".")
	if !found || len(s) > 128 || len(sec) < 22 || !urlSafe(sec) || !IsID(id) {
		return Token{}, false
	}
	return Token{id, sec}, true
}

// IsID tells whether s is the name of a row, written as NewID writes it: one row has one
// spelling.
func IsID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
				return false
			}
		}
	}
	return true
}

// urlSafe tells whether s consists of the characters that Text uses.
func urlSafe(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
