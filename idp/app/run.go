package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"tegata/idp/oidc"
	"tegata/shared/serve"
)

const (
	sealEvery  = 2 * time.Second // how long an audit event may wait for its place in the chain
	sweepEvery = 5 * time.Minute // how late expired rows may go
	usedFor    = 48 * time.Hour  // how long what was used once is remembered: a code reused must end its tokens
)

// URL is where this process can be reached on this machine.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// Run serves until ctx ends, then stops in order: /readyz turns red, requests under
// way finish, the outbox delivers or keeps what it holds, the audit log is sealed and
// the database closed. It gives nil after such a stop.
func (a *App) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	for _, job := range []func(context.Context){
		func(ctx context.Context) { a.complain("outbox", a.Outbox.Run(ctx)) },
		a.Keys.Watch,
		a.serveMetrics,
		func(ctx context.Context) { every(ctx, sealEvery, a.seal) },
		func(ctx context.Context) { every(ctx, sweepEvery, a.Sweep) },
	} {
		workers.Go(func() { job(work) })
	}
	server := &serve.Server{Listener: a.listener, Handler: a.Handler, Log: a.Log, Health: a.health}
	err := server.Run(ctx)
	stopWork()
	workers.Wait()
	a.seal(context.WithoutCancel(ctx))
	a.complain("traces", a.telemetry.traces.Stop(context.WithoutCancel(ctx)))
	return errors.Join(err, a.Close())
}

// every calls do now and then again after each pause, until ctx ends.
func every(ctx context.Context, pause time.Duration, do func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		do(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (a *App) seal(ctx context.Context) {
	_, err := a.Audit.Seal(ctx)
	a.complain("audit seal", err)
}

// Sweep forgets what is over. Several nodes may do it at once.
func (s *Services) Sweep(ctx context.Context) {
	now := s.Clock()
	for name, sweep := range map[string]func() (int64, error){
		"once":         func() (int64, error) { return s.Once.Sweep(ctx, now, usedFor) },
		"limits":       func() (int64, error) { return s.Limit.Sweep(ctx, now) },
		"outbox":       func() (int64, error) { return s.Outbox.Sweep(ctx, 30*24*time.Hour) },
		"sessions":     func() (int64, error) { return s.Sessions.Sweep(ctx, now) },
		"interactions": func() (int64, error) { return s.Interaction.Sweep(ctx, now) },
		"devices":      func() (int64, error) { return s.Devices.Sweep(ctx, usedFor) },
		"grants":       func() (int64, error) { return (&oidc.Provider{DB: s.DB, Clock: s.Clock}).Sweep(ctx) },
		"accounts":     func() (int64, error) { return s.Accounts.Sweep(ctx, now) },
		"postbox":      func() (int64, error) { return s.sweepPostbox(ctx, now) },
	} {
		n, err := sweep()
		s.complain("sweep "+name, err)
		if n > 0 {
			s.Log.Debug("swept", "what", name, "rows", n)
		}
	}
}

func (s *Services) sweepPostbox(ctx context.Context, now time.Time) (int64, error) {
	if s.Postbox == nil {
		return 0, nil
	}
	return s.Postbox.Sweep(ctx, now)
}

// complain logs what went wrong in the background; the end of the program is no mistake.
func (s *Services) complain(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Error("background work failed", "what", what, "cause", err)
	}
}
