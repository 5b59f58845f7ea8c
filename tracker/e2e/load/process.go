package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that we started, or a part of one.
type process struct {
	cmd   *exec.Cmd
	log   string // the file with what it says
	began time.Time

	ended chan struct{} // closed when it is over
}

// launch starts a server whose output goes to a file in folder. It dies with us.
func launch(folder, name string, env []string, command string, args ...string) (*process, error) {
	p := &process{log: filepath.Join(folder, name+".log"), ended: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd = exec.Command(command, args...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	return p, nil
}

// ready waits until url answers 200 and tells how long that took from the start.
func (p *process) ready(url string) (time.Duration, error) {
	for time.Since(p.began) < 60*time.Second {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(p.began), nil
			}
		}
		select {
		case <-time.After(2 * time.Millisecond):
			continue
		case <-p.ended:
		}
		break
	}
	p.stop()
	said, _ := os.ReadFile(p.log)
	return 0, fmt.Errorf("%s did not become ready:\n%s", p.cmd.Path, said)
}

// stop asks the server to end, and sees to it.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	hard := time.AfterFunc(15*time.Second, func() { p.cmd.Process.Kill() })
	<-p.ended
	hard.Stop()
}

func (p *process) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }

// cpuOf is the processor time that a process has used, user and system. 0 when it is gone.
func cpuOf(pid int) time.Duration {
	f := stat(pid)
	if f == nil {
		return 0
	}
	return ticks(f[11]) + ticks(f[12])
}

// ticks are hundredths of a second: USER_HZ of Linux.
func ticks(text string) time.Duration {
	n, _ := strconv.Atoi(text)
	return time.Duration(n) * 10 * time.Millisecond
}

// stat gives /proc/PID/stat from its third field on; the second may hold spaces.
func stat(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// familyCPU is what a process and its children have used, with the children that have
// ended: a PostgreSQL server.
func familyCPU(parent int) time.Duration {
	f := stat(parent)
	if f == nil {
		return 0
	}
	sum := ticks(f[11]) + ticks(f[12]) + ticks(f[13]) + ticks(f[14])
	all, _ := os.ReadDir("/proc")
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if f := stat(pid); f != nil && f[1] == strconv.Itoa(parent) {
			sum += ticks(f[11]) + ticks(f[12])
		}
	}
	return sum
}

// machineCPU is what everything on the machine has used, and what its host gave to others.
func machineCPU() (sum time.Duration) {
	text, _ := os.ReadFile("/proc/stat")
	f := strings.Fields(string(text)) // cpu user nice system idle iowait irq softirq steal
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		if i < len(f) {
			sum += ticks(f[i])
		}
	}
	return sum
}

// resident is the memory that the server holds, in MB.
func (p *process) resident() float64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kB / 1024
		}
	}
	return 0
}

// freePort gives a port of this machine that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
