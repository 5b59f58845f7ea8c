package oidc

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"tegata/idp/oidc/wire"
	"tegata/idp/sessions"
)

// maxClaims bounds how many single claims one request may name.
const maxClaims = 64

// wanted is the claims parameter: which single claims go where, and what some of them
// have to be. OIDC Core §5.5.
type wanted struct {
	Userinfo, IDToken []string // names that exist here, in order

	subject string   // the person it has to be, "" for anybody
	acrs    []string // one of which has to be reached; an essential acr
}

// single is one member of it; null asks for a claim without saying more.
type single struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// readClaims reads the claims parameter; ok is false when it is not the JSON it has
// to be. Members and claims that nobody knows are ignored, as §5.5 wants.
func readClaims(text string) (w wanted, ok bool) {
	if text == "" {
		return wanted{}, true
	}
	var members struct {
		Userinfo map[string]*single `json:"userinfo"`
		IDToken  map[string]*single `json:"id_token"`
	}
	if !isObject(text) || json.Unmarshal([]byte(text), &members) != nil {
		return wanted{}, false
	}
	if len(members.Userinfo) > maxClaims || len(members.IDToken) > maxClaims {
		return wanted{}, false
	}
	w = wanted{Userinfo: singles(members.Userinfo), IDToken: singles(members.IDToken)}
	for _, asked := range []map[string]*single{members.IDToken, members.Userinfo} {
		for _, sub := range asked["sub"].texts() {
			if w.subject != "" && w.subject != sub {
				return wanted{}, false // nobody is two people
			}
			w.subject = sub
		}
	}
	if acr := members.IDToken["acr"]; acr != nil && acr.Essential {
		w.acrs = acr.texts()
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
		if slices.Contains(personal, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// readWantedPerson takes the person whom the claims parameter names for the person of
// an id_token_hint: somebody else must not be answered for (OIDC Core §5.5.1).
func readWantedPerson(_ *Provider, a *authorization) error {
	if a.claims.subject == "" {
		return nil
	}
	if a.hint.Subject != "" && a.hint.Subject != a.claims.subject {
		return wire.Refuse("invalid_request", "The id_token_hint and the claims parameter name two people.")
	}
	a.hint.Subject = a.claims.subject
	return nil
}

// checkACR refuses what no log-in here can reach, before anybody is asked for one.
// An acr that is not essential is a wish (OIDC Core §5.5.1.1).
func checkACR(_ *Provider, a *authorization) error {
	if len(a.claims.acrs) > 0 && !slices.ContainsFunc(a.claims.acrs, func(one string) bool { return slices.Contains(acrs, one) }) {
		return errUnmet
	}
	return nil
}

// acrs is what log-ins here can reach.
var acrs = []string{sessions.ACRPassword}

// errUnmet is OpenID Connect Core Error Code unmet_authentication_requirements §2.
var errUnmet = wire.Refuse("unmet_authentication_requirements", "No log-in here reaches what was asked for.")

// meets tells whether the log-in is of a class that was demanded.
func (a *authorization) meets(s *sessions.Session) error {
	if s == nil {
		return errNoPerson
	}
	if len(a.claims.acrs) > 0 && !slices.Contains(a.claims.acrs, s.ACR) {
		return errUnmet
	}
	return nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
