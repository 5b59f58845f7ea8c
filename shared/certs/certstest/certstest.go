// Package certstest makes certificates for tests, quickly and without openssl.
//
//	New          an authority of this test alone; Below, Again others of its kind
//	Leaf         what to put into a certificate; the zero value is a good one for localhost
//	Write, Pair  the certificate as two files, or in memory
//	List         what an authority revokes
package certstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority issues certificates.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer
}

// Leaf is what to issue.
type Leaf struct {
	Name       string    // of the subject; "" is "test"
	Hosts      []string  // names and addresses; none is localhost and 127.0.0.1
	RSA        int       // bits; 0 makes a P-256 key
	From, To   time.Time // zero: 2020 to 2050, so that held clocks fit
	SelfSigned bool
}

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	key := newKey(t, 0)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: start, NotAfter: end, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{c, key}
}

var (
	start = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Pool trusts the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// File writes the authority's certificate into folder and gives its path.
func (a *Authority) File(t testing.TB, folder string) string {
	return write(t, filepath.Join(folder, "authority.pem"), "CERTIFICATE", a.Certificate.Raw)
}

// Pair issues a certificate.
func (a *Authority) Pair(t testing.TB, l Leaf) tls.Certificate {
	t.Helper()
	key := newKey(t, l.RSA)
	if l.SelfSigned {
		a = &Authority{l.template(t), key}
	}
	c := a.Issue(t, key.Public(), l)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

// Issue issues a certificate for a key that somebody else keeps.
func (a *Authority) Issue(t testing.TB, key crypto.PublicKey, l Leaf) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, l.template(t), a.Certificate, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Write issues a certificate as two files in folder, tls.pem and tls.key (0600), over
// those that are there.
func (a *Authority) Write(t testing.TB, folder string, l Leaf) (certificateFile, keyFile string) {
	t.Helper()
	pair := a.Pair(t, l)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(folder, "tls.pem"), "CERTIFICATE", pair.Certificate[0]),
		write(t, filepath.Join(folder, "tls.key"), "PRIVATE KEY", key)
}

// Client trusts the authority and shows the certificates, if any.
func (a *Authority) Client(shows ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), Certificates: shows}
}

// List writes the authority's list of revoked certificates into folder, over the one that
// is there, and gives its path. It counts for the week before until; extensions are added as they stand.
func (a *Authority) List(t testing.TB, folder string, until time.Time, revokes []*x509.Certificate, extensions ...pkix.Extension) string {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: until.Add(-7 * 24 * time.Hour), NextUpdate: until, ExtraExtensions: extensions}
	for _, c := range revokes {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: start})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, a.Certificate, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(folder, "revoked.pem"), "X509 CRL", der)
}

// Below makes an authority whose certificate this one issued.
func (a *Authority) Below(t testing.TB, name string) *Authority {
	t.Helper()
	key, c := newKey(t, 0), Leaf{Name: name}.template(t)
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, c, a.Certificate, key.Public(), a.key)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{c, key}
}

// Again makes the certificate of the authority anew, for another use of the same key.
func (a *Authority) Again(t testing.TB, usage x509.KeyUsage) *Authority {
	t.Helper()
	c := *a.Certificate
	c.KeyUsage = usage
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{again, a.key}
}

func (l Leaf) template(t testing.TB) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: l.Name}, NotBefore: l.From, NotAfter: l.To,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if l.Name == "" {
		c.Subject.CommonName = "test"
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = start
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = end
	}
	hosts := l.Hosts
	if hosts == nil {
		hosts = []string{"localhost", "127.0.0.1"}
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return c
}

func newKey(t testing.TB, bits int) (key crypto.Signer) {
	var err error
	if bits > 0 {
		key, err = rsa.GenerateKey(rand.Reader, bits)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// write puts the file there in one step: somebody may be watching it.
func write(t testing.TB, path, kind string, der []byte) string {
	t.Helper()
	err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
