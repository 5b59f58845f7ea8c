package oidc

import (
	"slices"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"

	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
)

var _ openid.Session = (*session)(nil)

// session is what codes and tokens say about the log-in they come from. It is
// encoded once, with the code, and once more, with the grant.
type session struct {
	AccountID string         `json:"account,omitempty"` // in the code; a grant has a column for it
	Subject   string         `json:"sub"`
	SID       string         `json:"sid,omitempty"` // likewise
	AuthTime  time.Time      `json:"auth_time"`
	ACR       string         `json:"acr,omitempty"`
	AMR       []string       `json:"amr,omitempty"`
	Nonce     string         `json:"nonce,omitempty"`
	Userinfo  []string       `json:"userinfo,omitempty"` // single claims asked for, OIDC Core §5.5
	IDToken   []string       `json:"id_token,omitempty"` // the same, wanted in the ID token
	Resources []string       `json:"resources,omitempty"`
	Details   target.Details `json:"details,omitempty"`
	Actor     *tokens.Actor  `json:"act,omitempty"`
	DPoPKey   string         `json:"dpop_jkt,omitempty"` // the key that the code is bound to, RFC 9449 §10

	grant   string            // that a code made with it leads to, "" when none was made
	claims  jwt.IDTokenClaims // what fosite writes at_hash into
	headers jwt.Headers       // unused: idtoken.go writes its own
}

// Members writes what the tags of the fields say.
func (s *session) Members(w *object.Writer) {
	w.Text("account", s.AccountID)
	w.Value("sub", s.Subject)
	w.Text("sid", s.SID)
	w.Value("auth_time", s.AuthTime)
	w.Text("acr", s.ACR)
	w.Texts("amr", s.AMR)
	w.Text("nonce", s.Nonce)
	w.Texts("userinfo", s.Userinfo)
	w.Texts("id_token", s.IDToken)
	w.Texts("resources", s.Resources)
	if len(s.Details) > 0 {
		w.Value("details", s.Details)
	}
	if s.Actor != nil {
		w.Value("act", s.Actor)
	}
	w.Text("dpop_jkt", s.DPoPKey)
}

// Member reads what Members wrote.
func (s *session) Member(name []byte, r *object.Reader) {
	switch string(name) {
	case "account":
		r.Text(&s.AccountID)
	case "sub":
		r.Text(&s.Subject)
	case "sid":
		r.Text(&s.SID)
	case "auth_time":
		r.Time(&s.AuthTime)
	case "acr":
		r.Text(&s.ACR)
	case "amr":
		r.Texts(&s.AMR)
	case "nonce":
		r.Text(&s.Nonce)
	case "userinfo":
		r.Texts(&s.Userinfo)
	case "id_token":
		r.Texts(&s.IDToken)
	case "resources":
		r.Texts(&s.Resources)
	case "dpop_jkt":
		r.Text(&s.DPoPKey)
	default:
		r.Unknown()
	}
}

// IDTokenClaims is where fosite leaves the hash of the access token. It gets no
// times: those it would hold against the machine's clock.
func (s *session) IDTokenClaims() *jwt.IDTokenClaims {
	s.claims.Subject = s.Subject
	return &s.claims
}

// IDTokenHeaders is what fosite takes the algorithm for at_hash from; all of ours
// use SHA-256.
func (s *session) IDTokenHeaders() *jwt.Headers { return &s.headers }

// SetExpiresAt does nothing: rows carry the times, by our clock.
func (*session) SetExpiresAt(fosite.TokenType, time.Time) {}

// GetExpiresAt says nothing, so that fosite answers with the configured lifetime.
func (*session) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

// GetUsername gives nothing; nobody is known by a user name here.
func (*session) GetUsername() string { return "" }

// GetSubject gives the sub of the person.
func (s *session) GetSubject() string { return s.Subject }

// Clone copies the session, with nothing shared that could be written to.
func (s *session) Clone() fosite.Session {
	if s == nil {
		return nil
	}
	c := *s
	c.AMR, c.Userinfo, c.IDToken = slices.Clone(s.AMR), slices.Clone(s.Userinfo), slices.Clone(s.IDToken)
	c.Resources, c.Details = slices.Clone(s.Resources), slices.Clone(s.Details)
	c.claims = jwt.IDTokenClaims{AccessTokenHash: s.claims.AccessTokenHash}
	c.headers = jwt.Headers{}
	return &c
}
