package clients

import (
	"slices"
	"strings"
)

// ResponseTypes is every response type that exists here, each in the one spelling that
// is kept: OAuth 2.0 Multiple Response Types §3 and §5. A bare "token" is not among
// them: it would tell nobody who logged in (RFC 9700 §2.1.2).
var ResponseTypes = []string{"code", "code id_token", "code token", "code id_token token", "id_token", "id_token token"}

// ResponseType gives a response type in the spelling that is kept; its words may come
// in any order. It gives "" for one that does not exist here.
func ResponseType(asked string) string {
	if asked == "code" {
		return asked
	}
	words := strings.Split(asked, " ")
	for _, known := range ResponseTypes {
		all := strings.Split(known, " ")
		if len(all) == len(words) && !slices.ContainsFunc(all, func(one string) bool { return !slices.Contains(words, one) }) {
			return known
		}
	}
	return ""
}

// Responds tells whether the client may ask for the response type.
func (c *Client) Responds(responseType string) bool {
	return slices.ContainsFunc(c.ResponseTypes, func(one string) bool { return one == responseType || ResponseType(one) == responseType })
}

// grantTypesNeeded gives the grant types that the response types stand for. OIDC
// Registration §2.
func (c *Client) grantTypesNeeded() []string {
	var needed []string
	for _, one := range c.ResponseTypes {
		for _, word := range strings.Fields(one) {
			grantType := Implicit
			if word == "code" {
				grantType = AuthorizationCode
			}
			if !slices.Contains(needed, grantType) {
				needed = append(needed, grantType)
			}
		}
	}
	slices.Sort(needed)
	return needed
}

// checkResponseTypes refuses response types that do not exist and those whose grant
// type is missing.
func (c *Client) checkResponseTypes(p *Problems, at string) {
	for _, one := range c.ResponseTypes {
		if ResponseType(one) == "" {
			p.about(at+".response_types", "want one of "+strings.Join(ResponseTypes, ", "), ", not %q", one)
			return
		}
	}
	for _, needed := range c.grantTypesNeeded() {
		if !c.May(needed) {
			p.add(at+".grant_types", "the response types need %s", needed)
		}
	}
}
