package db

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/fault"
)

// F-14: a server that says nothing is away after a while. Who has less time is told that it
// is over, and who goes away that he went.
func TestAServerThatSaysNothingIsBusyInTheEnd(t *testing.T) {
	shorter := func(ctx context.Context) (context.Context, func()) { return context.WithTimeout(ctx, time.Second) }
	leaves := func(ctx context.Context) (context.Context, func()) {
		ctx, leave := context.WithCancel(ctx)
		time.AfterFunc(time.Second, leave)
		return ctx, leave
	}
	stays := func(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
	for name, c := range map[string]struct {
		who   func(context.Context) (context.Context, func())
		waits time.Duration
		is    func(error) bool
	}{
		"no deadline":       {stays, answerFor, func(err error) bool { return fault.Is(err, fault.Busy) }},
		"a deadline":        {shorter, time.Second, func(err error) bool { return fault.Of(err) == nil && errors.Is(err, context.DeadlineExceeded) }},
		"a caller who goes": {leaves, time.Second, func(err error) bool { return fault.Of(err) == nil && errors.Is(err, context.Canceled) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := c.who(t.Context())
				defer end()
				began := time.Now()
				err := new(DB).bounded(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
				if took := time.Since(began); took != c.waits || !c.is(err) {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}
