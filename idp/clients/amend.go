package clients

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// void are members of RFC 7591 and RFC 7592 that say nothing to us: an operator who brings
// the registration of some software as it is may leave them in.
var void = []string{"software_id", "software_version", "client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"}

// Amend sets members of the registration from JSON, by their names, and lists what could
// not be read, with paths below at. Two things may be said in our way and in that of RFC
// 7591 §2: names by language, or client_name and client_name#ja; scopes, or scope, one
// text. What is not named stays.
func (c *Client) Amend(at string, entry map[string]json.RawMessage) Problems {
	var p Problems
	own, names := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		raw := entry[key]
		switch {
		case strings.HasPrefix(key, "client_name#"), key == "client_name" && strings.HasPrefix(string(raw), `"`):
			names[key] = raw
		case key == "scope" && entry["scopes"] != nil:
			p.add(at+".scope", "want either scope or scopes")
		case key == "scope":
			c.Scopes = c.readScope(&p, at, raw)
		case key == "client_secret":
			p.add(at+"."+key, "leave it out: secrets are made here and shown once")
		case !slices.Contains(void, key):
			own[key] = raw
		}
	}
	p = append(p, readKeys(at, own, members, reflect.ValueOf(c).Elem())...)
	if len(names) > 0 {
		c.readNames(&p, at, names)
	}
	c.dropRefreshing(entry)
	return p
}

// below is the path of a member, of one that stands alone where at is "".
func below(at, member string) string { return strings.TrimPrefix(at+"."+member, ".") }

// readScope reads scope: names in one text, blanks between. RFC 7591 §2.
func (c *Client) readScope(p *Problems, at string, raw json.RawMessage) []string {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		p.add(below(at, "scope"), "want a text")
		return c.Scopes
	}
	return strings.Fields(text)
}

// dropRefreshing takes away how long refresh tokens live from a client that may have none
// any more, unless that was said just now.
func (c *Client) dropRefreshing(said map[string]json.RawMessage) {
	if c.May(RefreshToken) {
		return
	}
	for name, value := range c.refreshMembers() {
		if _, ok := said[name]; !ok {
			*value = ""
		}
	}
}
