// Command load measures the real idp over real HTTP: three processes, this one that
// calls, the provider, and a net/http handler with a fixed answer that everything is
// measured by. `make bench` runs it, `make soak` its long form.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "fixed" {
		fail(serveFixed(os.Args[2]))
	}
	fail(run(os.Args[1:]))
}

func fail(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	each := flags.Duration("each", 3*time.Second, "how long each line is measured")
	folder := flags.String("folder", "var/load", "for databases; on a real disk, or commits cost nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := filepath.Abs(*folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if dir, err = os.MkdirTemp(dir, "run"); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "idp")
	if out, err := exec.Command("go", "build", "-o", binary, "./idp").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	fixed, err := startFixed(dir)
	if err != nil {
		return err
	}
	defer fixed.process.stop()
	p, err := newProvider(binary, "configs/idp.yaml", dir, "")
	if err != nil {
		return err
	}
	if _, err := p.start(); err != nil {
		return err
	}
	defer p.process.stop()
	for _, l := range append(lines, ours...) {
		w, measure, err := alternate(fixed, p.target, l, 16, *each)
		if err != nil {
			return err
		}
		fmt.Printf("%-36s %8.0f/s %8.0f/cpu-s %8.1f µs  %6.2fx (aim %v)  p50 %.2f p99 %.2f  errors %d %s  fixed %.1f µs %.0f/s\n", l.name, w.perSecond(), w.perCPU(), w.cost(),
			w.cost()/measure.cost(), l.aim, w.percentile(50), w.percentile(99), w.Errors, w.First, measure.cost(), measure.perSecond())
	}
	return nil
}
