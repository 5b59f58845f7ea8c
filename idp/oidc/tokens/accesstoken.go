// Package tokens is the vocabulary of tokens: what each of them says, what is said of it,
// and how that is written.
//
//	accesstoken.go   access tokens in JWT form (RFC 9068), whom they are for, through whom
//	idtoken.go       ID tokens (OIDC Core §2)
//	answers.go       what the token endpoint and the introspection endpoint answer
//	confirmation.go  the key without which a token is worth nothing (RFC 7800)
//
// It makes and judges none: what stands in one is decided by whoever fills it in.
package tokens

import (
	"encoding/json"

	"tegata/idp/oidc/target"
)

// AccessToken is what an access token in JWT form says. RFC 9068 §2.2.
type AccessToken struct {
	Issuer   string         `json:"iss"`
	Subject  string         `json:"sub"`
	Audience Audience       `json:"aud"`
	Client   string         `json:"client_id"`
	Expires  int64          `json:"exp"`
	Issued   int64          `json:"iat"`
	ID       string         `json:"jti"`
	Scope    string         `json:"scope,omitempty"`
	AuthTime int64          `json:"auth_time,omitempty"`
	ACR      string         `json:"acr,omitempty"`
	AMR      []string       `json:"amr,omitempty"`
	Details  target.Details `json:"authorization_details,omitempty"`
	Actor    *Actor         `json:"act,omitempty"`
	MayAct   *Actor         `json:"may_act,omitempty"`           // RFC 8693 §4.4
	Bound    Confirmation   `json:"cnf,omitzero"`                // RFC 7800 §3.1
	Grant    string         `json:"grant_id,omitempty"`          // what it ends with, "" for nothing; for us alone
	From     []string       `json:"from_jti,omitempty"`          // without a grant: the access tokens that it ends with; for us alone
	Through  string         `json:"through_client_id,omitempty"` // the same: clients that it ends with; sealed, since resources read tokens
}

// Audience is a text when there is one and a list when there are more. RFC 7519 §4.1.3.
type Audience []string

// MarshalJSON writes it.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads either form.
func (a *Audience) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*a = Audience{""}
		return json.Unmarshal(b, &(*a)[0])
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// Actor is through whom a token went on its way. RFC 8693 §4.1.
type Actor struct {
	Subject string `json:"sub"`
	Client  string `json:"client_id,omitempty"`
	Actor   *Actor `json:"act,omitempty"` // before that
}
