package sessions

import "context"

type contextKey struct{}

// With gives a context of a request that is made in session s; nil means in none.
// One middleware of the program calls it, and who looks for the session itself.
func With(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

// Of gives the session of the request, or nil when nobody is signed in.
func Of(ctx context.Context) *Session {
	s, _ := ctx.Value(contextKey{}).(*Session)
	return s
}
