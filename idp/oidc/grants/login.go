package grants

import (
	"slices"
	"time"

	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
)

// MaxFrom bounds how many exchanges lie behind one token.
const MaxFrom = 4

// LogIn is what codes, tokens and grants say about the log-in they come from. It is
// encoded once, with the code, and once more, with the grant. Where no person is, in the
// token of a client that acts for itself, it has the subject alone, and in one that was
// exchanged for that the actor, too.
type LogIn struct {
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
	From      []string       `json:"from,omitempty"`     // the access tokens that it was exchanged from, the last one first, at most MaxFrom
	Through   []string       `json:"through,omitempty"`  // where no grant is: the clients between the first, which is the subject, and the one that has it
	DPoPKey   string         `json:"dpop_jkt,omitempty"` // the key that the code is bound to, RFC 9449 §10
}

// Members writes what the tags of the fields say.
func (l *LogIn) Members(w *object.Writer) {
	w.Text("account", l.AccountID)
	w.Value("sub", l.Subject)
	w.Text("sid", l.SID)
	w.Value("auth_time", l.AuthTime)
	w.Text("acr", l.ACR)
	w.Texts("amr", l.AMR)
	w.Text("nonce", l.Nonce)
	w.Texts("userinfo", l.Userinfo)
	w.Texts("id_token", l.IDToken)
	w.Texts("resources", l.Resources)
	if len(l.Details) > 0 {
		w.Value("details", l.Details)
	}
	if l.Actor != nil {
		w.Value("act", l.Actor)
	}
	w.Texts("from", l.From)
	w.Texts("through", l.Through)
	w.Text("dpop_jkt", l.DPoPKey)
}

// Member reads what Members wrote.
func (l *LogIn) Member(name []byte, r *object.Reader) {
	switch string(name) {
	case "account":
		r.Text(&l.AccountID)
	case "sub":
		r.Text(&l.Subject)
	case "sid":
		r.Text(&l.SID)
	case "auth_time":
		r.Time(&l.AuthTime)
	case "acr":
		r.Text(&l.ACR)
	case "amr":
		r.Texts(&l.AMR)
	case "nonce":
		r.Text(&l.Nonce)
	case "userinfo":
		r.Texts(&l.Userinfo)
	case "id_token":
		r.Texts(&l.IDToken)
	case "resources":
		r.Texts(&l.Resources)
	case "from":
		r.Texts(&l.From)
	case "through":
		r.Texts(&l.Through)
	case "dpop_jkt":
		r.Text(&l.DPoPKey)
	default:
		r.Unknown()
	}
}

// Clone copies the log-in, with nothing shared that is written to.
func (l *LogIn) Clone() LogIn {
	c := *l
	c.AMR, c.Userinfo, c.IDToken = slices.Clone(l.AMR), slices.Clone(l.Userinfo), slices.Clone(l.IDToken)
	c.Resources, c.Details = slices.Clone(l.Resources), slices.Clone(l.Details)
	c.From, c.Through = slices.Clone(l.From), slices.Clone(l.Through)
	return c
}
