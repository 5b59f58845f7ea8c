package app

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"tegata/shared/clock"
	"tegata/shared/serve"
)

const (
	sealEvery  = 2 * time.Second // how long an audit event may wait for its place in the chain
	sweepEvery = 5 * time.Minute // how late expired rows may go
	diaryEvery = 2 * time.Second // how long requests wait until clients' developers see them
	restEvery  = time.Minute     // how long memory that hashing needed may stay after the last hash
	usedFor    = 48 * time.Hour  // how long what was used once is remembered: a code reused must end its tokens
)

// URL is where this process can be reached on this machine.
func (a *App) URL() string { return a.servers()[0].URL() }

// Run serves until ctx ends, then stops in order: /readyz turns red, requests under
// way finish, the outbox delivers or keeps what it holds, the audit log is sealed and
// the database closed. It gives nil after such a stop.
func (a *App) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	jobs := []func(context.Context){
		func(ctx context.Context) { a.complain("outbox", a.Outbox.Run(ctx)) },
		a.Keys.Watch,
		a.serveMetrics,
		func(ctx context.Context) { clock.Every(ctx, sealEvery, a.seal) },
		func(ctx context.Context) { clock.Every(ctx, sweepEvery, a.sweep) },
		func(ctx context.Context) { clock.Every(ctx, diaryEvery, a.writeDiary) },
		func(ctx context.Context) { clock.Every(ctx, restEvery, a.giveBack()) },
	}
	if a.certificates != nil {
		jobs = append(jobs, a.certificates.Watch)
	}
	for _, job := range jobs {
		workers.Go(func() { job(work) })
	}
	err := serve.RunAll(ctx, a.servers()...)
	stopWork()
	workers.Wait()
	a.writeDiary(context.WithoutCancel(ctx))
	a.seal(context.WithoutCancel(ctx))
	a.complain("traces", a.telemetry.traces.Stop(context.WithoutCancel(ctx)))
	return errors.Join(err, a.Close())
}

func (a *App) writeDiary(ctx context.Context) { a.complain("client requests", a.Diary.Flush(ctx)) }

func (a *App) seal(ctx context.Context) {
	_, err := a.Audit.Seal(ctx)
	a.complain("audit seal", err)
}

// giveBack returns memory to the system when passwords were hashed since the last
// time: a hash takes 19 MiB, and Go would keep them for a while.
func (a *App) giveBack() func(context.Context) {
	before := int64(-1) // the start itself leaves something to give back
	return func(context.Context) {
		if n := a.Hasher.Computed(); n != before {
			before = n
			debug.FreeOSMemory()
		}
	}
}

// sweep forgets what is over. Several nodes may do it at once.
func (a *App) sweep(ctx context.Context) {
	s, now := a.Services, a.Clock()
	for name, sweep := range map[string]func() (int64, error){
		"once":         func() (int64, error) { return s.Once.Sweep(ctx, now, usedFor) },
		"limits":       func() (int64, error) { return s.Limit.Sweep(ctx, now) },
		"keys":         func() (int64, error) { return s.Keys.Sweep(ctx, now) },
		"invitations":  func() (int64, error) { return s.Clients.Sweep(ctx, now) },
		"outbox":       func() (int64, error) { return s.Outbox.Sweep(ctx, 30*24*time.Hour) },
		"sessions":     func() (int64, error) { return s.Sessions.Sweep(ctx, now) },
		"interactions": func() (int64, error) { return s.Interaction.Sweep(ctx, now) },
		"devices":      func() (int64, error) { return s.Devices.Sweep(ctx, usedFor) },
		"clients":      func() (int64, error) { return s.sweepClients(ctx, now) },
		"accounts":     func() (int64, error) { return s.Accounts.Sweep(ctx, now) },
		"tokens":       func() (int64, error) { return a.provider.Sweep(ctx) },
		"postbox":      func() (int64, error) { return s.sweepPostbox(ctx, now) },
	} {
		n, err := sweep()
		s.complain("sweep "+name, err)
		if n > 0 {
			s.Log.Debug("swept", "what", name, "rows", n)
		}
	}
}

func (s *Services) sweepClients(ctx context.Context, now time.Time) (int64, error) {
	unused := time.Duration(s.Config.Registration.ForgetUnused)
	if unused == 0 {
		return 0, nil
	}
	return s.Clients.SweepUnused(ctx, s.Audit, now.Add(-unused))
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
