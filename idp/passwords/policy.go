package passwords

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tegata/shared/fault"
)

// Limits of length in code points (S-074), and the symbols that count (S-078): all
// punctuation of ASCII.
const (
	MinLength = 12
	MaxLength = 60
	Symbols   = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// maxBytes is more than any password of MaxLength needs, also when its accents come
// as code points of their own; what is longer is refused unread.
const maxBytes = 1024

// minPart is how long a part of an address or name must be to be looked for (S-082).
const minPart = 3

// ID names a rule, in message keys too: "password.rule.length".
type ID string

// The rules in the order in which pages list them.
const (
	Length ID = "length" // S-074
	Lower  ID = "lower"  // S-075: a–z
	Upper  ID = "upper"  // S-076: A–Z
	Digit  ID = "digit"  // S-077: 0–9, not the full-width ones
	Symbol ID = "symbol" // S-078
	Email  ID = "email"  // S-082: no part of the address
	Name   ID = "name"   // nor of the person's own names
	Listed ID = "common" // S-080
)

// Rules gives all rules in order.
func Rules() []ID { return []ID{Length, Lower, Upper, Digit, Symbol, Email, Name, Listed} }

// About is what a password must have nothing to do with.
type About struct {
	Email string
	Names []string
}

// Result tells of one rule whether a password meets it.
type Result struct {
	ID  ID
	Met bool
}

// Check judges a password by every rule, for the marks on pages (S-021). An empty
// password meets none.
func Check(password string, about About) []Result {
	rules := Rules()
	all := make([]Result, len(rules))
	text, ok := normal(password)
	for i, id := range rules {
		all[i] = Result{id, ok && text != "" && met(id, text, about)}
	}
	return all
}

// Problem refuses a password that breaks a rule: fault.Fields about field, one for
// each broken rule, keys "password.rule.ID"; or the one fault that it cannot be read.
// A good password gives nil.
func Problem(field, password string, about About) error {
	if _, ok := normal(password); !ok && len(password) <= maxBytes {
		return fault.New(fault.Invalid, field, "password.characters")
	}
	if password == "" {
		return fault.New(fault.Invalid, field, "password.missing")
	}
	var broken fault.Fields
	for _, r := range Check(password, about) {
		if !r.Met {
			broken.Add(ruleFault(field, r.ID))
		}
		if r.ID == Length && !r.Met && len(password) > maxBytes {
			break // unread: the other rules have nothing to say
		}
	}
	return broken.Err()
}

func ruleFault(field string, id ID) *fault.Error {
	f := fault.New(fault.Invalid, field, "password.rule."+string(id))
	if id == Length {
		f.With("min", MinLength).With("max", MaxLength)
	}
	return f
}

// normal gives the password as it is judged and hashed; ok is false for what no
// keyboard types: NUL, broken UTF-8, or far too much.
func normal(password string) (text string, ok bool) {
	if len(password) > maxBytes || !utf8.ValidString(password) || strings.ContainsRune(password, 0) {
		return "", false
	}
	return norm.NFC.String(password), true
}

func met(id ID, text string, about About) bool {
	switch id {
	case Length:
		n := utf8.RuneCountInString(text)
		return n >= MinLength && n <= MaxLength
	case Lower:
		return strings.ContainsFunc(text, func(r rune) bool { return 'a' <= r && r <= 'z' })
	case Upper:
		return strings.ContainsFunc(text, func(r rune) bool { return 'A' <= r && r <= 'Z' })
	case Digit:
		return strings.ContainsFunc(text, func(r rune) bool { return '0' <= r && r <= '9' })
	case Symbol:
		return strings.ContainsAny(text, Symbols)
	case Email:
		return !containsAny(text, EmailParts(about.Email))
	case Name:
		return !containsAny(text, nameParts(about.Names))
	case Listed:
		return !Common(text)
	}
	return false
}

// EmailParts gives the parts of an address that its password must not contain, in
// small letters: what stands between dots, hyphens and the like, when it has three
// characters or more. The top-level domain is nobody's secret and is left out, with
// the com or org before a country.
func EmailParts(email string) []string {
	local, domain, _ := strings.Cut(email, "@")
	labels := strings.Split(strings.ToLower(domain), ".")
	labels = labels[:len(labels)-1]
	if n := len(labels); n > 1 && generic[labels[n-1]] {
		labels = labels[:n-1]
	}
	return parts(local + " " + strings.Join(labels, " "))
}

// generic are the second-level labels that stand before a country.
var generic = map[string]bool{"com": true, "org": true, "net": true, "edu": true, "gov": true}

func nameParts(names []string) []string { return parts(strings.Join(names, " ")) }

// parts cuts s at everything that is neither letter nor digit.
func parts(s string) []string {
	var all []string
	for _, part := range strings.FieldsFunc(strings.ToLower(norm.NFC.String(s)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		if utf8.RuneCountInString(part) >= minPart {
			all = append(all, part)
		}
	}
	return all
}

func containsAny(text string, parts []string) bool {
	text = strings.ToLower(text)
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
