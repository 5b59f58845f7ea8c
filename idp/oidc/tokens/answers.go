package tokens

import (
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
)

// Answer is the answer of the token endpoint. RFC 6749 §5.1, OIDC Core §3.1.3.3.
type Answer struct {
	AccessToken  string
	TokenType    string
	ExpiresIn    int64 // seconds
	RefreshToken string
	IDToken      string
	Scope        string
	NoScope      bool // none, though some were asked for before: Scope is told although it is empty

	IssuedTokenType string         // RFC 8693 §2.2.1
	Details         target.Details // RFC 9396 §7
}

// Members writes it, without what is not there.
func (t Answer) Members(w *object.Writer) {
	w.Text("access_token", t.AccessToken)
	w.Text("token_type", t.TokenType)
	w.Value("expires_in", t.ExpiresIn)
	w.Text("refresh_token", t.RefreshToken)
	w.Text("id_token", t.IDToken)
	if t.Scope != "" || t.NoScope {
		w.Value("scope", t.Scope)
	}
	w.Text("issued_token_type", t.IssuedTokenType)
	if len(t.Details) > 0 {
		w.Value("authorization_details", t.Details)
	}
}

// Introspection is what a token is, to somebody who may know. RFC 7662 §2.2. One that
// is no good, or none of the client's business, is just not active.
type Introspection struct {
	Active    bool
	Scope     string
	Client    string
	TokenType string
	Expires   int64 // this and Issued: seconds since 1970
	Issued    int64
	Subject   string
	Audience  Audience
	Issuer    string
	ID        string
	AuthTime  int64 // RFC 9470 §6.2
	ACR       string
	Details   target.Details // RFC 9396 §9.2
	Actor     *Actor         // RFC 8693 §4.1
	MayAct    *Actor         // RFC 8693 §4.4
	Bound     Confirmation   // RFC 9449 §6.2
}

// Members writes it, without what is not there.
func (i Introspection) Members(w *object.Writer) {
	w.Value("active", i.Active)
	w.Text("scope", i.Scope)
	w.Text("client_id", i.Client)
	w.Text("token_type", i.TokenType)
	w.Number("exp", i.Expires)
	w.Number("iat", i.Issued)
	w.Text("sub", i.Subject)
	if len(i.Audience) > 0 {
		w.Value("aud", i.Audience)
	}
	w.Text("iss", i.Issuer)
	w.Text("jti", i.ID)
	w.Number("auth_time", i.AuthTime)
	w.Text("acr", i.ACR)
	if len(i.Details) > 0 {
		w.Value("authorization_details", i.Details)
	}
	if i.Actor != nil {
		w.Value("act", i.Actor)
	}
	if i.MayAct != nil {
		w.Value("may_act", i.MayAct)
	}
	if i.Bound.Bound() {
		w.Value("cnf", i.Bound)
	}
}
