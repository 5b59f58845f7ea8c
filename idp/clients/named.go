package clients

import (
	"fmt"
	"slices"
)

// CheckNames finds the clients that a file names and that are not among ids, those of all
// clients there are, of the file and elsewhere.
func CheckNames(file []Client, resources []Resource, ids []string) Problems {
	var p Problems
	for i, c := range file {
		p = append(p, c.CheckNames(fmt.Sprintf("clients[%d]", i), ids)...)
	}
	for i, r := range resources {
		p = append(p, r.CheckNames(fmt.Sprintf("resources[%d]", i), ids)...)
	}
	return p
}

// CheckNames finds the clients that the registration names and that are not among ids,
// those of all clients there are. Paths lie below at.
func (c *Client) CheckNames(at string, ids []string) Problems {
	var p Problems
	if c.MayAct != "" && !slices.Contains(ids, c.MayAct) {
		p.about(at+".may_act", "there is no such client, so nobody could exchange the tokens", ": %q", c.MayAct)
	}
	if c.TokenExchange == nil {
		return p
	}
	for i, id := range c.TokenExchange.From {
		if !slices.Contains(ids, id) {
			p.about(fmt.Sprintf("%s.token_exchange.from[%d]", at, i), "there is no such client", ": %q", id)
		}
	}
	return p
}

// CheckNames is that of Client, for the one that asks about tokens for the resource.
func (r Resource) CheckNames(at string, ids []string) Problems {
	var p Problems
	if r.ClientID != "" && !slices.Contains(ids, r.ClientID) {
		p.about(at+".client_id", "there is no such client, so nobody could ask about its tokens", ": %q", r.ClientID)
	}
	return p
}
