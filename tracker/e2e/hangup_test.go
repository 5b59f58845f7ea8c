package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tegata/shared/program/programtest"
)

// lines is what a program wrote so far.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestAHangUpNeverEndsAProgram sends SIGHUP to both programs as they are built, without
// a certificate to look at: as `systemctl reload` and logrotate do it behind a proxy.
func TestAHangUpNeverEndsAProgram(t *testing.T) {
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", folder+"/", "../../idp", "../../tracker").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range []string{"idp", "tracker"} {
		t.Run(name, func(t *testing.T) { hangUp(t, filepath.Join(folder, name)) })
	}
}

func hangUp(t *testing.T, path string) {
	name := filepath.Base(path)
	l := programtest.Listen(t)
	port := programtest.Port(l)
	l.Close()
	prefix, data, log := "TEGATA_"+strings.ToUpper(name)+"_", t.TempDir(), &lines{}
	cmd := exec.Command(path, "serve", "--config", programtest.Root("configs/"+name+".yaml"))
	cmd.Dir, cmd.Stderr = programtest.Root("."), log
	cmd.Env = append(os.Environ(), prefix+"LISTEN=127.0.0.1:"+port, prefix+"PUBLIC_URL=http://localhost:"+port, prefix+"METRICS_LISTEN=",
		prefix+"DATABASE_URL=sqlite:"+data+"/data.db", prefix+"KEY_ENCRYPTION_KEY_FILE="+data+"/kek")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	ready := func() bool {
		answer, err := http.Get("http://localhost:" + port + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	until(t, log, ready)
	for n := 1; n <= 2; n++ {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		until(t, log, func() bool { return strings.Count(log.String(), "SIGHUP") == n })
	}
	if !ready() {
		t.Errorf("it does not answer after a hang-up:\n%s", log)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it stopped with %v:\n%s", err, log)
	}
}

// until waits for what has to come soon.
func until(t *testing.T, log fmt.Stringer, come func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !come(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain:\n%s", log)
		}
	}
}
