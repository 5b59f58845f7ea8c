package grants

import (
	"time"

	"tegata/idp/clients"
	"tegata/shared/secret"
)

// Standing is how a refresh token that came stands.
type Standing int

const (
	Spent        Standing = iota // ended, expired, or used too long ago: it is good for nothing
	Live                         // it may be used
	Repeated                     // it was replaced a moment ago, and nobody used what took its place: that may be given again
	Unrepeatable                 // the same, but what took its place cannot be computed: the key-encryption key has changed since
	Aged                         // its family has come to the end of its life
)

// Standing tells whether the refresh token may be used now, by the rules of its client: it
// is alive, or it was replaced so short a time ago that its answer may have got lost. So a
// client that missed the answer gets it again, and there is one token at the end of the
// family whatever happens: who stole the token before has to use the same one, and the
// second of the two shows (RFC 9700 §4.14.2). seal is what Next is computed with.
func (t *Token) Standing(rules clients.Refreshing, seal *secret.Sealer, now time.Time) Standing {
	if !now.Before(t.BeganAt.Add(rules.Lifetime)) {
		return Aged
	}
	if t.Usable(now) {
		return Live
	}
	mayRepeat := t.Replaced && !t.Over && now.Before(t.ExpiresAt) && rules.Grace > 0
	if !mayRepeat || !t.family.repeats(t.came, now.Add(-rules.Grace)) {
		return Spent
	}
	if !secret.Match(t.family.Newest, t.came.next(seal).digest()) {
		return Unrepeatable
	}
	return Repeated
}

// Next is the refresh token in the place of the one that came.
func (t *Token) Next(seal *secret.Sealer) RefreshToken { return t.came.next(seal) }
