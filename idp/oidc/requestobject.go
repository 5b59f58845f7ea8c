package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/wire"
)

// What a request object may be, in bytes and in time.
const (
	maxRequestObject = 16 << 10
	maxRequestAge    = time.Hour // FAPI 2.0 Message Signing §5.3.1: of nbf, and of exp after nbf
)

// requestAlgs is what request objects may be signed with; "none" proves nothing.
var requestAlgs = jws.Algorithms(clients.RequestAlgs)

// requestObject is an authorization request that its client signed. RFC 9101 §4.
type requestObject struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jwt.Audience     `json:"aud"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Issued    *jwt.NumericDate `json:"iat"`
	ClientID  string           `json:"client_id"`

	params url.Values // its other members
	token  *jwt.JSONWebToken
}

// aboutObject are the members that speak about the object and not about the request.
var aboutObject = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// parseRequestObject reads a request object without trusting it yet.
func parseRequestObject(text string) (o requestObject, ok bool) {
	if text == "" || len(text) > maxRequestObject {
		return requestObject{}, false
	}
	token, err := jwt.ParseSigned(text, requestAlgs)
	if err != nil || len(token.Headers) != 1 || !isRequestType(token.Headers[0]) {
		return requestObject{}, false
	}
	var members map[string]json.RawMessage
	if token.UnsafeClaimsWithoutVerification(&members) != nil || token.UnsafeClaimsWithoutVerification(&o) != nil {
		return requestObject{}, false
	}
	o.token = token
	o.params, ok = textual(members)
	wire.OmitEmpty(o.params)
	return o, ok
}

// isRequestType lets through what RFC 9101 §10.8 registers, and the general type that
// older clients write; a JWT that was made for something else is refused.
func isRequestType(h jose.Header) bool {
	_, typed := h.ExtraHeaders[jose.HeaderType]
	return !typed || jws.OfType(h, "JWT") || jws.OfType(h, "oauth-authz-req+jwt")
}

// textual turns members into the parameters they stand for: numbers and truths as they
// are written, objects and lists as JSON. RFC 9101 §4, §10.2; fosite would print Go.
func textual(members map[string]json.RawMessage) (url.Values, bool) {
	params := url.Values{}
	for name, raw := range members {
		if slices.Contains(aboutObject, name) {
			continue
		}
		values, ok := texts(name, raw)
		if !ok {
			return nil, false
		}
		if values != nil {
			params[name] = values
		}
	}
	return params, true
}

func texts(name string, raw json.RawMessage) (values []string, ok bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return nil, false
	case string(raw) == "null":
		return nil, true
	case raw[0] == '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return []string{text}, err == nil
	case raw[0] == '[' && name == "resource": // RFC 8707 §2: it may be there many times
		err := json.Unmarshal(raw, &values)
		return values, err == nil
	case raw[0] == '{' || raw[0] == '[':
		var compact bytes.Buffer
		err := json.Compact(&compact, raw)
		return []string{compact.String()}, err == nil
	case raw[0] == 't' || raw[0] == 'f':
		return []string{string(raw)}, true
	}
	if _, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return []string{string(raw)}, true
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil, false
	}
	if whole := int64(number); float64(whole) == number {
		return []string{strconv.FormatInt(whole, 10)}, true // 300, 300.0 and 3e2 are one number
	}
	return []string{string(raw)}, true
}

// openRequest puts the parameters of the request object in the place of those around
// it, by the rules given, once the client's signature is found to be right.
func (p *Provider) openRequest(ctx context.Context, a *authorization, rules string) error {
	if !a.client.HasKeys() {
		return wire.RefuseAs("request_not_supported")
	}
	o, ok := parseRequestObject(a.params.Get("request"))
	if !ok {
		return wire.RefuseAs("invalid_request_object")
	}
	if why := p.wrongRequest(a.client, o, rules); why != "" {
		return wire.Refuse("invalid_request_object", why)
	}
	if err := p.signedBy(ctx, a.client, o.token); err != nil {
		return err
	}
	outer := a.params
	outer.Del("request")
	if rules == clients.RulesOIDC {
		for name, values := range outer {
			if !o.params.Has(name) {
				o.params[name] = values
			}
		}
	}
	o.params.Set("client_id", a.client.ID)
	if o.params.Get("response_type") != outer.Get("response_type") && outer.Has("response_type") && rules == clients.RulesOIDC {
		return wire.Refuse("invalid_request_object", "The response_type of the request object is another one.") // OIDC Core §6.1
	}
	a.params, a.signed = o.params, true
	return nil
}

// wrongRequest tells what a request object has wrong, "" when nothing. RFC 9101 §6.3;
// FAPI 2.0 Message Signing §5.3.1 wants aud, nbf and exp.
func (p *Provider) wrongRequest(client *clients.Client, o requestObject, rules string) string {
	now, alg := p.Clock(), o.token.Headers[0].Algorithm
	strict := client.FAPI()
	switch {
	case client.RequestObjectAlg != "" && alg != client.RequestObjectAlg, strict && !slices.Contains(clients.FAPI2Algs, alg):
		return "The request object is signed with another algorithm than registered."
	case o.params.Has("request") || o.params.Has("request_uri"):
		return "A request object cannot hold another one."
	case o.Issuer != "" && o.Issuer != client.ID:
		return "The request object comes from another client."
	case o.ClientID != "" && o.ClientID != client.ID, o.ClientID == "" && (strict || rules == clients.RulesRFC9101):
		return "The request object has to name the client as client_id."
	case o.Subject == client.ID:
		return "The request object is a client assertion." // RFC 9101 §10.8
	case !slices.Contains(o.Audience, p.Issuer) && (strict || len(o.Audience) > 0):
		return "The request object is made out to somebody else."
	}
	return wrongTimes(o, now, strict)
}

func wrongTimes(o requestObject, now time.Time, strict bool) string {
	switch {
	case strict && (o.Expires == nil || o.NotBefore == nil):
		return "The request object needs exp and nbf."
	case o.Expires != nil && !o.Expires.Time().Add(jws.Leeway).After(now):
		return "The request object has expired."
	case o.NotBefore != nil && o.NotBefore.Time().After(now.Add(jws.Leeway)):
		return "The request object is not good yet."
	case o.Issued != nil && o.Issued.Time().After(now.Add(jws.Leeway)):
		return "The request object comes from the future."
	case strict && (now.Sub(o.NotBefore.Time()) > maxRequestAge+jws.Leeway || o.Expires.Time().Sub(o.NotBefore.Time()) > maxRequestAge):
		return "The request object lives for too long."
	}
	return ""
}

// signedBy checks the signature with the client's keys.
func (p *Provider) signedBy(ctx context.Context, client *clients.Client, token *jwt.JSONWebToken) error {
	keys, err := p.keysOf(ctx, client, token.Headers[0].KeyID)
	if err != nil {
		return wire.Refuse("invalid_request_object", "The keys of the client could not be had.").Because(err)
	}
	if !jws.SignedBy(token, keys) {
		return wire.Refuse("invalid_request_object", "The request object is not signed with a key of the client.")
	}
	return nil
}

// checkSigned holds clients to signing that said they would. RFC 9101 §10.5.
func checkSigned(_ *Provider, a *authorization) error {
	if a.client.RequireSignedRequest && !a.signed {
		return wire.Refuse("invalid_request", "The client has to sign its requests (RFC 9101).")
	}
	return nil
}

// gather collects the parameters of a request that refers to some of them.
func (p *Provider) gather(ctx context.Context, a *authorization) error {
	uri := a.params.Get("request_uri")
	switch {
	case strings.HasPrefix(uri, pushedPrefix):
		return p.pull(ctx, a, uri)
	case uri != "":
		return p.refer(ctx, a, uri)
	case a.params.Has("request") && uri == "":
		p.answersTo(a) // what is wrong with the object may be told there
		return p.openRequest(ctx, a, a.client.RequestRules)
	}
	return nil
}
