package audit

import "context"

// Origin is where a request came from.
type Origin struct {
	RequestID string
	Place     string // the peer's address, as far as we believe it
	Agent     string // User-Agent
}

// OriginKey is the key of the *Origin in a context: for contexts that are no
// context.WithValue and give it themselves.
type OriginKey struct{}

// WithOrigin gives a context that carries the origin of the request at hand.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, OriginKey{}, &o)
}

// OriginOf gives the origin in ctx; it is empty in workers and commands.
func OriginOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(OriginKey{}).(*Origin); ok {
		return *o
	}
	return Origin{}
}

// Cause is whose act something was, and why, where those who are told of it in the end do
// not know: a session that ends because a key was revoked, say.
type Cause struct {
	Actor   string
	Details map[string]string // for the event
}

type causeKey struct{}

// WithCause gives a context in which everything has that cause.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// CauseOf gives the cause in ctx, and whether there is one.
func CauseOf(ctx context.Context) (c Cause, ok bool) {
	c, ok = ctx.Value(causeKey{}).(Cause)
	return c, ok
}
