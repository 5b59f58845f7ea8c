package main

import (
	"fmt"
	"path/filepath"
	"slices"
)

// rival is one of the providers that are compared, and what each of its stretches cost,
// with what that cost its database.
type rival struct {
	*provider
	all   window
	costs []float64 // microseconds of CPU for one time, stretch by stretch
}

// inTurns drives several builds of idp in turns, a stretch at a time, each with a database
// of its own: what a change bought, on a machine that is never quite quiet.
func (b *bench) inTurns() error {
	rivals, err := b.rivals()
	defer func() {
		for _, one := range rivals {
			one.process.stop()
		}
	}()
	if err != nil {
		return err
	}
	t := b.out.table("Builds of idp in turns", fmt.Sprintf("%s of each line for each, %s at a time, so that whatever else happens hits all of them", b.each, stretch))
	for _, callers := range b.callers {
		for _, l := range b.chosen(lines, ours) {
			if err := b.round(t, rivals, l, callers); err != nil {
				return err
			}
		}
	}
	return nil
}

// rivals starts all of them.
func (b *bench) rivals() (all []*rival, err error) {
	for i, binary := range b.against {
		if b.binary, err = filepath.Abs(binary); err != nil {
			return all, err
		}
		p, err := b.rival(fmt.Sprintf("rival%d", i))
		if err != nil {
			return all, fmt.Errorf("%s: %w", binary, err)
		}
		p.name = filepath.Base(binary)
		all = append(all, &rival{provider: p})
	}
	return all, nil
}

// rival starts one, on PostgreSQL when that was asked for.
func (b *bench) rival(name string) (*provider, error) {
	if slices.Contains(b.only, "postgres") {
		return b.onPostgreSQL(name)
	}
	return b.provider(name, "")
}

func (b *bench) round(t *table, rivals []*rival, l line, callers int) error {
	for _, one := range rivals {
		one.all, one.costs = window{}, nil
		if _, err := drive(one.target, l, callers, stretch); err != nil { // warms up
			return err
		}
	}
	for range max(1, int(b.each/stretch)) {
		for _, one := range rivals {
			w, err := drive(one.target, l, callers, stretch)
			if err != nil {
				return err
			}
			one.all.add(w)
			one.costs = append(one.costs, w.cost()+w.dbCost())
		}
	}
	first := rivals[0]
	for _, one := range rivals {
		r := rowOf(l, callers, &one.all)
		r.Line = one.name + ", " + l.name
		t.add(r)
		if one != first {
			low, middle, high := quarters(one.costs, first.costs)
			t.add(row{Line: "  beside " + first.name, Callers: callers, Value: 100 * middle,
				Unit: fmt.Sprintf("%% of its CPU; half of the rounds %.0f to %.0f", 100*low, 100*high)})
		}
	}
	return nil
}

// quarters are the quartiles of a/b, pair by pair.
func quarters(a, b []float64) (low, middle, high float64) {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = ratio(a[i], b[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/4], ratios[len(ratios)/2], ratios[len(ratios)*3/4]
}
