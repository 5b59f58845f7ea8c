package claims

import (
	"bytes"
	"encoding/json"
	"slices"
)

// maxClaims bounds how many single claims one request may name.
const maxClaims = 64

// Parameter is the claims parameter: which single claims go where, and what some of them
// have to be. OIDC Core §5.5.
type Parameter struct {
	Userinfo, IDToken []string // names that exist here, in order

	Subject string   // the person it has to be, "" for anybody
	ACRs    []string // one of which has to be reached; an essential acr
}

// Names are the single claims, wherever they go.
func (w Parameter) Names() []string { return slices.Concat(w.Userinfo, w.IDToken) }

// Limit leaves out the single claims that none of the scopes carries. One that cannot be
// given is just not there, essential or not. OIDC Core §5.5.1.
func (w Parameter) Limit(scopes []string) Parameter {
	w.Userinfo, w.IDToken = Carried(w.Userinfo, scopes), Carried(w.IDToken, scopes)
	return w
}

// single is one member of it; null asks for a claim without saying more.
type single struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// ReadParameter reads the claims parameter; ok is false when it is not the JSON it has
// to be. Members and claims that nobody knows are ignored, as §5.5 wants.
func ReadParameter(text string) (w Parameter, ok bool) {
	if text == "" {
		return Parameter{}, true
	}
	var members struct {
		Userinfo map[string]*single `json:"userinfo"`
		IDToken  map[string]*single `json:"id_token"`
	}
	if !isObject(text) || json.Unmarshal([]byte(text), &members) != nil {
		return Parameter{}, false
	}
	if len(members.Userinfo) > maxClaims || len(members.IDToken) > maxClaims {
		return Parameter{}, false
	}
	w = Parameter{Userinfo: singles(members.Userinfo), IDToken: singles(members.IDToken)}
	for _, asked := range []map[string]*single{members.IDToken, members.Userinfo} {
		for _, sub := range asked["sub"].texts() {
			if w.Subject != "" && w.Subject != sub {
				return Parameter{}, false // nobody is two people
			}
			w.Subject = sub
		}
	}
	if acr := members.IDToken["acr"]; acr != nil && acr.Essential {
		w.ACRs = acr.texts()
	}
	return w, true
}

func isObject(text string) bool {
	return bytes.HasPrefix(bytes.TrimLeft([]byte(text), " \t\r\n"), []byte("{"))
}

// texts are the values that would do, none when any would.
func (s *single) texts() []string {
	if s == nil {
		return nil
	}
	var texts []string
	for _, raw := range append([]json.RawMessage{s.Value}, s.Values...) {
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// singles keeps the names of claims that exist here, in order.
func singles(asked map[string]*single) []string {
	var names []string
	for name := range asked {
		if slices.Contains(Personal, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
