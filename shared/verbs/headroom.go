package verbs

import (
	"os"
	"runtime"
)

// headroomSize is how much garbage may wait beyond what Go lets wait by itself, in bytes.
const headroomSize = 24 << 20

// headroom lets garbage wait until it is worth collecting. Go collects when the heap has
// doubled; ours holds about 10 MB at any load, so that a busy server would spend a
// quarter of its time on collecting. A block that nothing is ever written to counts as
// heap, but takes no memory: collecting then waits for 44 MB, and for twice of what is
// needed as before when that is more. A smaller heap and a larger one are both served,
// which a percentage or a limit could not do. Whoever sets GOGC decides alone.
//
// It gives what has to be called at the end.
func headroom() (release func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	block := make([]byte, headroomSize)
	return func() { runtime.KeepAlive(block) }
}
