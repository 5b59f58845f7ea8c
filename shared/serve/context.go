package serve

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tegata/shared/audit"
)

// requestContext is the context of one request: what Front knows about it, and the end
// of the time it may take. context.WithTimeout starts a timer for each; here one is
// started when somebody waits for the end, which most requests never do.
type requestContext struct {
	context.Context // of the connection
	visit           *visit
	until           time.Time

	mu    sync.Mutex
	timed atomic.Pointer[timed] // once somebody waits, or the answer is out
}

// timed is what context.WithDeadline gives.
type timed struct {
	context.Context
	cancel context.CancelFunc
}

// answered is the context of whoever is still at work when the answer is out.
var answered = func() *timed {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &timed{ctx, cancel}
}()

// Deadline is when the answer has to be there.
func (c *requestContext) Deadline() (time.Time, bool) { return c.until, true }

// Done starts the timer.
func (c *requestContext) Done() <-chan struct{} { return c.wait().Done() }

func (c *requestContext) wait() *timed {
	if t := c.timed.Load(); t != nil {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.timed.Load(); t != nil {
		return t
	}
	ctx, cancel := context.WithDeadline(c.Context, c.until)
	t := &timed{ctx, cancel}
	c.timed.Store(t)
	return t
}

// Err tells whether the time is over, the caller gone or the answer out.
func (c *requestContext) Err() error {
	if t := c.timed.Load(); t != nil {
		return t.Err()
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if time.Now().Before(c.until) {
		return nil
	}
	return c.wait().Err()
}

// Value knows the exchange and where the request came from. Contexts that are made from
// this one look for what cancels it in the same way, after they have asked for Done.
func (c *requestContext) Value(key any) any {
	switch key.(type) {
	case exchangeKey:
		return &c.visit.exchange
	case audit.OriginKey:
		return &c.visit.origin
	}
	if t := c.timed.Load(); t != nil && t != answered {
		return t.Value(key)
	}
	return c.Context.Value(key)
}

// end tells whoever still works for the request that the answer is out.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.timed.Load(); t != nil {
		t.cancel()
		return
	}
	c.timed.Store(answered)
}
