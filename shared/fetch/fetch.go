// Package fetch calls addresses that somebody else chose: the keys, request objects and
// log-out addresses of clients. Whoever chooses an address must not reach what only we
// can reach, nor keep us waiting or fill our memory.
//
//	client.go  the HTTP client, whose dialer refuses what is not the internet
//	fetch.go   reading an answer, with a bound
package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// most bounds what is read of an answer, in bytes.
const most = 64 << 10

// Get reads uri with client, which is one of Client's; accept is the media types that
// are wanted. An answer but 200 or above 64 KiB is an error. Why it failed is for the
// log only: which addresses answer how is nobody's business outside.
func Get(ctx context.Context, client *http.Client, uri, accept string) ([]byte, error) {
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
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return text, err
}
