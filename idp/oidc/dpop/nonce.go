package dpop

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"tegata/idp/oidc/jws"
)

// nonceFor is how long a nonce for proofs is good.
const nonceFor = 5 * time.Minute

// nonce gives a nonce that says when it was made and that only we can have made.
// Nothing is stored, and every node knows those of the others. RFC 9449 §8.
func (c Checker) nonce(now time.Time) string {
	at := strconv.FormatInt(now.Unix(), 36)
	return at + "." + base64.RawURLEncoding.EncodeToString(c.Once.Seal.MAC("dpop nonce", "", at))
}

// fresh tells whether the nonce is one of ours and not too old.
func (c Checker) fresh(nonce string, now time.Time) bool {
	at, text, ok := strings.Cut(nonce, ".")
	mac, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil || !c.Once.Seal.MatchMAC("dpop nonce", "", at, mac) {
		return false
	}
	seconds, err := strconv.ParseInt(at, 36, 64)
	made := time.Unix(seconds, 0)
	return err == nil && !made.After(now.Add(jws.Leeway)) && now.Sub(made) <= nonceFor
}
