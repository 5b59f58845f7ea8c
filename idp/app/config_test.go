package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/config"
)

func TestTheShippedFilesRunAsTheyStand(t *testing.T) {
	t.Chdir("../..")
	c, err := app.Load("configs/idp.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Development || c.Issuer() != "http://localhost:9000" || c.Listen != "127.0.0.1:9000" || c.Mail.Transport != "postbox" {
		t.Errorf("%+v is not the development run of the house", c)
	}
	all, err := clients.ReadFile(c.ClientsFile, c.Development)
	if err != nil || len(all) != 1 || all[0].ID != "tegata-tracker" || !all[0].RequirePKCE || !all[0].FirstParty {
		t.Errorf("clients %+v %v, want the tracker", all, err)
	}
}

func TestDefaultsAreWhatTheFileSaysTheyAre(t *testing.T) {
	d := app.Defaults()
	if d.Development || d.Listen != "127.0.0.1:9000" || d.Metrics.Listen != "" || d.Log.Level != "info" || d.Log.Format != "json" ||
		d.Mail.SMTP.Port != 587 || d.Mail.SMTP.TLS != "starttls" || d.Hashing.MemoryMiB != 19 || d.Hashing.Parallel != 0 ||
		d.Session.Idle != config.Duration(12*time.Hour) || d.Session.Absolute != config.Duration(7*24*time.Hour) {
		t.Errorf("defaults %+v differ from the comments in configs/idp.yaml", d)
	}
}

// production is a file that is right outside of development; every mutation changes
// one line of it.
const production = `public_url: https://id.example.com
listen: 0.0.0.0:9000
metrics:
  listen: 10.0.0.5:9001
database:
  url: postgres://tegata@db/tegata
key_encryption_key_file: DIR/kek
key_encryption_key_next: ""
clients_file: DIR/clients.yaml
brand:
  folder: DIR
mail:
  transport: smtp
  from: Tegata <no-reply@example.com>
  smtp:
    host: relay.example.com
    port: 465
    username: tegata
    password_file: DIR/password
    tls: implicit
hashing:
  memory_mib: 64
session:
  idle: 1h
  absolute: 8h
terms:
  version: "2026-01"
  url: /terms
  privacy_url: https://example.com/privacy
log:
  level: warn
tracing:
  endpoint: https://otel.example.com:4318
proxies:
  trusted: [10.0.0.0/8]
`

// folder holds the files that production names.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kek":          "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
		"short":        "AAEC\n",
		"password":     "hush\n",
		"empty":        "",
		"clients.yaml": "clients: []\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"brand.yaml", "seal.svg"} {
		text, err := os.ReadFile("../../shared/page/brand/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "open"), []byte("hush"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func loadText(t *testing.T, dir, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "idp.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := app.Load(path, nil)
	return err
}

// who writes clients.yaml adds clients, and who reads the database has them all.
func TestFilesThatOthersMayUseAreMistakes(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		name, want string
		mode       os.FileMode
	}{
		{"clients.yaml", "clients_file: DIR/clients.yaml: mode is 0666, others can change it; run: chmod o-w DIR/clients.yaml", 0o666},
		{"idp.db", "database.url: DIR/idp.db: mode is 0644, others can read or change it; run: chmod o-rwx DIR/idp.db", 0o644},
	} {
		file := filepath.Join(dir, c.name)
		f, err := os.OpenFile(file, os.O_RDONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		for _, mode := range []os.FileMode{c.mode, 0o600} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			err := loadText(t, dir, strings.Replace(production, "postgres://tegata@db/tegata", "sqlite:DIR/idp.db", 1))
			want := strings.ReplaceAll(c.want, "DIR", dir)
			if told := err != nil && strings.Contains(err.Error(), want); told != (mode == c.mode) {
				t.Errorf("%s of mode %04o: %v, want %s", c.name, mode, err, want)
			}
		}
	}
}

