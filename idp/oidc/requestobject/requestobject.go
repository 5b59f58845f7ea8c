// Package requestobject reads authorization requests that came as a JWT of their client:
// RFC 9101, OIDC Core §6. Parse reads one and trusts nothing; Wrong tells what it has wrong
// for a client, but for the signature, which needs the client's keys.
package requestobject

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/wire"
)

// MaxLength bounds a request object, in bytes.
const MaxLength = 16 << 10

// maxAge bounds the age of nbf, and how long after it exp may lie. FAPI 2.0 Message
// Signing §5.3.1.
const maxAge = time.Hour

// algs is what request objects may be signed with; "none" proves nothing.
var algs = jws.Algorithms(clients.RequestAlgs)

// Object is an authorization request that its client signed. RFC 9101 §4.
type Object struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jwt.Audience     `json:"aud"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Issued    *jwt.NumericDate `json:"iat"`
	ClientID  string           `json:"client_id"`

	Params url.Values        `json:"-"` // its other members, as the parameters they stand for
	Token  *jwt.JSONWebToken `json:"-"` // to be verified with the client's keys
}

// aboutObject are the members that speak about the object and not about the request.
var aboutObject = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// Parse reads a request object without trusting it yet.
func Parse(text string) (o Object, ok bool) {
	if text == "" || len(text) > MaxLength {
		return Object{}, false
	}
	token, err := jwt.ParseSigned(text, algs)
	if err != nil || len(token.Headers) != 1 || !isRequestType(token.Headers[0]) {
		return Object{}, false
	}
	var members map[string]json.RawMessage
	if token.UnsafeClaimsWithoutVerification(&members) != nil || token.UnsafeClaimsWithoutVerification(&o) != nil {
		return Object{}, false
	}
	o.Token = token
	o.Params, ok = textual(members)
	wire.OmitEmpty(o.Params)
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

// Wrong tells what the object has wrong for that client, "" when nothing: by the rules
// of clients.RulesOIDC or clients.RulesRFC9101, all but the signature. RFC 9101 §6.3;
// FAPI 2.0 Message Signing §5.3.1 wants aud, nbf and exp.
func (o Object) Wrong(client *clients.Client, issuer, rules string, now time.Time) string {
	alg, strict := o.Token.Headers[0].Algorithm, client.FAPI()
	switch {
	case client.RequestObjectAlg != "" && alg != client.RequestObjectAlg, strict && !slices.Contains(clients.FAPI2Algs, alg):
		return "The request object is signed with another algorithm than registered."
	case o.Params.Has("request") || o.Params.Has("request_uri"):
		return "A request object cannot hold another one."
	case o.Issuer != "" && o.Issuer != client.ID:
		return "The request object comes from another client."
	case o.ClientID != "" && o.ClientID != client.ID, o.ClientID == "" && (strict || rules == clients.RulesRFC9101):
		return "The request object has to name the client as client_id."
	case o.Subject == client.ID:
		return "The request object is a client assertion." // RFC 9101 §10.8
	case !slices.Contains(o.Audience, issuer) && (strict || len(o.Audience) > 0):
		return "The request object is made out to somebody else."
	}
	return wrongTimes(o, now, strict)
}

func wrongTimes(o Object, now time.Time, strict bool) string {
	switch {
	case strict && (o.Expires == nil || o.NotBefore == nil):
		return "The request object needs exp and nbf."
	case o.Expires != nil && !o.Expires.Time().Add(jws.Leeway).After(now):
		return "The request object has expired."
	case o.NotBefore != nil && o.NotBefore.Time().After(now.Add(jws.Leeway)):
		return "The request object is not good yet."
	case o.Issued != nil && o.Issued.Time().After(now.Add(jws.Leeway)):
		return "The request object comes from the future."
	case strict && (now.Sub(o.NotBefore.Time()) > maxAge+jws.Leeway || o.Expires.Time().Sub(o.NotBefore.Time()) > maxAge):
		return "The request object lives for too long."
	}
	return ""
}
