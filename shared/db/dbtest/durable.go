package dbtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Durable is a PostgreSQL server of one program alone, whose commits reach the disk: for
// measurements, which the shared one of the tests would flatter.
type Durable struct {
	URL string // of an empty database
	PID int    // of the server's first process; the others are its children

	cluster *cluster
	process *exec.Cmd
}

// StartDurable starts a server from the installed binaries, in a temporary folder and
// with PostgreSQL's own settings. It ends with Stop, and with the calling process.
func StartDurable() (*Durable, error) {
	dir, err := os.MkdirTemp("", "tegata-durable-")
	if err != nil {
		return nil, err
	}
	c, err := newClusterIn(dir)
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), c.initialise())
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	d := &Durable{URL: c.url(), cluster: c}
	d.process = exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.run(), "-c", "listen_addresses=", "-c", "max_connections=200")
	d.process.Dir = "/"
	d.process.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred, Pdeathsig: syscall.SIGQUIT}
	if err := d.process.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	d.PID = d.process.Process.Pid
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c.answers() {
			return d, nil
		}
	}
	d.Stop()
	return nil, errors.New("dbtest: the server does not answer")
}

// Stop ends the server and removes what it kept.
func (d *Durable) Stop() {
	d.process.Process.Signal(syscall.SIGQUIT) // immediate shutdown
	d.process.Wait()
	os.RemoveAll(d.cluster.dir)
}
