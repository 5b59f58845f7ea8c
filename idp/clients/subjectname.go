package clients

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// nameTypes are the types of attributes that have a short name: RFC 4514 §3, and what
// tools print besides. Others are written with their numbers.
var nameTypes = map[string]string{
	"CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6", "STREET": "2.5.4.9",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"SERIALNUMBER": "2.5.4.5", "POSTALCODE": "2.5.4.17", "EMAILADDRESS": "1.2.840.113549.1.9.1",
}

// HasSubject tells whether the certificate's subject is the registered one, a name in
// the form of RFC 4514: the certificate's last part first, as it stands there (Go's
// pkix.Name forgets the order), types without case, values letter by letter. RFC 8705
// §2.1.2.
func HasSubject(c *x509.Certificate, registered string) bool {
	want, ok := readName(registered)
	return ok && slices.Equal(subjectOf(c.RawSubject), want)
}

// isName tells whether a certificate can have the name at all.
func isName(text string) bool { _, ok := readName(text); return ok }

// subjectOf gives a certificate's name as readName does, nil for one it cannot tell.
func subjectOf(raw []byte) []string {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &sequence); err != nil || len(rest) > 0 {
		return nil
	}
	all := make([]string, 0, len(sequence))
	for _, set := range slices.Backward(sequence) {
		var together []string
		for _, one := range set {
			value, ok := one.Value.(string)
			if !ok {
				return nil
			}
			together = append(together, attribute(one.Type.String(), value))
		}
		all = append(all, join(together))
	}
	return all
}

// attribute is one type with its value, such that no value looks like two attributes.
func attribute(kind, value string) string { return kind + "=" + strconv.Quote(value) }

// join puts attributes together that stand on one level, where order says nothing.
func join(together []string) string {
	slices.Sort(together)
	return strings.Join(together, "+")
}

// readName reads a distinguished name: its levels, each with its attributes. RFC 4514 §3.
func readName(text string) (all []string, ok bool) {
	var together []string
	for {
		kind, rest, found := strings.Cut(text, "=")
		oid, known := nameTypes[strings.ToUpper(strings.TrimSpace(kind))]
		if !known {
			oid = strings.TrimSpace(kind)
			known = oid != "" && strings.Trim(oid, "0123456789.") == ""
		}
		value, end, after, readable := readNameValue(rest)
		if !found || !known || !readable {
			return nil, false
		}
		if together = append(together, attribute(oid, value)); end != '+' {
			all, together = append(all, join(together)), nil
		}
		if end == 0 {
			return all, true
		}
		text = after
	}
}

// readNameValue reads a value up to the comma or plus sign behind it, end, which is 0
// behind the last one. Blanks around it are left out, those behind a backslash are not.
func readNameValue(text string) (value string, end byte, after string, ok bool) {
	var out []byte
	keep := 0 // what is left without blanks at the end
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ',' || c == '+':
			value, ok = encodedValue(text[:i], string(out[:keep]))
			return value, c, text[i+1:], ok
		case c == '\\' && i+2 < len(text) && isHex(text[i+1:i+3]):
			b, _ := hex.DecodeString(text[i+1 : i+3])
			out = append(out, b...)
			keep, i = len(out), i+2
		case c == '\\' && i+1 < len(text):
			out = append(out, text[i+1])
			keep, i = len(out), i+1
		case c == '\\':
			return "", 0, "", false
		case c != ' ':
			out = append(out, c)
			keep = len(out)
		case len(out) > 0:
			out = append(out, c)
		}
	}
	value, ok = encodedValue(text, string(out[:keep]))
	return value, 0, "", ok
}

func isHex(two string) bool { _, err := hex.DecodeString(two); return err == nil }

// encodedValue reads a value that is written as # and its encoding (RFC 4514 §2.4).
func encodedValue(raw, read string) (string, bool) {
	digits, encoded := strings.CutPrefix(strings.TrimSpace(raw), "#")
	if !encoded {
		return read, true
	}
	der, err := hex.DecodeString(digits)
	if err != nil {
		return "", false
	}
	var value any
	rest, err := asn1.Unmarshal(der, &value)
	text, ok := value.(string)
	return text, err == nil && len(rest) == 0 && ok
}
