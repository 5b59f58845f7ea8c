// Command load measures the real idp over real HTTP. Four processes: this one, which
// calls; the provider; PostgreSQL where it is used; and a net/http handler with a fixed
// answer. What a line costs the provider's CPU is told as a multiple of what that
// handler takes in the same run: this figure carries from machine to machine.
//
//	go run ./tracker/e2e/load            everything, in about six minutes: `make bench`
//	go run ./tracker/e2e/load -soak 30m  memory over a long time: `make soak`
//	go run ./tracker/e2e/load -only sqlite -lines refresh -profile var   a CPU profile of that
//	go run ./tracker/e2e/load -against var/old,var/new -lines refresh    what a change bought;
//	                                     with -only postgres, what on that
//
//	lines.go     what is done, with the aims; signin.go: a person at the pages
//	caller.go    one who calls: requests built in place, that take gzip as clients do;
//	             conn.go: just enough HTTP/1.1
//	measure.go   as fast as possible, in turns with the fixed answer; or paced
//	bench.go     the sections and their tables; report.go prints them
//	against.go   builds of idp beside each other
//	target.go    a server under load: provider.go (ours), peer.go (npm's oidc-provider), fixed.go
//	postgres.go  the same on PostgreSQL, its CPU told apart; process.go reads /proc;
//	             disk.go: what a sync takes
//	memory.go    ten thousand sessions; soak.go: hours
//	profile.go   CPU profiles of the provider under each line
//
// Nothing here fails because of time: a missed aim is a word in the table.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tegata/shared/program/programtest"
)

// options are what the command line says.
type options struct {
	each     time.Duration
	callers  []int
	lines    *regexp.Regexp
	only     []string
	sessions int
	many     int // callers that have to get through without an error
	soakFor  time.Duration
	soakRate float64 // times a second; 0: half of the best
	asJSON   bool
	binary   string   // of idp; "" builds it
	against  []string // builds of idp to compare, and nothing else
	profile  string   // a folder for CPU profiles; "" makes none
}

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
	o := options{callers: []int{16, 64}, lines: regexp.MustCompile("")}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.DurationVar(&o.each, "each", 3*time.Second, "how long each line is measured")
	flags.IntVar(&o.sessions, "sessions", liveSessions, "how many sessions are alive in the section memory")
	flags.IntVar(&o.many, "many", 256, "how many call at once where only errors count; 0 leaves that out")
	flags.DurationVar(&o.soakFor, "soak", 0, "run the soak for so long, and nothing else")
	flags.Float64Var(&o.soakRate, "rate", 0, "how often a second the soak does what it does (default half of what is possible)")
	flags.BoolVar(&o.asJSON, "json", false, "print the report as JSON, at the end")
	flags.StringVar(&o.binary, "binary", "", "an idp that was built before, instead of this tree's")
	flags.Func("against", "binaries of idp, a list: compare what a line costs them, and nothing else; on PostgreSQL with -only postgres", func(text string) error {
		o.against = strings.Split(text, ",")
		return nil
	})
	flags.StringVar(&o.profile, "profile", "", "a folder: keep a CPU profile of idp under each line there")
	flags.Func("callers", "how many call at once, a list (default 16,64)", func(text string) error {
		o.callers = nil
		for one := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(one)
			if err != nil || n < 1 {
				return fmt.Errorf("%q is no number of callers", one)
			}
			o.callers = append(o.callers, n)
		}
		return nil
	})
	flags.Func("lines", "only lines whose name matches this expression", func(text string) (err error) {
		o.lines, err = regexp.Compile(text)
		return err
	})
	flags.Func("only", "only these sections: "+sectionNames(), func(text string) error {
		o.only = strings.Split(text, ",")
		for _, name := range o.only {
			if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
				return fmt.Errorf("there is no section %q", name)
			}
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.profile != "" && (o.binary != "" || len(o.against) > 0) {
		return errors.New("-profile builds an idp that can be profiled: leave -binary and -against out")
	}
	return o.run()
}

func sectionNames() string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// run builds the provider, starts the measure and goes through the sections.
func (o options) run() error {
	b := &bench{options: o, out: &report{to: os.Stdout}}
	if o.asJSON {
		b.out.to = nil
	}
	if err := b.prepare(); err != nil {
		return err
	}
	defer b.end()
	go b.interrupted()
	var err error
	if b.fixed, err = startFixed(b.folder); err != nil {
		return err
	}
	defer b.fixed.process.stop()
	b.out.folder = b.folder
	if err := b.out.begin(); err != nil {
		return err
	}
	if o.soakFor > 0 {
		if err := b.soak(); err != nil {
			return err
		}
		return b.out.finish(o.asJSON)
	}
	if len(o.against) > 0 {
		if err := b.inTurns(); err != nil {
			return err
		}
		return b.out.finish(o.asJSON)
	}
	for _, s := range sections {
		if len(o.only) > 0 && !slices.Contains(o.only, s.name) {
			continue
		}
		if err := s.run(b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return b.out.finish(o.asJSON)
}

// interrupted cleans up when a run is stopped; the servers end with this process.
func (b *bench) interrupted() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	b.end()
	os.Exit(1)
}

// end removes what the run has left: its folder, and a database that is not in it.
func (b *bench) end() {
	b.ending.Lock()
	defer b.ending.Unlock()
	for _, server := range b.postgresql {
		server.Stop()
	}
	b.postgresql = nil
	os.RemoveAll(b.folder)
}

// prepare makes the folder of this run, below var/ and so on a real disk: commits to a
// temporary file system cost nothing. The binary is built into it.
func (b *bench) prepare() (err error) {
	root := programtest.Root("var/load")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if b.folder, err = os.MkdirTemp(root, "run"); err != nil {
		return err
	}
	if len(b.against) > 0 {
		return nil
	}
	if b.binary != "" {
		b.binary, err = filepath.Abs(b.binary)
		return err
	}
	b.binary = filepath.Join(b.folder, "idp")
	args := []string{"build", "-o", b.binary, "./idp"}
	if b.profile != "" {
		overlay, err := b.overlay()
		if err != nil {
			return err
		}
		args = slices.Insert(args, 1, "-overlay", overlay)
	}
	build := exec.Command("go", args...)
	build.Dir = programtest.Root("")
	if out, err := build.CombinedOutput(); err != nil {
		os.RemoveAll(b.folder)
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}
