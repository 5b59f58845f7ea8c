package clients

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

// raw is a name with one attribute a level, in the order of the certificate.
func raw(t *testing.T, levels ...pkix.RelativeDistinguishedNameSET) *x509.Certificate {
	t.Helper()
	der, err := asn1.Marshal(pkix.RDNSequence(levels))
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{RawSubject: der}
}

func level(pairs ...any) (all pkix.RelativeDistinguishedNameSET) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pkix.AttributeTypeAndValue{Type: pairs[i].(asn1.ObjectIdentifier), Value: pairs[i+1]})
	}
	return all
}

var (
	cn    = asn1.ObjectIdentifier{2, 5, 4, 3}
	o     = asn1.ObjectIdentifier{2, 5, 4, 10}
	ou    = asn1.ObjectIdentifier{2, 5, 4, 11}
	dc    = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
	email = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	title = asn1.ObjectIdentifier{2, 5, 4, 12}
)

func TestASubjectIsComparedInTheOrderOfItsCertificate(t *testing.T) { // RFC 8705 §2.1.2, RFC 4514 §2.1
	// what `openssl req -subj /CN=one/O=A` makes; openssl -nameopt RFC2253 prints O=A,CN=one
	c := raw(t, level(cn, "one"), level(o, "A"))
	for name, want := range map[string]bool{
		"O=A,CN=one": true, "o = A , cn= one": true, "2.5.4.10=A,CN=one": true, "O=#130141,CN=one": true, `O=\41,CN=on\65`: true,
		"CN=one,O=A": false, "O=A": false, "O=A+CN=one": false, "O=a,CN=one": false, "O=A,CN=one,": false, "": false,
		`O=A,CN=one\`: false, "O=#xx,CN=one": false, "O=#0101ff,CN=one": false, "X=A,CN=one": false, "CN": false,
	} {
		if HasSubject(c, name) != want {
			t.Errorf("%q: %t, want %t", name, !want, want)
		}
	}
}

func TestSubjectsWithOddParts(t *testing.T) { // RFC 4514 §2.2, §2.4, §4
	for name, c := range map[string]*x509.Certificate{
		"UID=x,DC=example,DC=net":                  raw(t, level(dc, "net"), level(dc, "example"), level(asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, "x")),
		"OU=Sales+CN=J.  Smith,DC=net":             raw(t, level(dc, "net"), level(cn, "J.  Smith", ou, "Sales")),
		`CN=James \"Jim\" Smith\, III,O=A\+B`:      raw(t, level(o, "A+B"), level(cn, `James "Jim" Smith, III`)),
		`CN=Lu\C4\8Di\C4\87`:                       raw(t, level(cn, "Lučić")),
		`CN=\ blanks \ `:                           raw(t, level(cn, " blanks  ")),
		"emailAddress=ops@bank.test,2.5.4.12=Boss": raw(t, level(title, "Boss"), level(email, "ops@bank.test")),
	} {
		if !HasSubject(c, name) {
			t.Errorf("%q is not %q", name, subjectOf(c.RawSubject))
		}
	}
	for _, c := range []*x509.Certificate{{}, {RawSubject: []byte("x")}, raw(t, level(cn, 7))} {
		if HasSubject(c, "") || HasSubject(c, "CN=7") {
			t.Errorf("a subject that cannot be read is accepted: %v", c.RawSubject)
		}
	}
}

func FuzzDistinguishedName(f *testing.F) {
	for _, seed := range []string{`CN=a,O=b`, `cn = a , o=b`, `CN=a\,b`, `\`, `,`, `CN=a\`, `CN=a+OU=b`, `CN=#130141`, `2.5.4.3=\2C`} {
		f.Add(seed)
	}
	two, one := &x509.Certificate{}, &x509.Certificate{}
	two.RawSubject, _ = asn1.Marshal(pkix.RDNSequence{level(o, "b"), level(cn, "a")})
	one.RawSubject, _ = asn1.Marshal(pkix.RDNSequence{level(cn, "a,O=b")})
	f.Fuzz(func(t *testing.T, name string) {
		if HasSubject(one, name) && HasSubject(two, name) {
			t.Errorf("%q has two readings", name)
		}
		if all, ok := readName(name); ok && len(all) == 0 {
			t.Errorf("%q is the name of nobody", name)
		}
	})
}
