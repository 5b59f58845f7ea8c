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

	Subjects []string // of which the person has to be one; none for anybody
	ACRs     []string // one of which has to be reached; an essential acr
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
	if w.Subjects, ok = subjects(members.IDToken["sub"], members.Userinfo["sub"]); !ok {
		return Parameter{}, false
	}
	if acr := members.IDToken["acr"]; acr != nil && acr.Essential {
		w.ACRs = acr.texts()
	}
	return w, true
}

// subjects gives whom all of these allow; ok is false when that is nobody, since nobody is
// two people. Of one member, value is one person and values are several that would do.
// OIDC Core §5.5.1.
func subjects(asked ...*single) (all []string, ok bool) {
	for _, one := range asked {
		if one == nil {
			continue
		}
		for _, some := range [][]string{texts(one.Value), texts(one.Values...)} {
			switch {
			case len(some) == 0:
				continue
			case all != nil:
				some = slices.DeleteFunc(some, func(sub string) bool { return !slices.Contains(all, sub) })
			}
			if all = some; len(all) == 0 {
				return nil, false
			}
		}
	}
	return all, true
}

func isObject(text string) bool {
	return bytes.HasPrefix(bytes.TrimLeft([]byte(text), " \t\r\n"), []byte("{"))
}

// texts are the values that would do, none when any would.
func (s *single) texts() []string {
	return texts(append([]json.RawMessage{s.Value}, s.Values...)...)
}

func texts(raw ...json.RawMessage) (all []string) {
	for _, one := range raw {
		var text string
		if json.Unmarshal(one, &text) == nil && text != "" {
			all = append(all, text)
		}
	}
	return all
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
