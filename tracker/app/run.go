package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"tegata/shared/certs"
	"tegata/shared/clock"
	"tegata/shared/serve"
	"tegata/tracker/sso"
)

const (
	sealEvery   = 2 * time.Second // how long an audit event may wait for its place in the chain
	sweepEvery  = 5 * time.Minute // how late expired rows may go
	sessionKept = 24 * time.Hour  // how long a session that is over is remembered
)

// URL is where this process can be reached on this machine.
func (a *App) URL() string { return a.server().URL() }

// server is what Run runs. Nobody waits for load balancers in development.
func (a *App) server() *serve.Server {
	s := &serve.Server{Listener: a.listener, Handler: a.Handler, Log: a.Log, Health: a.health}
	if a.certificates != nil {
		s.TLS = certs.Config(a.certificates, a.Config.TLS.Least())
	}
	if !a.Config.Development {
		s.Notice = serve.DefaultNotice
	}
	return s
}

// Run serves until ctx ends, then stops in order: /readyz turns red, requests under
// way finish, the audit log is sealed and the database closed. It gives nil after such
// a stop.
func (a *App) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	jobs := []func(context.Context){
		a.Keys.Watch,
		func(ctx context.Context) { a.SSO.Provider.Watch(ctx, a.Log) },
		a.serveMetrics,
		func(ctx context.Context) { clock.Every(ctx, sealEvery, a.seal) },
		func(ctx context.Context) { clock.Every(ctx, sweepEvery, a.Sweep) },
	}
	if a.certificates != nil {
		jobs = append(jobs, a.certificates.Watch)
	}
	for _, job := range jobs {
		workers.Go(func() { job(work) })
	}
	err := a.server().Run(ctx)
	stopWork()
	workers.Wait()
	a.seal(context.WithoutCancel(ctx))
	a.complain("traces", a.telemetry.traces.Stop(context.WithoutCancel(ctx)))
	return errors.Join(err, a.Close())
}

func (a *App) seal(ctx context.Context) {
	_, err := a.Audit.Seal(ctx)
	a.complain("audit seal", err)
}

// Sweep forgets what is over. Several nodes may do it at once.
func (s *Services) Sweep(ctx context.Context) {
	now := s.Clock()
	_, err := s.Once.Sweep(ctx, now, sso.StateKept)
	s.complain("sweep once", err)
	_, err = s.Limit.Sweep(ctx, now)
	s.complain("sweep limits", err)
	_, err = s.Keys.Sweep(ctx, now)
	s.complain("sweep keys", err)
	_, err = s.SSO.Sweep(ctx, now.Add(-sessionKept))
	s.complain("sweep sessions", err)
}

// complain logs what went wrong in the background; the end of the program is no mistake.
func (s *Services) complain(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Error("background work failed", "what", what, "cause", err)
	}
}
