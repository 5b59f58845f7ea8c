package verbs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxSet       = 1 << 20         // bytes of a key set; ours have a hundredth of it
	fetchTimeout = 5 * time.Second // for all of it
)

// Fetch gives a function that reads path below the public URL, as strangers do: the
// key set, to compare it with what ought to be served.
func (p *Program[C, S]) Fetch(path string) func(ctx context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		c, err := p.settings()
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Shared(c).PublicURL+path, nil)
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
}
