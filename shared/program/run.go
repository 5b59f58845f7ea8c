package program

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/serve"
)

const (
	sealEvery  = 2 * time.Second // how long an audit event may wait for its place in the chain
	sweepEvery = 5 * time.Minute // how late expired rows may go
)

// Work is what a program does beside answering on its port.
type Work struct {
	Jobs  []func(ctx context.Context) // each runs until the stop
	Sweep func(ctx context.Context)   // forgets what is over
	Last  func(ctx context.Context)   // after the last request; nil: nothing
	Ports []*serve.Server             // more ports
}

// Run serves until ctx ends, then stops in order: /readyz turns red, requests under
// way finish, the jobs end, the audit log is sealed and the database closed. It gives
// nil after such a stop.
func (s *Server) Run(ctx context.Context, w Work) error {
	m := s.mechanisms
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	for _, job := range s.jobs(w) {
		workers.Go(func() { job(work) })
	}
	err := serve.RunAll(ctx, append([]*serve.Server{s.Port()}, w.Ports...)...)
	stopWork()
	workers.Wait()
	last := context.WithoutCancel(ctx)
	if w.Last != nil {
		w.Last(last)
	}
	m.seal(last)
	m.Complain("traces", s.Traces.Stop(last))
	return errors.Join(err, m.Close())
}

func (s *Server) jobs(w Work) []func(context.Context) {
	m := s.mechanisms
	all := []func(context.Context){
		m.Keys.Watch,
		s.serveMetrics,
		func(ctx context.Context) { clock.Every(ctx, sealEvery, m.seal) },
		func(ctx context.Context) { clock.Every(ctx, sweepEvery, w.Sweep) },
	}
	if s.Certificates != nil {
		all = append(all, s.Certificates.Watch)
	}
	return append(all, w.Jobs...)
}

func (m *Mechanisms) seal(ctx context.Context) {
	_, err := m.Audit.Seal(ctx)
	m.Complain("audit seal", err)
}

// Sweep forgets one kind of rows that are over now, and tells how many.
type Sweep func(ctx context.Context, now time.Time) (int64, error)

// Sweep forgets what is over: what was used once, after usedFor; limits; keys; and
// what more names. Several nodes may do it at once.
func (m *Mechanisms) Sweep(ctx context.Context, usedFor time.Duration, more map[string]Sweep) {
	all := map[string]Sweep{
		"once":   func(ctx context.Context, now time.Time) (int64, error) { return m.Once.Sweep(ctx, now, usedFor) },
		"limits": m.Limit.Sweep,
		"keys":   m.Keys.Sweep,
	}
	maps.Copy(all, more)
	now := m.Clock()
	for name, sweep := range all {
		n, err := sweep(db.Apart(ctx), now)
		m.Complain("sweep "+name, err)
		if n > 0 {
			m.Log.Debug("swept", "what", name, "rows", n)
		}
	}
}
