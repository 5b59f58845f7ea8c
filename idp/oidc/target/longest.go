package target

import (
	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/sealing"
)

// ErrTooLong refuses details with which an access token would be longer than Longest.
var ErrTooLong = refuse("The authorization_details are too long for one access token.")

// Longest is how many bytes an access token of that format may have: nobody looks at a longer
// one when it comes back.
func Longest(format string) int {
	if format == clients.JWT {
		return jws.MaxToken
	}
	return sealing.MaxLength
}

// What a token has besides what its request asks for: its times, ids and log-in, the key it
// is bound to and who may act, and its header and signature, as it is written out.
const (
	inside  = 1024
	outside = 256
)

// atMost is the number of bytes that an access token has at most which says this, of that
// issuer and client. What is asked for is known before anybody logs in, the rest is not.
func (t Target) atMost(issuer, client string) int {
	payload := inside + len(issuer) + len(client)
	for _, list := range [][]string{t.Audience, t.Scopes} {
		for _, one := range list {
			payload += len(one) + len(`"",`)
		}
	}
	for _, one := range t.Details {
		payload += len(one) + len(",")
	}
	return outside + payload*4/3 // base64
}
