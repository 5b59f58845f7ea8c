package certs_test

import (
	"context"
	"crypto/x509"
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

// believedIn writes a file of authorities.
func believedIn(t *testing.T, all ...*certstest.Authority) string {
	t.Helper()
	var files []string
	for _, a := range all {
		files = append(files, a.File(t, t.TempDir()))
	}
	return joined(t, files...)
}

// An authority that locks all of its clients out is found before one of them comes, and
// each of them at once.
func TestAnAuthorityWithoutAListOfItsOwnIsFound(t *testing.T) { // RFC 5280 §6.3.3 (f), (g)
	root, stranger := certstest.New(t), certstest.New(t) // of the same name, with another key
	middle, other := root.Below(t, "middle"), root.Below(t, "other")
	mute := middle.Again(t, x509.KeyUsageCertSign) // the key and the name, without cRLSign
	seal := root.Again(t, x509.KeyUsageDigitalSignature)
	list := func(a *certstest.Authority, until time.Time) string { return a.List(t, t.TempDir(), until, nil) }
	client := root.Issue(t, middle.Certificate.PublicKey, certstest.Leaf{Name: "client"})
	pinned := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(pinned, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	none, key, right := "there is none in its name", "not signed with its key", "key usage cRLSign"
	for name, c := range map[string]struct {
		authorities string
		lists       []string
		at          time.Time
		want        []string
	}{
		"each has one":              {believedIn(t, root, middle), []string{list(root, tomorrow), list(middle, tomorrow)}, today, nil},
		"one has none":              {believedIn(t, root, middle), []string{list(root, tomorrow)}, today, []string{"CN=middle (serial number"}},
		"two have none":             {believedIn(t, root, middle, other), []string{list(root, tomorrow)}, today, []string{none, none}},
		"another key":               {believedIn(t, root), []string{list(stranger, tomorrow)}, today, []string{key}},
		"another key beside":        {believedIn(t, root), []string{list(stranger, tomorrow), list(root, tomorrow)}, today, nil},
		"one of two of a name":      {believedIn(t, root, stranger), []string{list(root, tomorrow)}, today, []string{key}},
		"no right to sign":          {believedIn(t, mute), []string{list(middle, tomorrow)}, today, []string{right}},
		"none, and no right":        {believedIn(t, other, mute), []string{list(root, tomorrow)}, today, []string{none, right}},
		"one that is too old":       {believedIn(t, root), []string{list(root, today)}, today, nil},
		"an authority that ended":   {believedIn(t, root, middle), []string{list(root, tomorrow)}, middle.Certificate.NotAfter.Add(time.Second), nil},
		"one that begins later":     {believedIn(t, root, middle), []string{list(root, tomorrow)}, middle.Certificate.NotBefore.Add(-time.Second), nil},
		"a client itself":           {joined(t, believedIn(t, root), pinned), []string{list(root, tomorrow)}, today, nil},
		"one that signs no clients": {believedIn(t, middle, seal), []string{list(middle, tomorrow)}, today, nil},
	} {
		got, err := certs.Unlisted(c.authorities, joined(t, c.lists...), c.at)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: got %v, %v, want %q", name, got, err, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i].Error(), want) {
				t.Errorf("%s: got %v, want %q", name, got[i], want)
			}
		}
	}
	good, bad := list(root, tomorrow), filepath.Join(t.TempDir(), "nothing")
	for _, files := range [][2]string{{bad, good}, {believedIn(t, root), bad}, {good, good}} {
		if _, err := certs.Unlisted(files[0], files[1], today); err == nil {
			t.Errorf("%q can be used", files)
		}
	}
}

