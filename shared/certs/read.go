package certs

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tegata/shared/secret"
)

// leastRSA is the shortest RSA key that is good enough, in bits. FAPI 2.0 §5.4
const leastRSA = 2048

// Mistake is what is wrong with one of the files.
type Mistake struct {
	File string
	Key  bool // it is the file of the key
	Err  error
}

// Error names the file.
func (m *Mistake) Error() string { return m.File + ": " + m.Err.Error() }

// Unwrap gives what is wrong without the file's name.
func (m *Mistake) Unwrap() error { return m.Err }

// Read reads a certificate, its chain behind it, and its key, all in PEM. They must
// belong together, be in force at now and be for each of the hosts. The error is a
// *Mistake.
func Read(certificateFile, keyFile string, now time.Time, hosts ...string) (*tls.Certificate, error) {
	f, err := readFiles(certificateFile, keyFile)
	if err != nil {
		return nil, err
	}
	return f.certificate(now, hosts)
}

// files is what two files held at one moment.
type files struct {
	certificateFile, keyFile string
	chain, key               []byte
}

func readFiles(certificateFile, keyFile string) (files, error) {
	chain, err := os.ReadFile(certificateFile)
	if err != nil {
		return files{}, &Mistake{File: certificateFile, Err: short(err, certificateFile)}
	}
	key, err := secret.ReadFile(keyFile)
	if err != nil {
		return files{}, &Mistake{File: keyFile, Key: true, Err: short(err, keyFile)}
	}
	return files{certificateFile, keyFile, chain, []byte(key)}, nil
}

// certificate makes of the files what TLS needs.
func (f files) certificate(now time.Time, hosts []string) (*tls.Certificate, error) {
	leaf, err := firstCertificate(f.chain)
	if err != nil {
		return nil, &Mistake{File: f.certificateFile, Err: err}
	}
	if err := good(leaf, now, hosts); err != nil {
		return nil, &Mistake{File: f.certificateFile, Err: err}
	}
	c, err := tls.X509KeyPair(f.chain, f.key)
	switch {
	case err == nil:
		return &c, nil
	case strings.Contains(err.Error(), "does not match"):
		return nil, &Mistake{File: f.keyFile, Key: true, Err: errors.New("is not the key of the certificate")}
	default:
		return nil, &Mistake{File: f.keyFile, Key: true, Err: errors.New("holds no private key in PEM that can be read")}
	}
}

// short leaves the path out of an error, since Mistake names the file.
func short(err error, path string) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return errors.New(strings.TrimPrefix(err.Error(), path+": "))
}

// firstCertificate reads the certificate without its key.
func firstCertificate(chain []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			leaf, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, errors.New("holds a certificate that cannot be read")
			}
			return leaf, nil
		}
	}
	return nil, errors.New("holds no certificate in PEM")
}

// good finds reasons why callers would refuse the certificate.
func good(leaf *x509.Certificate, now time.Time, hosts []string) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("expired on %s", leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("begins only on %s", leaf.NotBefore.UTC().Format(time.DateTime))
	}
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < leastRSA {
		return fmt.Errorf("its RSA key has %d bits, want %d or more", key.N.BitLen(), leastRSA)
	}
	for _, host := range hosts {
		if leaf.VerifyHostname(host) != nil {
			return fmt.Errorf("is not for %s", host)
		}
	}
	return nil
}
