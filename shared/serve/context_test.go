package serve_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/serve"
)

// during runs do within a request that may take a minute, and gives its context.
func during(t *testing.T, parent context.Context, do func(ctx context.Context)) context.Context {
	t.Helper()
	var kept context.Context
	h := serve.Front{Log: slog.New(slog.DiscardHandler), Within: time.Minute}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kept = r.Context()
		do(kept)
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(parent, "GET", "/", nil))
	return kept
}

func TestARequestEndsWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		during(t, t.Context(), func(ctx context.Context) {
			if until, ok := ctx.Deadline(); !ok || time.Until(until) != time.Minute {
				t.Errorf("deadline in %v, want a minute", time.Until(until))
			}
			time.Sleep(30 * time.Second)
			inner, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			if err := ctx.Err(); err != nil {
				t.Errorf("half the time is left: %v", err)
			}
			began := time.Now()
			<-inner.Done()
			if took := time.Since(began); took != 30*time.Second || !errors.Is(inner.Err(), context.DeadlineExceeded) || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("ended after %v with %v and %v, want 30 s and the deadline", took, inner.Err(), ctx.Err())
			}
		})
		during(t, t.Context(), func(ctx context.Context) { // nobody waits, somebody asks
			time.Sleep(2 * time.Minute)
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("after two minutes: %v, want the deadline", ctx.Err())
			}
			<-ctx.Done()
		})
	})
}

func TestARequestEndsWithItsCallerAndWithItsAnswer(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	during(t, gone, func(ctx context.Context) {
		inner, stop := context.WithCancel(ctx)
		defer stop()
		cancel()
		<-inner.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("the caller is gone: %v", ctx.Err())
		}
	})
	for name, watch := range map[string]func(context.Context){
		"watched": func(ctx context.Context) { ctx.Done() }, "not watched": func(context.Context) {},
	} {
		kept := during(t, t.Context(), watch)
		select {
		case <-kept.Done():
		default:
			t.Errorf("%s: the context lives on after the answer", name)
		}
		if !errors.Is(kept.Err(), context.Canceled) {
			t.Errorf("%s: after the answer: %v", name, kept.Err())
		}
	}
}
