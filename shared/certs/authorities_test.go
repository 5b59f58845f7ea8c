package certs_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tegata/shared/certs"
	"tegata/shared/certs/certstest"
)

// trusts tells whether a certificate of the authority is believed.
func trusts(t *testing.T, a *certs.Authorities, by *certstest.Authority) bool {
	t.Helper()
	leaf := by.Pair(t, certstest.Leaf{Name: "bank"})
	c, err := x509.ParseCertificate(leaf.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// The file of the authorities counts as it is now, without a restart; one that cannot be
// used changes nothing and is told once.
func TestTheAuthoritiesOfClientsAreReadAgain(t *testing.T) {
	folder := t.TempDir()
	first, second := certstest.New(t), certstest.New(t)
	file := first.File(t, folder)
	log := &record{}
	a := &certs.Authorities{File: file, Log: slog.New(slog.NewTextHandler(log, nil)), Every: time.Millisecond}
	if err := a.Reload(); err != nil || !trusts(t, a, first) || trusts(t, a, second) {
		t.Fatalf("the first file: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { a.Watch(ctx) })
	defer watching.Wait()
	defer stop()

	if err := os.WriteFile(file, []byte("nothing of use"), 0o600); err != nil {
		t.Fatal(err)
	}
	soon(t, func() bool { return log.count("the old ones stay") > 0 })
	if !trusts(t, a, first) {
		t.Error("a broken file ended the trust in the old authority")
	}
	text, err := os.ReadFile(second.File(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(folder, "next")
	if err := errors.Join(os.WriteFile(next, text, 0o600), os.Rename(next, file)); err != nil {
		t.Fatal(err)
	}
	soon(t, func() bool { return trusts(t, a, second) })
	if trusts(t, a, first) {
		t.Error("the authority that left the file is still believed")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	soon(t, func() bool { return log.count("no such file") > 0 })
	if !trusts(t, a, second) || log.count("the old ones stay") != 2 {
		t.Errorf("told %d times, want once for each mistake", log.count("the old ones stay"))
	}
}

func TestABrokenFileOfAuthoritiesShowsAtTheStart(t *testing.T) {
	a := &certs.Authorities{File: filepath.Join(t.TempDir(), "nothing"), Log: slog.New(slog.DiscardHandler)}
	if err := a.Reload(); !errors.Is(err, fs.ErrNotExist) || a.Pool() != nil {
		t.Errorf("got %v, want that there is no file", err)
	}
}

// soon waits until done.
func soon(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to pass within 10 seconds")
		}
	}
}
