package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is all that was measured. It prints itself row by row as it grows.
type report struct {
	Machine machine
	Tables  []*table
	Missing []string // what could not be measured, and why

	to     io.Writer // nil: silent, for JSON at the end
	folder string    // of the run
}

// machine is where the figures come from: they mean little without it.
type machine struct {
	Cores    int
	Go       string
	When     time.Time
	LoadAt   string // /proc/loadavg at the beginning
	LoadThen string // and at the end
	Disk     disk   // at the beginning
	DiskThen disk   // and at the end
}

// table is one section of the report.
type table struct {
	Name string
	Note string
	Rows []row
	Says []string `json:",omitempty"` // what the rows above do not tell by themselves

	to io.Writer
}

// row is one line of a table. What does not apply is 0 and printed as "-".
type row struct {
	Line         string
	Callers      int
	PerSecond    float64
	PerCPUSecond float64 // of the server, PostgreSQL's left out
	CPU          float64 // microseconds of the server for one time
	Multiple     float64 // of the CPU that the fixed answer takes
	Database     float64 // microseconds of PostgreSQL for one time
	P50, P99     float64 // milliseconds
	Others       float64 // percent of the machine that was busy with something else
	Value        float64 `json:",omitempty"` // of a fact that is no load, in Unit
	Unit         string  `json:",omitempty"`
	Errors       int
	FirstError   string `json:",omitempty"`
	Aims         []aim  `json:",omitempty"`
}

// aim is what we want a figure to be, and whether it is.
type aim struct {
	Name  string // what is compared
	Got   float64
	Limit float64
	Least bool // Limit is the least and not the most
	Met   bool
}

func atMost(name string, got, limit float64) aim {
	return aim{Name: name, Got: got, Limit: limit, Met: got <= limit}
}

func atLeast(name string, got, limit float64) aim {
	return aim{Name: name, Got: got, Limit: limit, Least: true, Met: got >= limit}
}

// String is an aim as the tables show it: "≤ 15 × fixed: 13.2".
func (a aim) String() string {
	sign, verdict := "≤", "met"
	if a.Least {
		sign = "≥"
	}
	if !a.Met {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%s %g %s: %.3g %s", sign, a.Limit, a.Name, a.Got, verdict)
}

// rowOf is what a stretch of load gave, as a row.
func rowOf(l line, callers int, w *window) row {
	return row{
		Line: l.name, Callers: callers, PerSecond: w.perSecond(), PerCPUSecond: w.perCPU(), CPU: w.cost(), Database: w.dbCost(),
		P50: w.percentile(50), P99: w.percentile(99), Others: w.others(), Errors: w.Errors, FirstError: w.First,
	}
}

// table begins a section.
func (r *report) table(name, note string) *table {
	t := &table{Name: name, Note: note, to: r.to}
	r.Tables = append(r.Tables, t)
	if r.to != nil {
		fmt.Fprintf(r.to, "\n%s\n%s\n%-36s %7s %9s %9s %8s %8s %8s %8s %8s %7s  %s\n", name, note,
			"", "callers", "a second", "per CPU-s", "CPU µs", "× fixed", "DB µs", "p50 ms", "p99 ms", "others%", "aims")
	}
	return t
}

// add puts a row below the others.
func (t *table) add(r row) {
	t.Rows = append(t.Rows, r)
	if t.to == nil {
		return
	}
	if r.Unit != "" {
		fmt.Fprintf(t.to, "%-36s %7s %9s %s\n", r.Line, count(r.Callers), figure(r.Value, 1)+" "+r.Unit, r.remarks())
		return
	}
	fmt.Fprintf(t.to, "%-36s %7s %9s %9s %8s %8s %8s %8s %8s %7s  %s\n", r.Line, count(r.Callers), figure(r.PerSecond, 0), figure(r.PerCPUSecond, 0),
		figure(r.CPU, 1), figure(r.Multiple, 1), figure(r.Database, 1), figure(r.P50, 2), figure(r.P99, 2), figure(r.Others, 0), r.remarks())
}

// apart puts the two parts of a line below it, where it has them; the aims are for the rest.
func (t *table) apart(l line, callers int, w *window, aims func(row) []aim) {
	if l.apart == nil || len(w.apart) == 0 {
		return
	}
	for _, half := range []struct {
		name string
		took []time.Duration
		aims func(row) []aim
	}{{l.apart.rest, w.rest, aims}, {l.apart.name, w.apart, nil}} {
		r := rowOf(line{name: half.name}, callers, w.only(half.took))
		r.PerCPUSecond, r.CPU = 0, 0
		if half.aims != nil {
			r.Aims = half.aims(r)
		}
		t.add(r)
	}
}

// explain ends a table: it says why lines are in parts.
func (t *table) explain(all ...line) {
	for _, l := range all {
		if l.apart == nil {
			continue
		}
		t.Says = append(t.Says, l.apart.why)
		if t.to != nil {
			fmt.Fprintln(t.to, l.apart.why)
		}
	}
}

// remarks are the aims, and the errors in loud letters.
func (r row) remarks() string {
	var all []string
	for _, a := range r.Aims {
		all = append(all, a.String())
	}
	if r.Errors > 0 {
		first, _, _ := strings.Cut(r.FirstError, "\n")
		all = append(all, fmt.Sprintf("%d ERRORS, first: %s", r.Errors, first))
	}
	return strings.Join(all, "; ")
}

func figure(f float64, digits int) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, f)
}

func count(n int) string { return figure(float64(n), 0) }

// left says loudly that something could not be measured.
func (r *report) left(what string, why error) {
	text := fmt.Sprintf("%s: %v", what, why)
	r.Missing = append(r.Missing, text)
	fmt.Fprintf(os.Stderr, "\n*** NOT MEASURED: %s\n\n", text)
}

// begin and finish note what the machine was like.
func (r *report) begin() (err error) {
	r.Machine = machine{Cores: runtime.NumCPU(), Go: runtime.Version(), When: time.Now().UTC().Truncate(time.Second), LoadAt: loadavg()}
	if r.Machine.Disk, err = measureDisk(r.folder); err == nil && r.to != nil {
		fmt.Fprintf(r.to, "%d cores, %s, load average %s, a sync takes %s\n", r.Machine.Cores, r.Machine.Go, r.Machine.LoadAt, r.Machine.Disk)
	}
	return err
}

func (r *report) finish(asJSON bool) (err error) {
	r.Machine.LoadThen = loadavg()
	if r.Machine.DiskThen, err = measureDisk(r.folder); err != nil {
		return err
	}
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	fmt.Fprintf(r.to, "\nload average %s before, %s after; a sync took %s before, %s after\n", r.Machine.LoadAt, r.Machine.LoadThen, r.Machine.Disk, r.Machine.DiskThen)
	return nil
}

func loadavg() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text) + " - - -")[:3], " ")
}
