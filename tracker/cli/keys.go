package cli

import (
	"context"

	"tegata/keys"
	keyverbs "tegata/keys/verbs"
	"tegata/tracker/app"
)

// keys gives the verbs of the key ring.
func (p program) keys() keyverbs.Keys {
	return keyverbs.Keys{Std: p.Std, Name: p.Name, Open: p.ring, Served: p.Fetch("/.well-known/jwks.json")}
}

func (p program) ring(ctx context.Context, do func(*keys.Ring) error) error {
	return p.Services(ctx, func(s *app.Services) error { return do(s.Keys) })
}
