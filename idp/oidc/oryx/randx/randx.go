// Package randx draws the letters of device user codes.
package randx

import (
	"crypto/rand"
	"fmt"
	"math/big"
)

// AlphaUpper is the alphabet fosite falls back to.
var AlphaUpper = []rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

// RuneSequence draws length letters of alphabet, each equally likely.
func RuneSequence(length int, alphabet []rune) ([]rune, error) {
	if len(alphabet) == 0 {
		return nil, fmt.Errorf("randx: no letters to draw from")
	}
	size := big.NewInt(int64(len(alphabet)))
	drawn := make([]rune, length)
	for i := range drawn {
		n, err := rand.Int(rand.Reader, size)
		if err != nil {
			return nil, err
		}
		drawn[i] = alphabet[n.Int64()]
	}
	return drawn, nil
}
