package grants

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
)

// AccessToken is what an access token says by itself. Everything else is its grant's, and
// is looked up when the token comes: so it ends with the grant, at once. One of a client
// that acts for itself has no grant and says whose it is.
type AccessToken struct {
	ID      string              `json:"-"`
	Grant   string              `json:"g,omitempty"`
	Client  string              `json:"c,omitempty"` // this and the next two: without a grant
	Since   int64               `json:"r,omitempty"` // when the client was registered, in microseconds; 0 where a JWT cannot say
	LogIn   *LogIn              `json:"s,omitempty"`
	Issued  int64               `json:"i"`           // microseconds
	Expires int64               `json:"e"`           // microseconds
	Target  *target.Target      `json:"t,omitempty"` // nil: all that its grant is good for, at our own endpoints
	Bound   tokens.Confirmation `json:"k,omitzero"`
}

// Encode gives what is sealed: JSON, or for the most common token, which has nothing to
// say but its grant and its times, these three, one after the other.
func (t AccessToken) Encode() ([]byte, error) {
	if t.Client != "" || t.Target != nil || t.Bound.Bound() {
		return json.Marshal(t)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(t.Issued))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires))
	return append(b, t.Grant...), nil
}

// Decode reads it again. JSON begins with a brace, times of this millennium do not.
func (t *AccessToken) Decode(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, t)
	}
	if len(b) < 16 {
		return errors.New("grants: an access token was sealed with too little in it")
	}
	t.Issued, t.Expires = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
	t.Grant = string(b[16:])
	return nil
}

// fill writes down what the token says itself.
func (t AccessToken) fill(to *Token) {
	to.Kind, to.ID, to.Bound = Access, t.ID, t.Bound
	to.CreatedAt, to.ExpiresAt = time.UnixMicro(t.Issued).UTC(), time.UnixMicro(t.Expires).UTC()
	if t.Target == nil {
		to.Target = target.Target{Scopes: to.Scopes}
		return
	}
	to.Target, to.Scopes = *t.Target, t.Target.Scopes
}
