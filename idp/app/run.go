package app

import (
	"context"
	"runtime/debug"
	"time"

	"tegata/shared/clock"
	"tegata/shared/program"
)

const (
	diaryEvery = 2 * time.Second     // how long requests wait until clients' developers see them
	restEvery  = time.Minute         // how long memory that hashing needed may stay after the last hash
	usedFor    = 48 * time.Hour      // how long what was used once is remembered: a code reused must end its tokens
	sentFor    = 30 * 24 * time.Hour // how long a message that was sent can be looked up
)

// Run serves until ctx ends, then stops in order; the outbox delivers or keeps what it
// holds. It gives nil after such a stop.
func (a *App) Run(ctx context.Context) error {
	jobs := []func(context.Context){
		func(ctx context.Context) { a.Complain("outbox", a.Outbox.Run(ctx)) },
		func(ctx context.Context) { clock.Every(ctx, diaryEvery, a.writeDiary) },
		func(ctx context.Context) { clock.Every(ctx, restEvery, a.giveBack()) },
	}
	jobs = append(jobs, a.watches...)
	return a.Server.Run(ctx, program.Work{Jobs: jobs, Sweep: a.sweep, Last: a.writeDiary, Ports: a.mutualPorts()})
}

func (a *App) writeDiary(ctx context.Context) { a.Complain("client requests", a.Diary.Flush(ctx)) }

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

// sweep forgets what is over.
func (a *App) sweep(ctx context.Context) {
	more := map[string]program.Sweep{
		"invitations":  a.Clients.Sweep,
		"sessions":     a.Sessions.Sweep,
		"interactions": a.Interaction.Sweep,
		"accounts":     a.Accounts.Sweep,
		"outbox":       func(ctx context.Context, _ time.Time) (int64, error) { return a.Outbox.Sweep(ctx, sentFor) },
		"devices":      func(ctx context.Context, _ time.Time) (int64, error) { return a.Devices.Sweep(ctx, usedFor) },
		"tokens":       func(ctx context.Context, _ time.Time) (int64, error) { return a.provider.Sweep(ctx) },
		"clients":      a.sweepClients,
	}
	if a.Postbox != nil {
		more["postbox"] = a.Postbox.Sweep
	}
	a.Mechanisms.Sweep(ctx, usedFor, more)
}

// sweepClients forgets clients that registered themselves and were never used.
func (s *Services) sweepClients(ctx context.Context, now time.Time) (int64, error) {
	unused := time.Duration(s.Config.Registration.ForgetUnused)
	if unused == 0 {
		return 0, nil
	}
	return s.Clients.SweepUnused(ctx, s.Audit, now.Add(-unused))
}