// While the program runs the log names each authority that came to have no list, once;
// its clients are refused, and those of the others are not.
func TestTheLogTellsWhichAuthorityHasNoList(t *testing.T) {
	root, stranger, log := certstest.New(t), certstest.New(t), &record{}
	middle := root.Below(t, "middle")
	both := believedIn(t, root, middle)
	lists := func(all ...*certstest.Authority) []byte {
		var files []string
		for _, a := range all {
			files = append(files, a.List(t, t.TempDir(), tomorrow, nil))
		}
		text, err := os.ReadFile(joined(t, files...))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	folder := t.TempDir()
	put := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, err := os.ReadFile(both)
	if err != nil {
		t.Fatal(err)
	}
	to := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	r := &certs.Revoked{
		File: put("lists", lists(root, middle)), Authorities: &certs.Authorities{File: put("authorities", text), Log: to},
		Clock: clock.Hold(today).Now, Log: to, Every: time.Millisecond,
	}
	if err := r.Reload(); err != nil || log.count("level=ERROR") != 0 {
		t.Fatalf("both have a list: %v, %d lines", err, log.count("level=ERROR"))
	}
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { r.Watch(ctx) })
	defer watching.Wait()
	defer stop()

	put("lists", lists(root))
	soon(t, func() bool { return log.count("there is none in its name") == 1 })
	if err := r.Check(issued(t, middle)); !errors.Is(err, certs.ErrNoList) {
		t.Errorf("a client of the authority without a list: %v", err)
	}
	if err := r.Check(issued(t, root)); err != nil {
		t.Errorf("a client of the other: %v", err)
	}
	put("lists", lists(stranger))
	soon(t, func() bool { return log.count("not signed with its key") == 1 })
	put("lists", lists(root, middle))
	soon(t, func() bool { return r.Check(issued(t, middle)) == nil })
	r.Reload() // it is told that this is over
	more, err := os.ReadFile(believedIn(t, root, middle, stranger))
	if err != nil {
		t.Fatal(err)
	}
	put("authorities", more)
	soon(t, func() bool { return log.count("not signed with its key") == 2 })
	put("lists", lists(root, stranger))
	soon(t, func() bool { return log.count("there is none in its name") == 2 })
	r.Reload()
	if got := log.count("level=ERROR"); got != 4 || log.count("CN=middle (serial number") != 2 {
		t.Errorf("%d errors, want one for each change:\n%s", got, log.text.String())
	}
}

// An old list does no harm beside a newer one of the same key; of some that are all too
// old the newest is told.
func TestOnlyTheNewestListOfAnAuthorityIsToldToBeTooOld(t *testing.T) {
	root, stranger := certstest.New(t), certstest.New(t) // of the same name, with another key
	list := func(a *certstest.Authority, until time.Time) string { return a.List(t, t.TempDir(), until, nil) }
	older := today.Add(-time.Hour)
	for name, c := range map[string]struct {
		files []string
		want  int
		which time.Time
	}{
		"beside a newer one":              {[]string{list(root, today), list(root, tomorrow)}, 0, today},
		"behind a newer one":              {[]string{list(root, tomorrow), list(root, today)}, 0, today},
		"beside a newer one of other key": {[]string{list(root, today), list(stranger, tomorrow)}, 1, today},
		"two that are too old":            {[]string{list(root, today), list(root, older)}, 1, today},
	} {
		log := &record{}
		r, _ := listed(t, joined(t, c.files...), slog.NewTextHandler(log, nil))
		r.Reload()
		if got := log.count("is too old"); got != c.want || got > 0 && log.count("next_update="+c.which.Format("2006-01-02T15:04:05")) != 1 {
			t.Errorf("%s: told %d times, want %d", name, got, c.want)
		}
	}
}

// The signature is over the whole list: it is verified once for each certificate of an
// issuer, and never taken for that of another one.
func TestTheSignatureOfAListIsVerifiedOnce(t *testing.T) {
	root, stranger := certstest.New(t), certstest.New(t) // of the same name, with another key
	r, _ := listed(t, root.List(t, t.TempDir(), tomorrow, nil), slog.DiscardHandler)
	good, bad := issued(t, root), issued(t, stranger)
	for range 2 {
		if err := r.Check(good); err != nil {
			t.Fatalf("its own: %v", err)
		}
		if err := r.Check(bad); !errors.Is(err, certs.ErrNoList) {
			t.Fatalf("that of another key: %v", err)
		}
	}
	// Who looked again would find the keys exchanged.
	c, d := *good[1], *bad[1]
	c.PublicKey, d.PublicKey = d.PublicKey, c.PublicKey
	if err := r.Check([]*x509.Certificate{good[0], &c}); err != nil {
		t.Errorf("its own was verified again: %v", err)
	}
	if err := r.Check([]*x509.Certificate{bad[0], &d}); !errors.Is(err, certs.ErrNoList) {
		t.Errorf("that of another key was verified again: %v", err)
	}
	for range 100 { // more than are remembered
		if err := r.Check(issued(t, root.Again(t, x509.KeyUsageCertSign))); !errors.Is(err, certs.ErrNoList) {
			t.Fatalf("a certificate that may not sign lists: %v", err)
		}
	}
	if err := r.Check(good); err != nil {
		t.Errorf("its own, after many others: %v", err)
	}
}
