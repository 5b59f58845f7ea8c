package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
)

// maxFetched bounds what is read from an address that somebody else chose.
const maxFetched = 64 << 10

// fetch reads an address that a client chose. Why it failed is for the log only.
func (p *Provider) fetch(ctx context.Context, uri, accept string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	answer, err := p.Outbound.Do(r)
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

// dereference reads a request object that lies where the client registered one, and
// gives the request with what is in it. OIDC Core §6.2, §6.3. With an error it gives
// the request as it came, so that the error can travel.
func (p *Provider) dereference(ctx context.Context, client *clients.Client, outer url.Values) (url.Values, error) {
	uri := outer.Get("request_uri")
	switch {
	case outer.Has("request"):
		return outer, refuse("invalid_request", "There are two request objects.")
	case len(client.RequestURIs) == 0:
		return outer, refuse("request_uri_not_supported", sentences["request_uri_not_supported"])
	case !slices.ContainsFunc(client.RequestURIs, func(one string) bool { return one == uri || plain(one) == plain(uri) }):
		return outer, refuse("invalid_request_uri", "The request_uri is not registered for this client.")
	}
	text, err := p.fetch(ctx, plain(uri), "application/oauth-authz-req+jwt, application/jwt")
	if err != nil {
		return outer, refuse("invalid_request_uri", "The request object could not be fetched.").because(err)
	}
	object, strict, err := p.readRequestObject(ctx, client, strings.TrimSpace(string(text)))
	if err != nil {
		return outer, refuse("invalid_request_object", "The request object is not one of this client.").because(err)
	}
	merged, err := object.over(outer, strict)
	if err != nil {
		return outer, err
	}
	return merged, nil
}

// plain is an address without the hash of what lies there.
func plain(uri string) string {
	before, _, _ := strings.Cut(uri, "#")
	return before
}

// requestObject is the members of a request object that was verified.
type requestObject map[string]json.RawMessage

// readRequestObject verifies a request object with the client's keys. strict is true
// for one that says to be of RFC 9101, which takes nothing from around it.
func (p *Provider) readRequestObject(ctx context.Context, client *clients.Client, text string) (object requestObject, strict bool, err error) {
	if !client.Keys() {
		return nil, false, errors.New("the client has no keys")
	}
	token, err := jwt.ParseSigned(text, assertionAlgs)
	if err != nil || len(token.Headers) != 1 {
		return nil, false, errors.Join(errors.New("not a signed object"), err)
	}
	header := token.Headers[0]
	if client.RequestObjectAlg != "" && header.Algorithm != client.RequestObjectAlg {
		return nil, false, errors.New("signed with another algorithm than registered")
	}
	keys, err := p.keysOf(ctx, client, header.KeyID)
	if err != nil {
		return nil, false, err
	}
	for _, key := range keys {
		if key.Use == "enc" || key.Algorithm != "" && key.Algorithm != header.Algorithm || !key.IsPublic() {
			continue
		}
		if token.Claims(key.Key, &object) == nil {
			return object, ofType(header, "oauth-authz-req+jwt"), p.checkRequestClaims(client, object)
		}
	}
	return nil, false, errors.New("not signed with a key of the client")
}

// checkRequestClaims checks what makes the object this client's, for us, and now.
// RFC 9101 §4, §10.
func (p *Provider) checkRequestClaims(client *clients.Client, object requestObject) error {
	var about struct {
		jwt.Claims
		ClientID string `json:"client_id"`
	}
	whole, err := json.Marshal(object)
	if err == nil {
		err = json.Unmarshal(whole, &about)
	}
	now := p.Clock()
	switch {
	case err != nil:
		return err
	case about.ClientID != "" && about.ClientID != client.ID, about.Issuer != "" && about.Issuer != client.ID:
		return errors.New("made by another client")
	case len(about.Audience) > 0 && !about.Audience.Contains(p.Issuer):
		return errors.New("made out to somebody else")
	case about.Expiry != nil && !about.Expiry.Time().After(now.Add(-leeway)):
		return errors.New("expired")
	case about.NotBefore != nil && about.NotBefore.Time().After(now.Add(leeway)):
		return errors.New("not good yet")
	}
	return nil
}

// ownClaims are about the object itself, not about the request.
var ownClaims = []string{"iss", "aud", "exp", "nbf", "iat", "jti", "sub"}

// over gives the request with the object's members over those around it (OIDC Core
// §6.3.3). response_type and client_id must not differ (§6.1).
func (o requestObject) over(outer url.Values, strict bool) (url.Values, error) {
	merged := url.Values{"client_id": outer["client_id"]}
	for name, values := range outer {
		if !strict && name != "request_uri" {
			merged[name] = values
		}
	}
	for name, raw := range o {
		switch {
		case slices.Contains(ownClaims, name), bytes.Equal(raw, []byte("null")):
			continue
		case name == "request", name == "request_uri":
			return nil, refuse("invalid_request_object", "A request object has no request object in it.")
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // numbers as they are written, claims as JSON
		}
		if len(text) > maxOther {
			return nil, refuse("invalid_request_object", "A member of the request object is too long.")
		}
		merged.Set(name, text)
	}
	if asked := outer.Get("response_type"); asked != "" && asked != merged.Get("response_type") {
		return nil, refuse("invalid_request", "The response_type differs from that in the request object.")
	}
	return merged, nil
}

// checkSector checks that the addresses of a client belong to the sector it names, by
// the list that lies there. OIDC Core §8.1, OIDC Registration §5.
func (p *Provider) checkSector(ctx context.Context, c *clients.Client) error {
	refused := misfit("sector_identifier_uri") // one word for all reasons: A-057
	if !strings.HasPrefix(c.SectorIdentifierURI, "https://") && !p.Development {
		return refused
	}
	text, err := p.fetch(ctx, c.SectorIdentifierURI, "application/json")
	if err != nil {
		return refused.because(err)
	}
	var listed []string
	if err := json.Unmarshal(text, &listed); err != nil {
		return refused.because(err)
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return refused.because(errors.New("a redirect URI is not listed there"))
		}
	}
	return nil
}
