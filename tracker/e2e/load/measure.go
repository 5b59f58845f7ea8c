package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// window is what one stretch of load gave.
type window struct {
	Times  int           // how often it was done
	Errors int           // and how often it failed
	First  string        // the first failure
	Took   time.Duration // on the wall
	CPU    time.Duration // of the server
	DB     time.Duration // of PostgreSQL, beside it
	Others time.Duration // of everything that is no part of this run
	took   []time.Duration
	apart  []time.Duration // of took, what the line tells apart; rest is what is left
	rest   []time.Duration
}

func (w *window) add(o window) {
	w.Times += o.Times
	w.Errors += o.Errors
	w.First = cmp.Or(w.First, o.First)
	w.Took += o.Took
	w.CPU += o.CPU
	w.DB += o.DB
	w.Others += o.Others
	w.took = append(w.took, o.took...)
	w.apart = append(w.apart, o.apart...)
	w.rest = append(w.rest, o.rest...)
}

// perSecond is how often a second it was done.
func (w *window) perSecond() float64 { return float64(w.Times) / w.Took.Seconds() }

// perCPU is how often in a second of the server's CPU.
func (w *window) perCPU() float64 { return float64(w.Times) / max(w.CPU, time.Millisecond).Seconds() }

// cost is the server's CPU for one time, in microseconds.
func (w *window) cost() float64 { return ratio(1e6, w.perCPU()) }

// ratio is 0 where there is nothing to compare with: JSON has no infinity.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// dbCost is PostgreSQL's.
func (w *window) dbCost() float64 { return float64(w.DB.Microseconds()) / float64(max(w.Times, 1)) }

// others is which part of the machine, in percent, was busy with something else.
func (w *window) others() float64 {
	return 100 * w.Others.Seconds() / w.Took.Seconds() / float64(runtime.NumCPU())
}

// percentile is in milliseconds.
func (w *window) percentile(p int) float64 {
	if len(w.took) == 0 {
		return 0
	}
	slices.Sort(w.took)
	return float64(w.took[min(len(w.took)-1, len(w.took)*p/100)].Microseconds()) / 1000
}

// only is the window as if nothing else had been done; what it cost the server by itself
// is not known.
func (w *window) only(took []time.Duration) *window {
	return &window{Times: len(took), Took: w.Took, Others: w.Others, took: took}
}

// stretch is how long one server is driven before it is another one's turn: what else
// happens on the machine, and how busy it is kept, hits all of them.
const stretch = 250 * time.Millisecond

// alternate measures a line for d, and the fixed answer in turns with it, half as long.
func alternate(fixed *target, to *target, l line, callers int, d time.Duration) (w, measure window, err error) {
	for range max(1, int(d/stretch)) {
		one, err := drive(fixed, fixedLine, callers, stretch/2)
		if err != nil {
			return w, measure, err
		}
		measure.add(one)
		if one, err = drive(to, l, callers, stretch); err != nil {
			return w, measure, err
		}
		w.add(one)
	}
	return w, measure, nil
}

// drive lets so many callers work for d, each on a connection of its own, as fast as
// they are answered.
func drive(to *target, l line, callers int, d time.Duration) (window, error) {
	all, err := to.callers(callers)
	if err != nil {
		return window{}, fmt.Errorf("%s: %w", l.name, err)
	}
	if err := l.ready(to, d); err != nil {
		return window{}, err
	}
	return to.observe(all, func(c *caller) window {
		var w window
		end := time.Now().Add(d)
		for now := time.Now(); now.Before(end); {
			err := l.do(c)
			then := time.Now()
			w.note(l, c, err, then.Sub(now))
			now = then
		}
		return w
	}), nil
}

// pace does a line so often a second, whether or not the answers keep up. A latency
// counts from when the request was due, so waiting in a queue shows.
func pace(to *target, l line, callers int, perSecond float64, d time.Duration) (window, error) {
	all, err := to.callers(callers)
	if err != nil {
		return window{}, fmt.Errorf("%s: %w", l.name, err)
	}
	if err := l.ready(to, d); err != nil {
		return window{}, err
	}
	if perSecond <= 0 { // nothing ever worked
		return drive(to, l, 1, d)
	}
	var next atomic.Int64
	began := time.Now()
	return to.observe(all, func(c *caller) window {
		var w window
		for {
			number := next.Add(1) - 1
			due := time.Duration(float64(number) / perSecond * float64(time.Second))
			if due > d {
				return w
			}
			c.turn = int(number) // callers who go on with their own rounds end up logging in all at once
			time.Sleep(time.Until(began.Add(due)))
			err := l.do(c)
			w.note(l, c, err, time.Since(began.Add(due)))
		}
	}), nil
}

// note counts what the caller has just done.
func (w *window) note(l line, c *caller, err error, took time.Duration) {
	if err != nil {
		w.Errors++
		w.First = cmp.Or(w.First, err.Error())
		return
	}
	w.Times++
	w.took = append(w.took, took)
	switch {
	case l.apart == nil:
	case l.apart.is(c):
		w.apart = append(w.apart, took)
	default:
		w.rest = append(w.rest, took)
	}
}

// observe runs all callers at once and reads what that cost the server.
func (t *target) observe(callers []*caller, work func(*caller) window) (sum window) {
	var (
		mu    sync.Mutex
		group sync.WaitGroup
	)
	began, cpu, db, self, all := time.Now(), t.process.cpu(), t.dbCPU(), cpuOf(os.Getpid()), machineCPU()
	for _, c := range callers {
		group.Go(func() {
			w := work(c)
			mu.Lock()
			defer mu.Unlock()
			sum.add(w)
		})
	}
	group.Wait()
	sum.Took, sum.CPU, sum.DB = time.Since(began), t.process.cpu()-cpu, t.dbCPU()-db
	sum.Others = max(0, machineCPU()-all-sum.CPU-sum.DB-(cpuOf(os.Getpid())-self))
	return sum
}
