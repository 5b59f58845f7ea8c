package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ReadKeyFile reads a key-encryption key: 32 bytes in base64. It refuses a file
// that anyone but its owner may read.
func ReadKeyFile(path string) ([]byte, error) {
	text, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s: want 32 bytes in base64, as `openssl rand -base64 32` prints them", path)
	}
	return key, nil
}

// ReadOrCreateKeyFile is ReadKeyFile, but makes the file with mode 0600 when there
// is none. Only for development: in production a missing key is a mistake, since a
// new one cannot open what the old one sealed.
func ReadOrCreateKeyFile(path string) ([]byte, error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return ReadKeyFile(path)
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(Bytes(32)) + "\n"
	if err := writeNew(folder, path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err // when it exists, another process was faster
	}
	return ReadKeyFile(path)
}

// writeNew makes a file with its whole text or not at all: it is written under
// another name, made durable and linked, so that nobody reads half a key.
func writeNew(folder, path, text string) error {
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadFile reads a secret from a file, without the line end. It refuses a file
// that its group or others can read.
func ReadFile(path string) (string, error) {
	if err := closed(0o077, "600", path); err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// OthersOut refuses files that others than their owner and group can read or change, and
// says how to close them. Those that are not there are passed over. The group is let
// be: a volume can be its own, and get its mode at each mount.
func OthersOut(paths ...string) error { return closed(0o007, "o-rwx", paths...) }

// closed refuses files with any bit of open in their mode, which chmod with close takes away.
func closed(open fs.FileMode, close string, paths ...string) error {
	var all []string
	var mode fs.FileMode // of the first
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s is a folder, want a file", path)
		case info.Mode().Perm()&open != 0:
			if all = append(all, path); len(all) == 1 {
				mode = info.Mode().Perm()
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%s: mode is %04o, others can read or change it; run: chmod %s %s", all[0], mode, close, strings.Join(all, " "))
}
