package secret_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tegata/shared/secret"
)

func TestAKeyFileIsMadeOnceAndForUsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets", "kek")
	if _, err := secret.ReadKeyFile(path); !os.IsNotExist(err) {
		t.Errorf("no file: got %v", err)
	}
	first, err := secret.ReadOrCreateKeyFile(path)
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	for _, read := range []func(string) ([]byte, error){secret.ReadOrCreateKeyFile, secret.ReadKeyFile} {
		if again, err := read(path); err != nil || !bytes.Equal(again, first) {
			t.Errorf("got %x, %v, want %x", again, err, first)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("file: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
}

// Two programs that start at once must not seal with different keys, nor read half of one.
func TestOfManyWhoMakeAKeyFileAllGetTheSameKey(t *testing.T) {
	for range 50 {
		folder := t.TempDir()
		path := filepath.Join(folder, "kek")
		keys, errs := make([][]byte, 16), make([]error, 16)
		var all sync.WaitGroup
		start := make(chan bool)
		for i := range keys {
			all.Go(func() {
				<-start
				keys[i], errs[i] = secret.ReadOrCreateKeyFile(path)
			})
		}
		close(start)
		all.Wait()
		for i := range keys {
			if errs[i] != nil || !bytes.Equal(keys[i], keys[0]) {
				t.Fatalf("%d got %x, %v; the first %x", i, keys[i], errs[i], keys[0])
			}
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
			t.Fatalf("left behind: %v, %v", left, err)
		}
	}
}

// a secret that others can read is not used, and the message says what to do.
func TestASecretThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("pass word \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := secret.ReadFile(path); err != nil || got != "pass word " {
		t.Errorf("got %q, %v", got, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.ReadFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %o: got %v", mode, err)
		}
	}
}

func TestABrokenKeyFileIsAMistakeAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	for _, text := range []string{"", "\n", "short", "not base64!", strings.Repeat("A", 100)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.ReadOrCreateKeyFile(path); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("%q: got %v", text, err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%q was overwritten", text)
		}
	}
}
