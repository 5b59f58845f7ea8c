package clock

import (
	"context"
	"time"
)

// Every calls do now and then again after each pause, until ctx ends. The pauses are
// of the machine's clock, whatever clock do looks at: it is for background work.
func Every(ctx context.Context, pause time.Duration, do func(context.Context)) {
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
