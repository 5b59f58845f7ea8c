package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"tegata/shared/fault"
)

// Limits of RFC 5321 §4.5.3.1, in bytes of the canonical form.
const (
	maxAddress = 254
	maxLocal   = 64
	maxTyped   = 4 * maxAddress // what is looked at before anything else
)

// atoms are the characters of a local part without quotes (RFC 5322 §3.2.3).
const atoms = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~."

// domains turns a domain into the form of the DNS: mapped after UTS 46, lower-case,
// punycode, checked.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// Address gives the canonical form of what a person typed as an e-mail address:
// lower-case ASCII, a domain of other scripts in punycode. It is what we store,
// compare and write to, so two addresses that look alike never meet: characters
// that would turn into ASCII (K, ı, full-width letters) are refused, and so is a
// local part that is not ASCII. Quotes, comments, lists, display names, IP literals
// and control characters are refused too. S-023, A-090, A-091.
//
// Errors are fault.Invalid on the field "email": email.missing, email.too_long and
// email.form.
func Address(typed string) (canonical string, err error) {
	switch {
	case len(typed) > maxTyped:
		return "", refuse("email.too_long")
	case strings.Trim(typed, " ") == "":
		return "", refuse("email.missing")
	}
	local, domain, found := strings.Cut(strings.Trim(typed, " "), "@")
	local = lower(local)
	if !found || !localPart(local) {
		return "", refuse("email.form")
	}
	domain, ok := dnsName(domain)
	if !ok {
		return "", refuse("email.form")
	}
	if len(local) > maxLocal || len(local)+1+len(domain) > maxAddress {
		return "", refuse("email.too_long")
	}
	return local + "@" + domain, nil
}

func refuse(key string) error { return fault.New(fault.Invalid, "email", key) }

// lower is strings.ToLower for ASCII only: the Kelvin sign must not become a k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// localPart takes a dot-atom of ASCII.
func localPart(s string) bool {
	return s != "" && strings.Trim(s, atoms) == "" && strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(atoms, r) }) < 0 &&
		s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..")
}

// dnsName gives a domain in the form of the DNS; ok is false for what cannot receive
// mail from us: no dot, an address in numbers, characters that pose as ASCII.
func dnsName(s string) (name string, ok bool) {
	if !utf8.ValidString(s) || strings.IndexFunc(s, deceives) >= 0 {
		return "", false
	}
	name, err := domains.ToASCII(norm.NFC.String(s))
	if err != nil || strings.HasSuffix(name, ".") {
		return "", false
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || strings.Trim(name[dot+1:], "0123456789") == "" {
		return "", false
	}
	return name, true
}

// deceives tells whether r turns into ASCII or into nothing when it is normalised:
// full-width letters, the Kelvin sign, ligatures, the ideographic full stop, and
// what cannot be seen at all.
func deceives(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f
	}
	if r == '\u3002' || r == '\uff0e' || r == '\uff61' { // UTS 46 §2.3: dots
		return true
	}
	if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
		return true
	}
	folded := cases.Fold().String(norm.NFKC.String(string(r)))
	return r != 'ß' && strings.IndexFunc(folded, func(r rune) bool { return r < utf8.RuneSelf }) >= 0
}

// Display gives a canonical address as people read it: a punycode domain in its own
// script, where that is safe to show.
func Display(canonical string) string {
	local, domain, found := strings.Cut(canonical, "@")
	if !found {
		return canonical
	}
	shown, err := idna.Display.ToUnicode(domain)
	if err != nil {
		return canonical
	}
	return local + "@" + shown
}
