package cli

import (
	"context"

	"tegata/idp/app"
	"tegata/keys"
	keyverbs "tegata/keys/verbs"
)

// keys gives the verbs of the key ring.
func (p program) keys() keyverbs.Keys {
	return keyverbs.Keys{Std: p.Std, Name: p.Name, Open: p.ring, Served: p.Fetch("/oauth2/jwks")}
}

func (p program) ring(ctx context.Context, do func(*keys.Ring) error) error {
	return p.Services(ctx, func(s *app.Services) error { return do(s.Keys) })
}
