package grants

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"tegata/shared/secret"
)

// RefreshToken is a refresh token as it travels: id.secret, where the id is its grant's.
// The secret says which one of its family it is and has two random halves: one that the
// whole family shares, by which an old one is known for what it is although only the
// newest has a digest; and one of its own.
type RefreshToken struct {
	Grant  string
	Turn   int64 // 1 for the first
	Family [16]byte
	Own    [32]byte
}

// FirstRefresh is the refresh token that a grant begins with.
func FirstRefresh(grant string) RefreshToken {
	t := RefreshToken{Grant: grant, Turn: 1}
	copy(t.Family[:], secret.Bytes(len(t.Family)))
	copy(t.Own[:], secret.Bytes(len(t.Own)))
	return t
}

// next is the refresh token in the place of t. It is computed under our key: whoever
// brings t can be given the same one again, though only digests are kept.
func (t RefreshToken) next(seal *secret.Sealer) RefreshToken {
	mac := seal.MAC("following refresh token", t.Grant, t.secret())
	t.Turn++
	t.Own = [32]byte(mac)
	return t
}

func (t RefreshToken) secret() string {
	var b [4 + 16 + 32]byte
	binary.BigEndian.PutUint32(b[:], uint32(t.Turn))
	copy(b[4:], t.Family[:])
	copy(b[20:], t.Own[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// String is the token as the client gets it.
func (t RefreshToken) String() string { return secret.Token{ID: t.Grant, Secret: t.secret()}.String() }

// digest is what the grant keeps of its newest token.
func (t RefreshToken) digest() []byte { return secret.Digest(t.secret()) }

// familyDigest is what the grant keeps of all of them.
func (t RefreshToken) familyDigest() []byte { return secret.Digest(string(t.Family[:])) }

// readRefresh reads a refresh token; ok is false for what cannot be one.
func readRefresh(given string) (t RefreshToken, ok bool) {
	token, ok := secret.ParseToken(given)
	if !ok {
		return t, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token.Secret)
	if err != nil || len(b) != 4+16+32 {
		return t, false
	}
	t = RefreshToken{Grant: token.ID, Turn: int64(binary.BigEndian.Uint32(b)), Family: [16]byte(b[4:]), Own: [32]byte(b[20:])}
	return t, t.Turn > 0
}

// family is what a grant keeps of its refresh tokens.
type family struct {
	Turn           int64 // of the newest; 0: there are none
	Digest         []byte
	Newest, Before []byte // digests; Before is nil where there is none
	Until          *time.Time
	TurnedAt       *time.Time
}

// has tells whether the token is of the family, and whether another one took its place.
func (f family) has(t RefreshToken) (known, replaced bool) {
	if !secret.Match(f.Digest, t.familyDigest()) {
		return false, false
	}
	switch {
	case t.Turn == f.Turn:
		return secret.Match(f.Newest, t.digest()), false
	case t.Turn == f.Turn-1:
		return secret.Match(f.Before, t.digest()), true
	}
	return t.Turn < f.Turn, true // its digest is gone: the family's half has to do
}

// repeats tells whether t is the one before the newest, and was that only after the
// moment.
func (f family) repeats(t RefreshToken, after time.Time) bool {
	return t.Turn == f.Turn-1 && f.TurnedAt != nil && f.TurnedAt.After(after)
}
