package cli

import (
	"os"
	"runtime"
	"sync"
	"time"

	"tegata/idp/passwords"
)

// spareStays is how long the spare processor stays after the last hash. Each change stops
// everything for a moment, so there are no two pairs of changes in less than this.
const spareStays = 2 * time.Second

// makeRoom gives Go one processor more than there are cores while the hasher is at work.
// Every core may be hashing a password for thirty milliseconds: then there is one left
// for everybody else, and the operating system shares out the cores. At all other times
// it would only wake threads for nothing. Whoever sets GOMAXPROCS decides alone.
//
// Call it before anything is hashed. It gives what has to be called at the end.
func makeRoom(hasher *passwords.Hasher) (restore func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	s := &spare{add: addProcessor, remove: runtime.SetDefaultGOMAXPROCS}
	hasher.Begins = s.begin
	return s.stop
}

// addProcessor ends, as every call of GOMAXPROCS does, Go's own watch over how many cores
// the machine and the limit of a container leave us. SetDefaultGOMAXPROCS looks anew and
// watches on; setting the number that was there before would not.
func addProcessor() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) }

// spare is a processor that is there from the first hash on until none has run for spareStays.
type spare struct {
	add, remove func()

	mu      sync.Mutex
	hashes  int  // under way
	added   bool // and not removed since
	stopped bool
	rest    *time.Timer // runs since the last hash ended; nil before
}

// begin is passwords.Hasher.Begins.
func (s *spare) begin() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hashes++
	if s.rest != nil {
		s.rest.Stop()
	}
	if !s.added && !s.stopped {
		s.add()
		s.added = true
	}
	return s.end
}

func (s *spare) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hashes--
	if s.hashes == 0 && !s.stopped {
		s.rest = time.AfterFunc(spareStays, s.rested)
	}
}

// rested is late when a hash has begun while it waited for the lock.
func (s *spare) rested() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hashes == 0 {
		s.leave()
	}
}

// stop restores what was before, for good, whoever is still hashing.
func (s *spare) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.rest != nil {
		s.rest.Stop()
	}
	s.leave()
}

func (s *spare) leave() {
	if s.added {
		s.remove()
		s.added = false
	}
}
