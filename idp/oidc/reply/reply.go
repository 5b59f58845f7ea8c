// Package reply carries the answer to an authorization request back to the client, through
// the browser of a person.
//
//	reply.go     Reply: where the answer goes, and what goes along with every answer
//	answer.go    Answer: one that is complete, to be sent at once or by the press of a button
//	modes.go     the response modes: query, fragment, form_post, and those that are signed
//	formpost.go  the page that posts an answer, and its script
//
// Whether the address is the client's own is found out before: here nothing is checked.
package reply

import (
	"net/http"
	"net/url"
	"strings"

	"tegata/idp/oidc/wire"
)

// Reply is how the answer to an authorization request travels: through the browser,
// to an address that was checked.
type Reply struct {
	URI     string // redirect_uri
	State   string // as it came, "" for none
	Mode    string // Query, Fragment or FormPost
	Issuer  string
	Session string // session_state, "" for none
	Style   string // URL of a stylesheet for the page of form_post, "" for none

	// Sign makes the parameters of a signed answer of those of a plain one; nil for a plain
	// one.
	Sign func(r *http.Request, answer [][2]string) ([][2]string, error)
}

// Refuse makes the answer that is an error. RFC 6749 §4.1.2.1.
func (b Reply) Refuse(r *http.Request, why *wire.Refusal) (Answer, error) {
	return b.Make(r, [2]string{"error", why.Code}, [2]string{"error_description", why.Why})
}

// Make makes the answer with these parameters. It adds state, exactly as it came and only if
// it came, and iss, so that the client knows who answers (RFC 9207 §2). The error is that of
// Sign: an answer that was to be signed does not travel unsigned.
func (b Reply) Make(r *http.Request, answer ...[2]string) (Answer, error) {
	if b.State != "" {
		answer = append(answer, [2]string{"state", b.State})
	}
	if b.Session != "" {
		answer = append(answer, [2]string{"session_state", b.Session})
	}
	answer = append(answer, [2]string{"iss", b.Issuer})
	if b.Sign != nil {
		var err error
		if answer, err = b.Sign(r, answer); err != nil {
			return Answer{}, err
		}
	}
	return Answer{b, answer}, nil
}

// redirect adds the answer to the query that the registered address may have, or
// makes it the fragment, which it does not have.
func (b Reply) redirect(answer [][2]string) string {
	var u strings.Builder
	u.WriteString(b.URI)
	separator := b.separator()
	for _, pair := range answer {
		u.WriteByte(separator)
		u.WriteString(pair[0])
		u.WriteByte('=')
		u.WriteString(url.QueryEscape(pair[1]))
		separator = '&'
	}
	return u.String()
}

// separator is what stands between an address and its first parameter.
func (b Reply) separator() byte {
	switch {
	case b.Mode == Fragment:
		return '#'
	case strings.Contains(b.URI, "?"):
		return '&'
	}
	return '?'
}
