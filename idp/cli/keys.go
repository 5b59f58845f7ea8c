package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"tegata/idp/app"
	"tegata/keys"
	keyverbs "tegata/keys/verbs"
)

// keys gives the verbs of the key ring.
func (p program) keys() keyverbs.Keys {
	return keyverbs.Keys{Std: p.Std, Name: p.Name, Open: p.ring, Served: p.served}
}

func (p program) ring(ctx context.Context, do func(*keys.Ring) error) error {
	return p.services(ctx, func(s *app.Services) error {
		s.Keys.Actor = "cli"
		return do(s.Keys)
	})
}

// maxSet bounds a key set, in bytes; ours have a hundredth of it.
const maxSet = 1 << 20

// served fetches the key set from the public URL, as readers do.
func (p program) served(ctx context.Context) ([]byte, error) {
	c, err := p.Config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.PublicURL+"/oauth2/jwks", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", r.URL, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxSet))
}
