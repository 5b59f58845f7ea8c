package registration

import (
	"encoding/json"
	"strings"
	"testing"

	"tegata/idp/clients"
)

// A refusal names what the client has sent, not what we made of it. RFC 7591 §3.2.2.
func TestARefusalNamesTheMemberThatWasSent(t *testing.T) {
	for sent, want := range map[string]string{
		`{"client_name": 5, "redirect_uris": ["https://rp.test/cb"]}`:                                              "client_name",
		`{"client_name": "\u202ebank", "redirect_uris": ["https://rp.test/cb"]}`:                                   "client_name",
		`{"client_name#ja-JP": "\u202ebank", "redirect_uris": ["https://rp.test/cb"]}`:                             "client_name#ja-JP",
		`{"client_name#ja": 5, "redirect_uris": ["https://rp.test/cb"]}`:                                           "client_name#ja",
		`{"client_name#\"": 5, "redirect_uris": ["https://rp.test/cb"]}`:                                           "", // no language tag: a member that is not known
		`{"grant_types": ["client_credentials"]}`:                                                                  "client_name",
		`{"scope": 5, "redirect_uris": ["https://rp.test/cb"]}`:                                                    "scope",
		`{"response_types": ["code token"], "grant_types": ["implicit"], "redirect_uris": ["https://rp.test/cb"]}`: "grant_types",
		`{"redirect_uris": ["http://rp.test/cb"]}`:                                                                 "redirect_uris[0]",
	} {
		said, err := parseMetadata([]byte(sent))
		if err != nil {
			t.Fatal(err)
		}
		if got := refusedMember(clients.Client{ID: "a"}, said); got != want {
			t.Errorf("%s: %s, want %s", sent, got, want)
		}
	}
	// RFC 7592 §2.2: what a change leaves out stays, and is not what is wrong with it.
	had := clients.Client{ID: "a", Name: map[string]string{"en": "A"}, RedirectURIs: []string{"https://rp.test/cb"}, GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"}}
	for sent, want := range map[string]string{
		`{"response_types": ["code id_token"]}`:   "response_types",
		`{"grant_types": ["client_credentials"]}`: "grant_types",
	} {
		said := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(sent), &said); err != nil {
			t.Fatal(err)
		}
		if got := refusedMember(had, said); got != want {
			t.Errorf("%s: %s, want %s", sent, got, want)
		}
	}
}

// refusedMember is the member that the refusal of a registration names, "" for none.
func refusedMember(c clients.Client, said map[string]json.RawMessage) string {
	member, _, _ := strings.Cut(refused(c, said), ":")
	return member
}

// refused is what the refusal of a registration says, "" for none.
func refused(c clients.Client, said map[string]json.RawMessage) string {
	problems := c.Apply(said)
	if c.HasSecret() {
		c.SecretDigests = []string{strings.Repeat("0", 64)}
	}
	c.Default()
	problems = append(problems, c.Check("", false)...)
	if len(problems) == 0 {
		return ""
	}
	return refusal(worst(problems), said).Why
}
