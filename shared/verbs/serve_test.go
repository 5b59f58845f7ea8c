package verbs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"tegata/shared/config"
	"tegata/shared/verbs"
)

// stubborn makes this test binary a program that never finishes to stop.
const stubborn = "TEGATA_STUBBORN_TEST_PROGRAM"

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) { // F-23
	if os.Getenv(stubborn) != "" {
		serveStubbornly()
		return
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		program.Env = append(os.Environ(), stubborn+"=1")
		out, err := program.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		for _, line := range []string{"serving", "stopping"} {
			if !said.Scan() || said.Text() != line {
				t.Fatalf("%v: the program said %q, want %q", signal, said.Text(), line)
			}
			program.Process.Signal(signal)
		}
		var exit *exec.ExitError
		if err := program.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != signal {
			t.Errorf("%v: ended with %v, want the signal's usual effect", signal, err)
		}
	}
}

func serveStubbornly() {
	p := &verbs.Program[config.Program, io.Closer]{
		Std: verbs.Std{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Name: "stubborn", EnvPrefix: "STUBBORN", File: os.DevNull,
		Load: func(string, []string) (config.Program, error) {
			return config.Program{Log: config.Log{Level: "info", Format: "text"}}, nil
		},
		Shared: func(c config.Program) config.Program { return c },
		Serve: func(ctx context.Context, _ config.Program, _ *slog.Logger, _ string) error {
			fmt.Println("serving")
			<-ctx.Done()
			fmt.Println("stopping")
			time.Sleep(10 * time.Second) // far longer than a signal takes
			return nil
		},
	}
	os.Exit(verbs.Main(p.Root(), []string{"serve"}))
}
