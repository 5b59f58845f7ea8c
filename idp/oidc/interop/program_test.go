package interop_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// startsWithin is for a program that has to compile itself first.
const startsWithin = 60 * time.Second

// run starts a partner's program and waits until it listens. What it printed is shown
// when the test fails. environ is what its environment has besides the usual.
func (w *world) run(folder string, environ []string, command ...string) {
	w.t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	cmd.Env = slices.Concat(os.Environ(), environ, []string{
		"PORT=" + w.port, "SITE=" + w.site, "ISSUER=" + w.idp.URL, "CLIENT_ID=" + clientID, "CLIENT_SECRET=" + w.secret,
	})
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	w.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if w.t.Failed() {
			w.t.Logf("%s said:\n%s", filepath.Base(command[0]), said.String())
		}
	})
	for end := time.Now().Add(startsWithin); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+w.port); err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			w.t.Fatalf("the partner's program ended: %v", err)
		default:
		}
	}
	w.t.Fatal("the partner's program does not listen")
}

// output is what a program prints, while others may read it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
