package certs_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/certs"
	"tegata/shared/certs/certstest"
	"tegata/shared/clock"
)

// A line of last month is one that nobody finds, and whoever has metrics need not find it.
func TestAFileThatCannotBeUsedIsShownAndToldEveryHour(t *testing.T) {
	folder, authority := t.TempDir(), certstest.New(t)
	certificate, key := authority.Write(t, folder, certstest.Leaf{To: now.Add(9 * 365 * 24 * time.Hour)})
	ca, lists := authority.File(t, folder), authority.List(t, folder, tomorrow, nil)
	for _, c := range []struct {
		name string
		file string
		open func(log *slog.Logger) (reload func() error, failing func() bool)
	}{
		{"pair", key, func(log *slog.Logger) (func() error, func() bool) {
			p := &certs.Pair{CertificateFile: certificate, KeyFile: key, Clock: func() time.Time { return now }, Log: log}
			return p.Reload, p.Failing
		}},
		{"authorities", ca, func(log *slog.Logger) (func() error, func() bool) {
			a := &certs.Authorities{File: ca, Log: log}
			return a.Reload, a.Failing
		}},
		{"lists", lists, func(log *slog.Logger) (func() error, func() bool) {
			r := &certs.Revoked{File: lists, Clock: clock.Hold(today).Now, Log: log}
			return r.Reload, r.Failing
		}},
	} {
		good, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			log := &record{}
			reload, failing := c.open(slog.New(slog.NewTextHandler(log, nil)))
			if err := reload(); err != nil || failing() {
				t.Fatalf("%s: %v, failing %v", c.name, err, failing())
			}
			replace(t, c.file, []byte("nothing of use"))
			for _, want := range []int{1, 1, 2, 2, 3} {
				reload()
				if n := log.count("level=ERROR"); n != want || !failing() {
					t.Errorf("%s: told %d times, want %d; failing %v", c.name, n, want, failing())
				}
				time.Sleep(31 * time.Minute)
			}
			replace(t, c.file, good)
			if err := reload(); err != nil || failing() {
				t.Errorf("%s, mended: %v, failing %v", c.name, err, failing())
			}
		})
	}
}

// An authority whose list is too old locks its clients out, which is no broken file.
func TestAListThatIsTooOldIsShownAndToldEveryHour(t *testing.T) {
	file := certstest.New(t).List(t, t.TempDir(), tomorrow, nil)
	synctest.Test(t, func(t *testing.T) {
		log := &record{}
		r, held := listed(t, file, slog.NewTextHandler(log, nil))
		if r.Failing() {
			t.Error("a list that counts is failing")
		}
		held.Move(48 * time.Hour)
		for _, want := range []int{1, 1, 2} {
			if err := r.Reload(); err != nil || !r.Failing() || log.count("is too old") != want {
				t.Errorf("told %d times, want %d; %v, failing %v", log.count("is too old"), want, err, r.Failing())
			}
			time.Sleep(31 * time.Minute)
		}
	})
}

// replace puts a file in the place of another at once.
func replace(t *testing.T, file string, text []byte) {
	t.Helper()
	next := filepath.Join(filepath.Dir(file), "next")
	if err := os.WriteFile(next, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}
