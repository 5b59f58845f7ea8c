package cli

import (
	"os"
	"runtime"
)

// makeRoom gives Go one processor more than there are cores. Every core may be hashing a
// password for thirty milliseconds, or waiting while the journal is synced: then there
// is one left for everybody else, and the operating system shares out the cores. Whoever
// sets GOMAXPROCS decides alone.
//
// It gives what has to be called at the end.
func makeRoom() (restore func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	cores := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(cores + 1)
	return func() { runtime.GOMAXPROCS(cores) }
}