func TestEachMistakeIsNamedWithItsKey(t *testing.T) { // F-30
	dir := folder(t)
	if err := loadText(t, dir, production); err != nil {
		t.Fatalf("the file without mistakes: %v", err)
	}
	for _, c := range []struct{ from, to, want string }{
		// unknown, doubled, wrong type, empty
		{"listen: 0.0.0.0", "lisen: 0.0.0.0", "2:1 lisen: there is no such key, did you mean listen?"},
		{"    host: relay", "    hots: relay", "16:5 mail.smtp.hots: there is no such key, did you mean host?"},
		{"log:\n", "logs:\n", "logs: there is no such key"},
		{"  level: warn", "  level: warn\n  level: info", "32:3 log.level: the key stands here a second time"},
		{"port: 465", "port: \"465\"", "mail.smtp.port: want a whole number"},
		{"port: 465", "port: 465.5", "mail.smtp.port: want a whole number"},
		{"trusted: [10.0.0.0/8]", "trusted: 10.0.0.0/8", "proxies.trusted: want a list"},
		{"brand:\n  folder: DIR", "brand: DIR", "brand: want a section"},
		{"version: \"2026-01\"", "version: 2026", "terms.version: want text"},
		{"level: warn", "level:", "log.level: the key has no value"},
		{"public_url: https", "development: 1\npublic_url: https", "development: want true or false"},
		// addresses
		{"https://id.example.com", "http://id.example.com", "public_url: \"http://id.example.com\" must begin with https://"},
		{"https://id.example.com", "https://id.example.com/", "public_url"},
		{"https://id.example.com", "https://id.example.com/idp", "public_url"},
		{"https://id.example.com", "https://id.example.com?x=1", "public_url"},
		{"https://id.example.com", "https://a:b@id.example.com", "public_url"},
		{"https://id.example.com", "id.example.com", "public_url: \"id.example.com\" is no absolute URL"},
		{"https://id.example.com", "\"https://id example\"", "public_url"},
		{"public_url: https://id.example.com\n", "", "public_url: is missing"},
		{"0.0.0.0:9000", "\"9000\"", "listen: \"9000\" is no address to listen on"},
		{"0.0.0.0:9000", "0.0.0.0:90000", "listen"},
		{"10.0.0.5:9001", "0.0.0.0:9000", "metrics.listen: is the public address"},
		{"https://otel.example.com:4318", "otel:4318", "tracing.endpoint"},
		{"[10.0.0.0/8]", "[10.0.0.0/8, proxy]", "proxies.trusted[1]: \"proxy\" is neither an address nor a network"},
		{"[10.0.0.0/8]", "[0.0.0.0/0]", "proxies.trusted[0]"},
		// secrets and files
		{"database:\n  url: postgres://tegata@db/tegata\n", "", "database.url: is missing"},
		{"postgres://tegata@db/tegata", "mysql://db", "database.url: want sqlite:PATH or postgres"},
		{"postgres://tegata@db/tegata", "\"sqlite:\"", "database.url: want sqlite:PATH"},
		{"postgres://tegata@db/tegata", "postgres://tegata:hush@db/tegata", "database.url: a password must not stand here"},
		{"key_encryption_key_file: DIR/kek\n", "", "key_encryption_key: is missing"},
		{"DIR/kek", "DIR/nothing", "key_encryption_key_file: there is no file"},
		{"DIR/kek", "DIR/short", "key_encryption_key_file: DIR/short: want 32 bytes"},
		{"DIR/kek", "DIR/open", "key_encryption_key_file: DIR/open: mode is 0644"},
		{"key_encryption_key_file: DIR/kek", "key_encryption_key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "key_encryption_key: a secret must not stand here"},
		{"password_file: DIR/password", "password_file: DIR/nothing", "mail.smtp.password_file: "},
		{"password_file: DIR/password", "password_file: DIR/empty", "mail.smtp.password_file: DIR/empty is empty"},
		{"password_file: DIR/password", "password: hush", "mail.smtp.password: a secret must not stand here"},
		{"    password_file: DIR/password\n", "", "mail.smtp.password: is missing"},
		{"DIR/clients.yaml", "DIR/nothing.yaml", "clients_file: there is no file"},
		{"folder: DIR", "folder: /tmp", "brand.folder: brand: open brand.yaml"},
		{"clients.yaml", "kek", "DIR/kek clients: "},
		{"folder: DIR", "folder: DIR/kek", "brand.folder: DIR/kek is a file, want a folder"},
		// values
		{"transport: smtp", "transport: pigeon", "mail.transport: \"pigeon\" is not one of postbox, smtp"},
		{"transport: smtp\n", "transport: pigeon\n", "1 mistake\n"},
		{"smtp\n  from: Tegata <no-reply@example.com>\n  smtp:\n    host: relay.example.com\n    port: 465", "pigeon\n  from: nobody\n  smtp:\n    port: 99999", "3 mistakes\n"},
		{"https://id.example.com", "http://id.example.com/path/", "2 mistakes\n"},
		{"https://id.example.com", "http://you@id.example.com/path/", "3 mistakes\n"},
		{"transport: smtp", "transport: postbox", "mail.transport: postbox keeps mail to itself"},
		{"  transport: smtp\n", "", "mail.transport: is missing"},
		{"Tegata <no-reply@example.com>", "nobody", "mail.from: \"nobody\" is no mail address"},
		{"    host: relay.example.com\n", "", "mail.smtp.host: is missing"},
		{"port: 465", "port: 70000", "mail.smtp.port: is 70000, want 1 to 65535"},
		{"tls: implicit", "tls: plain", "mail.smtp.tls: plain would send the password in the clear"},
		{"    username: tegata\n", "", "mail.smtp.username: is missing, but there is a password"},
		{"memory_mib: 64", "memory_mib: 1", "hashing.memory_mib: is 1, want 8 to 4096"},
		{"memory_mib: 64", "parallel: -1", "hashing.parallel: is -1"},
		{"idle: 1h", "idle: 1y", "session.idle: want a duration"},
		{"idle: 1h", "idle: 9h", "session.idle: is longer than session.absolute (8h)"},
		{"absolute: 8h", "absolute: 400d", "session.absolute: is 400d, want 1m to 365d"},
		{"version: \"2026-01\"", "version: \"\"", "terms.version: is missing"},
		{"url: /terms", "url: //evil.example", "terms.url"},
		{"https://example.com/privacy", "javascript:alert(1)", "terms.privacy_url"},
		{"level: warn", "level: loud", "log.level: \"loud\" is not one of debug, info, warn, error"},
		{"level: warn", "format: xml", "log.format: \"xml\""},
		{"log:\n", "people_file: DIR/clients.yaml\nlog:\n", "people_file: made-up people"},
		// development
		{"public_url: https://id.example.com", "development: true\npublic_url: http://localhost:9000", "listen: \"0.0.0.0:9000\" can be reached from other machines"},
		{"public_url: https://id.example.com\nlisten: 0.0.0.0", "development: true\npublic_url: http://id.example.com\nlisten: 127.0.0.1", "public_url: \"http://id.example.com\" is plain http to another machine"},
		{"public_url: https://id.example.com\nlisten: 0.0.0.0", "development: true\npublic_url: https://id.example.com\nlisten: 127.0.0.1", "metrics.listen: \"10.0.0.5:9001\" can be reached"},
	} {
		if !strings.Contains(production, c.from) {
			t.Fatalf("%q is not in the file", c.from)
		}
		err := loadText(t, dir, strings.Replace(production, c.from, c.to, 1))
		want := strings.ReplaceAll(c.want, "DIR", dir)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q instead of %q:\n got %v\nwant %s", c.to, c.from, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: the error shows a secret: %v", c.to, err)
		}
	}
}
