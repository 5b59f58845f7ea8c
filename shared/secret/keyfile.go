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
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(Bytes(32)) + "\n"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return ReadKeyFile(path) // another process was faster
	}
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return nil, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return ReadKeyFile(path)
}

// ReadFile reads a secret from a file, without the line end. It refuses a file
// that its group or others can read.
func ReadFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s: mode is %04o, others can read it; run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
