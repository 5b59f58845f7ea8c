package oidc

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxFetched bounds what is read from an address that somebody else chose.
const maxFetched = 64 << 10

// fetch reads an address that somebody else chose. Why it failed is for the log only.
func fetch(ctx context.Context, client *http.Client, uri, accept string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxFetched+1))
	if err == nil && len(text) > maxFetched {
		err = fmt.Errorf("more than %d bytes", maxFetched)
	}
	return text, err
}
