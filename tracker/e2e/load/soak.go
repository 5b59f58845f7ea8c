package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	soakSamples = 30   // how often a soak looks at the server, warm-up included
	flat        = 1.05 // memory that grows by less is flat
)

// soak paces the mix for a long time and looks whether the server grows. Half of what
// it can do is asked, so that it is the server and not the queue that is watched.
func (b *bench) soak() error {
	p, err := b.provider("soak", "")
	if err != nil {
		return err
	}
	defer p.process.stop()
	mix := b.mix()
	w, err := drive(p.target, mix, 16, b.each)
	if err != nil {
		return err
	}
	rate := cmp.Or(b.soakRate, w.perSecond()/2)
	p.rest()
	before, err := p.goroutines(0)
	if err != nil {
		return err
	}
	t := b.out.table(fmt.Sprintf("Soak of %s", b.soakFor), fmt.Sprintf("the mix, %.0f times a second, idp on SQLite", rate))
	var (
		group sync.WaitGroup
		sum   window
		fault error
	)
	group.Go(func() { sum, fault = pace(p.target, mix, 64, rate, b.soakFor) })
	held := p.watch(t, b.soakFor)
	group.Wait()
	if fault != nil {
		return fault
	}
	t.add(rowOf(mix, 64, &sum))
	t.apart(mix, 64, &sum, nil)
	warm, last := held[len(held)/6:len(held)/2], held[len(held)/2:]
	t.add(row{Line: "memory, highest", Value: slices.Max(held), Unit: "MB", Aims: []aim{atMost("MB", slices.Max(held), mostMemory)}})
	t.add(row{Line: "memory, median of the second half", Value: median(last), Unit: "MB",
		Aims: []aim{atMost("× that of the first half after warm-up", median(last)/median(warm), flat)}})
	t.explain(mix)
	return p.leftOver(t, before)
}

// watch samples the server's memory, evenly over d.
func (p *provider) watch(t *table, d time.Duration) (held []float64) {
	for i := range soakSamples {
		time.Sleep(d / soakSamples)
		goroutines, _ := p.metric("go_goroutines")
		heap, _ := p.metric("go_memstats_heap_inuse_bytes")
		held = append(held, p.process.resident())
		t.add(row{
			Line:  fmt.Sprintf("after %s", (time.Duration(i+1) * d / soakSamples).Round(time.Second)),
			Value: held[i], Unit: fmt.Sprintf("MB resident, %.1f MB heap in use, %.0f goroutines", heap/1e6, goroutines),
		})
	}
	return held
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

func (b *bench) mix() line { return ours[len(ours)-1] }
