package certs

import (
	"crypto/sha256"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

// watched is what a file held when it was last good.
type watched[T any] struct {
	current atomic.Pointer[T]

	mu      sync.Mutex
	digest  [32]byte // of what current was read from
	trouble trouble
}

// reload reads the file if it holds something else than what is in use; read makes
// something of it. What cannot be used leaves the old in place, and is logged at once and
// every hour. The error is a *Mistake.
func (w *watched[T]) reload(file, what string, log *slog.Logger, read func(file string, text []byte) (*T, error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.read(file, what, log, read)
	if w.trouble.note(err) && w.current.Load() != nil {
		log.Error("the new "+what+" cannot be used, the old ones stay", "cause", err)
	}
	return err
}

func (w *watched[T]) read(file, what string, log *slog.Logger, read func(file string, text []byte) (*T, error)) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return &Mistake{File: file, Err: short(err, file)}
	}
	digest := sha256.Sum256(text)
	if w.current.Load() != nil && digest == w.digest {
		return nil
	}
	fresh, err := read(file, text)
	if err != nil {
		return err
	}
	if w.current.Swap(fresh) != nil {
		log.Info(what+" loaded", "file", file)
	}
	w.digest = digest
	return nil
}
