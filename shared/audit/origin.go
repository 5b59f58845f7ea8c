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
