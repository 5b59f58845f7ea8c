package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// CheckSector gets the list at sector_identifier_uri, by get, which is bounded like what
// shared/fetch does, and finds out whether every redirect URI is on it: otherwise a client
// could learn by which subjects another one knows people. Why it failed is for the operator.
// A client that names no such list has nothing wrong. OIDC Core §8.1, OIDC Registration §5.
func (c *Client) CheckSector(get func(uri string) ([]byte, error)) error {
	if c.SectorIdentifierURI == "" {
		return nil
	}
	text, err := get(c.SectorIdentifierURI)
	if err != nil {
		return fmt.Errorf("the list could not be fetched: %w", err)
	}
	var listed []string
	if err := json.Unmarshal(text, &listed); err != nil {
		return errors.New("what lies there is not a list of addresses, as JSON")
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return fmt.Errorf("%s is not on the list", uri)
		}
	}
	return nil
}

// SameSector tells whether a change from before leaves nothing for CheckSector to find: the
// same list, and no redirect URI that was not there.
func (c *Client) SameSector(before Client) bool {
	added := func(uri string) bool { return !slices.Contains(before.RedirectURIs, uri) }
	return c.SectorIdentifierURI == before.SectorIdentifierURI && !slices.ContainsFunc(c.RedirectURIs, added)
}
