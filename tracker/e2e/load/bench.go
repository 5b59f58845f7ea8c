package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tegata/shared/db/dbtest"
)

// bench is one run: what is measured, and with what.
type bench struct {
	options
	folder string  // of this run
	fixed  *target // the measure
	out    *report

	ending     sync.Mutex
	postgresql []*dbtest.Durable // of this run
}

// section measures one part of the report.
type section struct {
	name string
	run  func(*bench) error
}

// sections in their order; -only picks by name.
var sections = []section{
	{"sqlite", (*bench).sqlite},
	{"postgres", (*bench).postgres},
	{"peer", (*bench).peer},
	{"memory", (*bench).memory},
	{"start", (*bench).coldStart},
}

// sqlite is the main table, and how the same server does at half of its best and with
// many callers.
func (b *bench) sqlite() error {
	p, err := b.provider("sqlite", "")
	if err != nil {
		return err
	}
	defer p.process.stop()
	best, err := b.rates(p.target, "idp on SQLite, durable commits", true)
	if err != nil {
		return err
	}
	if err := b.half(p.target, best); err != nil {
		return err
	}
	return b.crowd(p.target, "idp on SQLite, many callers at once")
}

// rates measures every line at every number of callers and gives the best rates.
func (b *bench) rates(to *target, title string, aims bool) (best map[string]float64, err error) {
	t := b.out.table(title, fmt.Sprintf("%s for each line, in turns with a net/http handler with a fixed answer", b.each))
	best = map[string]float64{}
	for _, callers := range b.callers {
		var measure window
		for _, l := range b.chosen(lines, ours) {
			if _, err := drive(to, l, callers, b.each/8); err != nil { // warms up
				return nil, err
			}
			w, fixed, err := alternate(b.fixed, to, l, callers, b.each)
			if err != nil {
				return nil, err
			}
			measure.add(fixed)
			r := rowOf(l, callers, &w)
			r.Multiple = ratio(w.cost(), fixed.cost())
			if aims && l.aim > 0 {
				r.Aims = append(r.Aims, atMost("× fixed", r.Multiple, l.aim))
			}
			best[l.name] = max(best[l.name], r.PerSecond)
			t.add(r)
			t.apart(l, callers, &w, nil)
			if err := b.profileLine(to, l, callers); err != nil {
				return nil, err
			}
		}
		r := rowOf(fixedLine, callers, &measure)
		best[fixedLine.name] = max(best[fixedLine.name], r.PerSecond)
		t.add(r)
	}
	t.explain(b.chosen(lines, ours)...)
	return best, nil
}

// mostP99 is an aim, in milliseconds.
const mostP99 = 20

func inTime(r row) []aim { return []aim{atMost("ms p99", r.P99, mostP99)} }

// half paces each line at half of its best rate.
func (b *bench) half(to *target, best map[string]float64) error {
	t := b.out.table("idp on SQLite, half of the best rate", "requests come evenly, whether or not answers keep up; latency counts from when one was due")
	const callers = 64
	for _, l := range b.chosen(lines, ours) {
		w, err := pace(to, l, callers, best[l.name]/2, b.each)
		if err != nil {
			return err
		}
		r := rowOf(l, callers, &w)
		if l.apart == nil {
			r.Aims = inTime(r)
		}
		t.add(r)
		t.apart(l, callers, &w, inTime)
	}
	w, err := pace(b.fixed, fixedLine, callers, best[fixedLine.name]/2, b.each)
	t.add(rowOf(fixedLine, callers, &w)) // how much of it all is the machine
	t.explain(b.chosen(lines, ours)...)
	return err
}

// crowd looks for errors only.
func (b *bench) crowd(to *target, title string) error {
	if b.many == 0 {
		return nil
	}
	t := b.out.table(title, "no error is the aim")
	for _, l := range b.chosen(lines, ours) {
		w, err := drive(to, l, b.many, b.each/3)
		if err != nil {
			return err
		}
		r := rowOf(l, b.many, &w)
		r.Aims = []aim{atMost("errors", float64(w.Errors), 0)}
		t.add(r)
	}
	return nil
}

// chosen are the lines that -lines names.
func (b *bench) chosen(all ...[]line) (some []line) {
	for _, list := range all {
		for _, l := range list {
			if b.lines.MatchString(l.name) {
				some = append(some, l)
			}
		}
	}
	return some
}

// provider starts idp with an empty database.
func (b *bench) provider(name, databaseURL string) (*provider, error) {
	folder := filepath.Join(b.folder, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	p, err := newProvider(b.binary, folder, databaseURL)
	if err != nil {
		return nil, err
	}
	_, err = p.start()
	return p, err
}

// coldStart is the time from exec to the first 200 of /readyz with a database that
// exists, and what the program keeps at rest after it.
func (b *bench) coldStart() error {
	p, err := b.provider("start", "")
	if err != nil {
		return err
	}
	t := b.out.table("Start", "with a database that exists")
	var took []time.Duration
	for range 5 {
		p.process.stop()
		one, err := p.start()
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	defer p.process.stop()
	w := window{took: took}
	t.add(row{Line: "exec to ready, median of 5", Value: w.percentile(50), Unit: "ms"})
	time.Sleep(b.each)
	t.add(row{Line: "memory at rest", Value: p.process.resident(), Unit: "MB"})
	return nil
}
