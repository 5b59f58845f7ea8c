package certs_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/shared/certs"
	"tegata/shared/certs/certstest"
	"tegata/shared/clock"
)

// today is when the lists below are looked at; they count until tomorrow.
var (
	today    = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	tomorrow = today.Add(24 * time.Hour)
)

// issued gives a chain of one certificate below the authorities, the last one first.
func issued(t *testing.T, from ...*certstest.Authority) []*x509.Certificate {
	t.Helper()
	chain := []*x509.Certificate{from[0].Pair(t, certstest.Leaf{Name: "bank"}).Leaf}
	for _, a := range from {
		chain = append(chain, a.Certificate)
	}
	return chain
}

// listed reads that file.
func listed(t *testing.T, file string, log slog.Handler) (*certs.Revoked, *clock.Held) {
	t.Helper()
	held := clock.Hold(today)
	r := &certs.Revoked{File: file, Clock: held.Now, Log: slog.New(log), Every: time.Millisecond}
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	return r, held
}

// joined puts files one after the other.
func joined(t *testing.T, files ...string) string {
	t.Helper()
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	path := filepath.Join(t.TempDir(), "all.pem")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each certificate of a chain is looked for on the list of who issued it, and nowhere else.
func TestACertificateIsRevokedByItsAuthority(t *testing.T) { // RFC 5280 §6.3
	root, stranger := certstest.New(t), certstest.New(t) // of the same name, with another key
	middle := root.Below(t, "middle")
	direct, below := issued(t, root), issued(t, middle, root)
	later := tomorrow.Add(time.Hour)
	list := func(a *certstest.Authority, until time.Time, of ...*x509.Certificate) string {
		return a.List(t, t.TempDir(), until, of)
	}
	for name, c := range map[string]struct {
		files []string
		chain []*x509.Certificate
		want  error
	}{
		"a good one":                    {[]string{list(root, tomorrow)}, direct, nil},
		"revoked":                       {[]string{list(root, tomorrow, direct[0])}, direct, certs.ErrRevoked},
		"another is":                    {[]string{list(root, tomorrow, below[0])}, direct, nil},
		"a good one below":              {[]string{list(root, tomorrow), list(middle, tomorrow)}, below, nil},
		"revoked below":                 {[]string{list(root, tomorrow), list(middle, tomorrow, below[0])}, below, certs.ErrRevoked},
		"by the authority above":        {[]string{list(root, tomorrow, below[0]), list(middle, tomorrow)}, below, nil},
		"the authority itself":          {[]string{list(root, tomorrow, middle.Certificate), list(middle, tomorrow)}, below, certs.ErrRevoked},
		"no list of the one below":      {[]string{list(root, tomorrow)}, below, certs.ErrNoList},
		"no list of the one above":      {[]string{list(middle, tomorrow)}, below, certs.ErrNoList},
		"too old":                       {[]string{list(root, today)}, direct, certs.ErrNoList},
		"an old one beside a newer one": {[]string{list(root, today), list(root, tomorrow)}, direct, nil},
		"revoked since":                 {[]string{list(root, later, direct[0]), list(root, tomorrow)}, direct, certs.ErrRevoked},
		"not revoked any more":          {[]string{list(root, tomorrow, direct[0]), list(root, later)}, direct, nil},
		"signed by somebody else":       {[]string{list(stranger, tomorrow)}, direct, certs.ErrNoList},
		"somebody else's beside":        {[]string{list(stranger, tomorrow), list(root, tomorrow, direct[0])}, direct, certs.ErrRevoked},
	} {
		r, _ := listed(t, joined(t, c.files...), slog.DiscardHandler)
		if got := r.Check(c.chain); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// A list that cannot be taken for the whole truth is not taken at all.
func TestListsThatAreRefused(t *testing.T) { // RFC 5280 §5.2
	a, folder := certstest.New(t), t.TempDir()
	good := joined(t, a.List(t, folder, tomorrow, nil))
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	delta := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := certs.ReadRevocations(write(string(block.Bytes))); err != nil {
		t.Errorf("in DER: %v", err)
	}
	for name, c := range map[string]struct{ file, want string }{
		"none":             {a.File(t, folder), "holds no revocation list"},
		"no file":          {filepath.Join(folder, "nothing"), "no such file"},
		"half of one":      {write(string(text[:len(text)/2])), "cannot be read"},
		"a second, broken": {write(string(text) + strings.Replace(string(text), "\n", "\n!", 1)), "cannot be read"},
		"nonsense":         {write("nonsense"), "cannot be read"},
		"a delta":          {a.List(t, folder, tomorrow, nil, delta), "critical extension 2.5.29.27"},
	} {
		if err := certs.ReadRevocations(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// The file counts as it is now, without a restart; one that cannot be used changes
// nothing, and a list that gets too old is told once.
func TestListsAreReadAgain(t *testing.T) {
	folder, a, log := t.TempDir(), certstest.New(t), &record{}
	chain := issued(t, a)
	file := a.List(t, folder, tomorrow, nil)
	r, held := listed(t, file, slog.NewTextHandler(log, nil))
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { r.Watch(ctx) })
	defer watching.Wait()
	defer stop()
	if err := os.WriteFile(file, []byte("nothing of use"), 0o600); err != nil {
		t.Fatal(err)
	}
	soon(t, func() bool { return log.count("the old ones stay") > 0 })
	if err := r.Check(chain); err != nil {
		t.Errorf("after a broken file: %v", err)
	}
	held.Move(24 * time.Hour)
	if err := r.Check(chain); !errors.Is(err, certs.ErrNoList) {
		t.Errorf("past its next update: %v", err)
	}
	soon(t, func() bool { return log.count("is too old") > 0 })
	r.Reload()
	a.List(t, folder, tomorrow.Add(24*time.Hour), nil)
	soon(t, func() bool { return r.Check(chain) == nil })
	a.List(t, folder, tomorrow.Add(24*time.Hour), chain[:1])
	soon(t, func() bool { return errors.Is(r.Check(chain), certs.ErrRevoked) })
	if log.count("is too old") != 1 || log.count("the old ones stay") != 1 {
		t.Error("the log tells more than once")
	}
}
