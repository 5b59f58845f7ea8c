package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/shared/certs/certstest"
	"tegata/shared/config"
)

// server is a program with both halves of the section tls.
type server struct {
	config.Program `yaml:",inline"`
	TLS            struct {
		config.TLS `yaml:",inline"`
		Mutual     config.ClientCertificates `yaml:",inline"`
	} `yaml:"tls"`
}

func (s server) Validate() []config.Problem {
	var p config.Problems
	s.Program.Check(&p)
	s.TLS.TLS.Check(&p, s.Program, s.TLS.Mutual.PublicURL)
	s.TLS.Mutual.Check(&p, s.Program, s.TLS.TLS)
	return p
}

// files is a folder with certificates, good and bad.
func files(t *testing.T) string {
	dir := t.TempDir()
	a := certstest.New(t)
	a.File(t, dir)
	a.List(t, dir, time.Now().Add(-time.Minute), nil) // one that is too old keeps nobody from starting
	lone := filepath.Join(dir, "lone")                // two authorities more, whose lists nobody has fetched
	os.Mkdir(lone, 0o700)
	text, _ := os.ReadFile(filepath.Join(dir, "authority.pem"))
	for _, name := range []string{"sales", "abroad"} {
		one, _ := os.ReadFile(a.Below(t, name).File(t, lone))
		text = append(text, one...)
	}
	os.WriteFile(filepath.Join(dir, "three.pem"), text, 0o600)
	certstest.New(t).List(t, lone, time.Now().Add(time.Hour), nil) // of the same name as a, with another key
	both := []string{"id.example.com", "mtls.example.com"}
	for name, leaf := range map[string]certstest.Leaf{
		"good": {Hosts: both}, "other": {Hosts: both}, "one": {Hosts: both[:1]}, "weak": {Hosts: both, RSA: 1024},
		"expired": {Hosts: both, To: time.Now().Add(-time.Minute)}, "tomorrow": {Hosts: both, From: time.Now().Add(24 * time.Hour)},
	} {
		cert, key := a.Write(t, dir, leaf)
		os.Rename(cert, filepath.Join(dir, name+".pem"))
		os.Rename(key, filepath.Join(dir, name+".key"))
	}
	text, _ = os.ReadFile(filepath.Join(dir, "good.key"))
	for name, mode := range map[string]os.FileMode{"open.key": 0o644, "group.key": 0o640} {
		if err := os.WriteFile(filepath.Join(dir, name), text, mode); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(dir, "kek"), []byte("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600)
	return dir
}

const pairText = `public_url: https://id.example.com
listen: 0.0.0.0:9000
database:
  url: sqlite:idp.db
key_encryption_key_file: DIR/kek
log: {level: info, format: json}
tls:
  certificate_file: DIR/good.pem
  key_file: DIR/good.key
  min_version: "1.2"
  client_certificates: request
  mtls_listen: 0.0.0.0:9002
  mtls_public_url: https://mtls.example.com
  client_ca_file: DIR/authority.pem
  client_crl_file: DIR/revoked.pem
proxies:
  trusted: []
`

const acmeText = `public_url: https://id.example.com
listen: 0.0.0.0:9000
database:
  url: sqlite:idp.db
key_encryption_key_file: DIR/kek
log: {level: info, format: json}
tls:
  acme:
    directory_url: https://acme.example.com/directory
    email: admin@example.com
    accept_terms: true
  client_certificates: off
proxies:
  trusted: []
`

const proxyText = `public_url: https://id.example.com
listen: 10.0.0.5:9000
database:
  url: sqlite:idp.db
key_encryption_key_file: DIR/kek
log: {level: info, format: json}
tls:
  min_version: "1.2"
  client_certificates: request
  mtls_public_url: https://mtls.example.com
proxies:
  trusted: [10.0.0.0/8]
`

func TestEachMistakeOfTheSectionTLSIsNamedWithItsKey(t *testing.T) { // F-30
	dir := files(t)
	loadServer := func(text string) error {
		var s server
		s.TLS.TLS, s.TLS.Mutual.Mode = config.DefaultTLS(), "off"
		_, err := config.Load(write(t, "idp.yaml", strings.ReplaceAll(text, "DIR", dir)), nil, "", s)
		return err
	}
	development := "development: true\npublic_url: https://localhost:9000\nlisten: 127.0.0.1:9000"
	for _, set := range []struct {
		text  string
		cases [][3]string // from, to, what is told; "" for nothing
	}{
		{pairText, [][3]string{
			{"", "", ""},
			{"mtls_listen: 0.0.0.0:9002\n", "mtls_listen: 127.0.0.1:9002\n", ""},
			{"  key_file: DIR/good.key\n", "", "tls.key_file: is missing"},
			{"  certificate_file: DIR/good.pem\n", "", "tls.certificate_file: is missing"},
			{"DIR/good.pem", "DIR/nothing.pem", "8:21 tls.certificate_file: there is no file DIR/nothing.pem"},
			{"DIR/good.key", "DIR/nothing.key", "9:13 tls.key_file: there is no file DIR/nothing.key"},
			{"DIR/good.pem", "DIR", "tls.certificate_file: DIR is a folder, want a file"},
			{"DIR/good.pem", "DIR/empty", "tls.certificate_file: DIR/empty: holds no certificate in PEM"},
			{"DIR/good.pem", "DIR/good.key", "tls.certificate_file: DIR/good.key: holds no certificate in PEM"},
			{"DIR/good.key", "DIR/good.pem", "tls.key_file: DIR/good.pem: holds no private key"},
			{"DIR/good.key", "DIR/other.key", "9:13 tls.key_file: DIR/other.key: is not the key of the certificate"},
			{"DIR/good.key", "DIR/open.key", "tls.key_file: DIR/open.key: mode is 0644, others"},
			{"DIR/good.key", "DIR/group.key", "mode is 0640"},
			{"/good.", "/expired.", "tls.certificate_file: DIR/expired.pem: expired on "},
			{"/good.", "/tomorrow.", "tls.certificate_file: DIR/tomorrow.pem: begins only on "},
			{"/good.", "/weak.", "tls.certificate_file: DIR/weak.pem: its RSA key has 1024 bits"},
			{"/good.", "/one.", "tls.certificate_file: DIR/one.pem: is not for mtls.example.com"},
			{"https://id.", "https://www.", "tls.certificate_file: DIR/good.pem: is not for www.example.com"},
			{"https://id.", "http://id.", "tls.certificate_file: there is TLS, but public_url begins with http://"},
			{`"1.2"`, `"1.1"`, `tls.min_version: "1.1" is not one of 1.2, 1.3`},
			{`"1.2"`, "1.2", "tls.min_version: want text"},
			{"client_certificates: request", "client_certificates: require", `tls.client_certificates: "require" is not one of off, request`},
			{"client_certificates: request", "client_certificates: off", "tls.mtls_listen: has no effect with client_certificates: off"},
			{"client_certificates: request", "client_certificates: off", "tls.mtls_public_url: has no effect"},
			{"client_certificates: request", "client_certificates: off", "tls.client_ca_file: has no effect"},
			{"  mtls_listen: 0.0.0.0:9002\n", "", "tls.mtls_listen: is missing"},
			{"0.0.0.0:9002", "0.0.0.0:9000", "tls.mtls_listen: is the address of another listener"},
			{"0.0.0.0:9002", "9002", "tls.mtls_listen: want text"},
			{"0.0.0.0:9002", "mtls.example.com", `tls.mtls_listen: "mtls.example.com" is no address`},
			{"  mtls_public_url: https://mtls.example.com\n", "", "tls.mtls_public_url: is missing"},
			{"https://mtls", "http://mtls", "tls.mtls_public_url: \"http://mtls.example.com\" must begin with https://"},
			{"https://mtls", "https://id", "tls.mtls_public_url: is public_url"},
			{"https://mtls.example.com", "https://mtls.example.com/", "tls.mtls_public_url"},
			{"DIR/authority.pem", "DIR/nothing", "tls.client_ca_file: there is no file"},
			{"client_certificates: request", "client_certificates: off", "tls.client_crl_file: has no effect"},
			{"  client_ca_file: DIR/authority.pem\n", "", "tls.client_crl_file: has no effect without client_ca_file"},
			{"DIR/revoked.pem", "DIR/nothing", "tls.client_crl_file: there is no file"},
			{"DIR/revoked.pem", "DIR/authority.pem", "tls.client_crl_file: DIR/authority.pem: holds no revocation list"},
			{"DIR/revoked.pem", "DIR/empty", "tls.client_crl_file: DIR/empty: holds a revocation list that cannot be read"},
			{"DIR/authority.pem", "DIR/three.pem", "tls.client_crl_file: DIR/revoked.pem: no list of revoked certificates counts for the authority CN=sales (serial"},
			{"DIR/authority.pem", "DIR/three.pem", "tls.client_crl_file: DIR/revoked.pem: no list of revoked certificates counts for the authority CN=abroad (serial"},
			{"DIR/revoked.pem", "DIR/lone/revoked.pem", "those in its name were not signed with its key; add its list, or take it out of DIR/authority.pem"},
			{"DIR/authority.pem", "DIR/empty", "tls.client_ca_file: DIR/empty: holds no certificate"},
			{"  key_file", "  keyfile", "tls.keyfile: there is no such key, did you mean key_file?"},
			{"[]", "[10.0.0.7]\n", ""}, // a proxy that speaks TLS to us
			{"public_url: https://id.example.com\nlisten: 0.0.0.0:9000", development, "tls.certificate_file: DIR/good.pem: is not for localhost"},
			{"public_url: https://id.example.com\nlisten: 0.0.0.0:9000", development, `tls.mtls_listen: "0.0.0.0:9002" can be reached from other machines`},
		}},
		{acmeText, [][3]string{
			{"", "", ""},
			{"    accept_terms: true\n", "", "tls.acme.email: has no effect: read the terms of service of https://acme.example.com/directory"},
			{"    accept_terms: true\n", "", "tls.acme.directory_url: has no effect"},
			{"    email", "    folder: DIR/acme\n    email", "tls.acme.folder: there is no such key"},
			{"admin@example.com", "admin", "tls.acme.email"},
			{"https://acme.", "http://acme.", "tls.acme.directory_url"},
			{"https://id.example.com", "http://id.example.com", "tls.acme.accept_terms: there is TLS, but public_url begins with http://"},
			{"https://id.example.com", "https://192.0.2.1", "tls.acme.accept_terms: no authority gives a certificate to 192.0.2.1"},
			{"https://id.example.com", "https://id", "tls.acme.accept_terms: no authority gives a certificate to id"},
			{"public_url: https://id.example.com\nlisten: 0.0.0.0:9000", development, "tls.acme.accept_terms: no authority gives a certificate to a developer's machine"},
			{"  acme:\n", "  certificate_file: DIR/good.pem\n  key_file: DIR/good.key\n  acme:\n", "tls.acme.accept_terms: stands beside tls.certificate_file"},
			{"[]", "[10.0.0.7]", "tls.acme.accept_terms: an authority looks at the address itself"},
		}},
		{proxyText, [][3]string{
			{"", "", ""},
			{`"1.2"`, `"1.3"`, "tls.min_version: has no effect: a proxy ends TLS"},
			{"[10.0.0.0/8]", "[]", "tls.client_certificates: nobody can ask"},
			{"  mtls_public_url", "  mtls_listen: 0.0.0.0:9002\n  mtls_public_url", "tls.mtls_listen: there is no certificate of ours"},
		}},
	} {
		for _, c := range set.cases {
			if !strings.Contains(set.text, c[0]) {
				t.Fatalf("%q is not in the file", c[0])
			}
			text := set.text
			if c[0] != "" {
				text = strings.ReplaceAll(text, c[0], c[1])
			}
			err := loadServer(text)
			want := strings.ReplaceAll(c[2], "DIR", dir)
			switch {
			case want == "" && err != nil:
				t.Errorf("%q instead of %q: %v, want no mistake", c[1], c[0], err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%q instead of %q:\n got %v\nwant %s", c[1], c[0], err, want)
			}
		}
	}
}
