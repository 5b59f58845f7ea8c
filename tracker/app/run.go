package app

import (
	"context"
	"time"

	"tegata/shared/program"
	"tegata/tracker/sso"
)

// sessionKept is how long a session that is over is remembered.
const sessionKept = 24 * time.Hour

// Run serves until ctx ends, then stops in order. It gives nil after such a stop.
// /readyz does not ask the provider: who is signed in can go on without it.
func (a *App) Run(ctx context.Context) error {
	return a.Server.Run(ctx, program.Work{
		Jobs:  []func(context.Context){func(ctx context.Context) { a.SSO.Provider.Watch(ctx, a.Log) }},
		Sweep: a.Sweep,
	})
}

// Sweep forgets what is over. Several nodes may do it at once.
func (s *Services) Sweep(ctx context.Context) {
	s.Mechanisms.Sweep(ctx, sso.StateKept, map[string]program.Sweep{
		"sessions": func(ctx context.Context, now time.Time) (int64, error) {
			return s.SSO.Sweep(ctx, now.Add(-sessionKept))
		},
	})
}
