package devices

import (
	"crypto/rand"
	"math/big"
	"strings"
)

// letters are what codes consist of: no vowels, so that no words come about, and
// nothing that looks like something else. RFC 8628 §6.1.
const letters = "BCDFGHJKLMNPQRSTVWXZ"

// codeLength gives 34 bits: at five guesses a minute nobody finds one of a thousand
// open codes within a month.
const codeLength = 8

func newCode() string {
	var code strings.Builder
	for range codeLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic(err) // crypto/rand does not fail
		}
		code.WriteByte(letters[n.Int64()])
	}
	return code.String()
}

// format groups a code as people read it: "WDJB-MJHT".
func format(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// ParseCode reads what somebody typed: in either case, with or without the hyphen, and
// with the wide letters of Japanese keyboards. ok is false when it cannot be a code.
func ParseCode(typed string) (code string, ok bool) {
	if len(typed) > 64 {
		return "", false
	}
	var read strings.Builder
	for _, r := range typed {
		if r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			read.WriteRune(r &^ 0x20)
			continue
		}
		if r >= 'Ａ' && r <= 'Ｚ' {
			read.WriteRune(r - 'Ａ' + 'A')
			continue
		}
		if r >= 'ａ' && r <= 'ｚ' {
			read.WriteRune(r - 'ａ' + 'A')
			continue
		}
		if !strings.ContainsRune(" \t\u3000-‐‑‒–—―−ー－", r) {
			return "", false
		}
	}
	code = read.String()
	return code, len(code) == codeLength && strings.Trim(code, letters) == ""
}
