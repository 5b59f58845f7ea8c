package dbtest

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// keeperEnv makes a test binary the keeper of the throw-away server.
const keeperEnv = "TEGATA_DBTEST_KEEPER"

// linger is how long the server stays after its last user: between two packages
// of one `go test` there may be nobody for a moment.
const linger = 10 * time.Second

// A test process cannot tell whether it is the last one, and may crash. So the server
// has a keeper: a copy of the test binary that waits until nobody holds use.lock,
// which the kernel lets go however a process ends.
func init() {
	if os.Getenv(keeperEnv) != "" {
		keep()
		os.Exit(0)
	}
}

// ensureKeeper starts a keeper unless there is one. The caller holds change.lock.
func (c *cluster) ensureKeeper() error {
	free, err := c.lock("keeper.lock", syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil // somebody keeps it
	}
	free.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), keeperEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // outlives us, also on Ctrl-C
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// keep waits for the last user and removes the server.
func keep() {
	c, err := newCluster()
	if err != nil {
		return
	}
	keeping, err := c.lock("keeper.lock", syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return // there is a keeper
	}
	defer keeping.Close()
	for {
		use, err := c.lock("use.lock", syscall.LOCK_EX) // waits until all are gone
		if err != nil {
			return
		}
		use.Close()
		time.Sleep(linger)
		if c.removeUnused(keeping) {
			return
		}
	}
}

// removeUnused removes the server unless somebody came back. It stops being the keeper
// before it lets the next process in.
func (c *cluster) removeUnused(keeping *os.File) bool {
	change, err := c.lock("change.lock", syscall.LOCK_EX)
	if err != nil {
		return true
	}
	defer change.Close()
	use, err := c.lock("use.lock", syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return false
	}
	defer use.Close()
	c.remove()
	keeping.Close()
	return true
}
