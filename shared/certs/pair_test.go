package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tegata/shared/certs"
	"tegata/shared/certs/certstest"
	"tegata/shared/clock"
)

var now = time.Date(2026, 4, 6, 1, 30, 0, 0, time.UTC)

// pair gives a loaded pair, and its log.
func pair(t *testing.T, a *certstest.Authority, folder string) (*certs.Pair, *record) {
	t.Helper()
	log := &record{}
	p := &certs.Pair{Hosts: []string{"localhost"}, Clock: clock.Hold(now).Now, Log: slog.New(slog.NewTextHandler(log, nil))}
	p.CertificateFile, p.KeyFile = a.Write(t, folder, certstest.Leaf{Name: "first"})
	if err := p.Reload(); err != nil {
		t.Fatal(err)
	}
	return p, log
}

// record is a log that can be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) count(s string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), s)
}

func name(t *testing.T, p certs.Source) string {
	t.Helper()
	c, err := p.Certificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.Subject.CommonName
}

func TestABrokenRenewalKeepsTheOldCertificate(t *testing.T) { // F-39
	a, folder := certstest.New(t), t.TempDir()
	p, log := pair(t, a, folder)
	overwrite := func(file, text string) {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, want string
		spoil      func()
	}{
		{"half written", "tls.pem: holds no certificate", func() { overwrite("tls.pem", "-----BEGIN CERT") }},
		{"empty", "tls.pem: holds no certificate", func() { overwrite("tls.pem", "") }},
		{"gone", "tls.pem: no such file", func() { os.Remove(filepath.Join(folder, "tls.pem")) }},
		{"not DER", "tls.pem: holds a certificate that cannot be read", func() {
			overwrite("tls.pem", "-----BEGIN CERTIFICATE-----\nAAECAw==\n-----END CERTIFICATE-----\n")
		}},
		{"no key", "tls.key: holds no private key", func() { overwrite("tls.key", "nothing") }},
		{"another key", "tls.key: is not the key of the certificate", func() {
			_, other := a.Write(t, t.TempDir(), certstest.Leaf{})
			text, _ := os.ReadFile(other)
			overwrite("tls.key", string(text))
		}},
		{"open key", "mode is 0644", func() { os.Chmod(filepath.Join(folder, "tls.key"), 0o644) }},
		{"expired", "tls.pem: expired on 2026-04-06 01:29:59", func() { a.Write(t, folder, certstest.Leaf{To: now.Add(-time.Second)}) }},
		{"of tomorrow", "tls.pem: begins only on 2026-04-07", func() { a.Write(t, folder, certstest.Leaf{From: now.Add(24 * time.Hour)}) }},
		{"another host", "tls.pem: is not for localhost", func() { a.Write(t, folder, certstest.Leaf{Hosts: []string{"id.example.com"}}) }},
		{"weak", "tls.pem: its RSA key has 1024 bits", func() { a.Write(t, folder, certstest.Leaf{RSA: 1024}) }},
	} {
		a.Write(t, folder, certstest.Leaf{Name: c.name})
		if err := p.Reload(); err != nil || name(t, p) != c.name || p.Failing() {
			t.Fatalf("%s, before: %v, want a good certificate", c.name, err)
		}
		c.spoil()
		before := log.count("cannot be used")
		for range 3 {
			err := p.Reload()
			var m *certs.Mistake
			if !errors.As(err, &m) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			}
		}
		if name(t, p) != c.name || !p.Failing() {
			t.Errorf("%s: uses %s and failing is %v, want the old one and true", c.name, name(t, p), p.Failing())
		}
		if n := log.count("cannot be used") - before; n != 1 {
			t.Errorf("%s: logged %d times, want once", c.name, n)
		}
		os.Chmod(filepath.Join(folder, "tls.key"), 0o600)
	}
}

func TestExpiresFollowsTheCertificateInUse(t *testing.T) {
	a, folder := certstest.New(t), t.TempDir()
	p, _ := pair(t, a, folder)
	if !(&certs.Pair{}).Expires().IsZero() {
		t.Error("a pair that was never read expires")
	}
	ends := now.Add(90 * 24 * time.Hour)
	a.Write(t, folder, certstest.Leaf{To: ends})
	if err := p.Reload(); err != nil || !p.Expires().Equal(ends) {
		t.Errorf("expires %s %v, want %s", p.Expires(), err, ends)
	}
}

func TestAHangUpReadsTheFilesAtOnce(t *testing.T) {
	a, folder := certstest.New(t), t.TempDir()
	p, _ := pair(t, a, folder)
	p.Every = time.Hour
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { p.Watch(ctx) })
	defer watching.Wait()
	defer stop()
	guard := make(chan os.Signal, 1) // a hang-up before Watch takes them would end the test
	signal.Notify(guard, syscall.SIGHUP)
	defer signal.Stop(guard)
	a.Write(t, folder, certstest.Leaf{Name: "second"})
	for end := time.Now().Add(10 * time.Second); name(t, p) != "second"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the new certificate was not taken")
		}
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
	}
}
