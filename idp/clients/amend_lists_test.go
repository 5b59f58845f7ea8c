package clients_test

import (
	"encoding/json"
	"slices"
	"testing"

	"tegata/idp/clients"
)

// membersOf reads members of a registration, by their names.
func membersOf(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	all, err := clients.ReadMembers([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What is there twice is kept once, whoever registers it.
func TestAListKeepsEachValueOnce(t *testing.T) {
	c := client("shop")
	if p := c.Apply(membersOf(t, `{"redirect_uris": ["https://a.test/", "https://b.test/", "https://a.test/"], "grant_types": ["authorization_code", "authorization_code"], "contacts": ["x", "x"]}`)); len(p) > 0 {
		t.Fatal(p)
	}
	c.Default()
	if !slices.Equal(c.RedirectURIs, []string{"https://a.test/", "https://b.test/"}) || len(c.GrantTypes) != 1 || len(c.Contacts) != 1 {
		t.Errorf("%q, %q, %q", c.RedirectURIs, c.GrantTypes, c.Contacts)
	}
}

// OIDC Back-Channel Logout §2.2: it says something about the address, and goes with it.
func TestWhatALogoutNeedsGoesWithItsAddress(t *testing.T) {
	c := client("shop")
	c.Apply(membersOf(t, `{"backchannel_logout_uri": "https://a.test/bye", "backchannel_logout_session_required": true,
		"frontchannel_logout_uri": "https://a.test/bye", "frontchannel_logout_session_required": true}`))
	if c.Default(); !c.BackchannelLogoutSession || !c.FrontchannelLogoutSession {
		t.Fatalf("%+v", c)
	}
	c.Apply(membersOf(t, `{"backchannel_logout_uri": null, "frontchannel_logout_uri": null}`))
	if c.Default(); c.BackchannelLogoutSession || c.FrontchannelLogoutSession {
		t.Errorf("without an address: %t, %t", c.BackchannelLogoutSession, c.FrontchannelLogoutSession)
	}
}

func TestAValueOfAnotherKindIsToldWhichOneIsWanted(t *testing.T) {
	for text, want := range map[string]string{
		`{"default_max_age": 1e30}`:                 "want a whole number",
		`{"redirect_uris": "https://rp.test/cb"}`:   "want a list",
		`{"token_exchange": 5}`:                     "want a block of keys",
		`{"require_auth_time": "yes"}`:              "want true or false",
		`{"logo_uri": ["https://rp.test/logo"]}`:    "want a text",
		`{"token_endpoint_auth_method": [1, 2, 3]}`: "want a text",
	} {
		c := client("shop")
		if p := c.Amend("client", membersOf(t, text)); len(p) != 1 || p[0].Message != want {
			t.Errorf("%s: %v, want %q", text, p, want)
		}
	}
}

// Two resources, or the file and the database, name the same: a list of choices does not.
func TestChoicesAreNamedOnce(t *testing.T) {
	c := client("shop")
	c.DetailTypes = []string{"nope"}
	all := []clients.Resource{{ID: "https://a.test/", DetailTypes: []string{"transfer", "payment"}}, {ID: "https://a.test/", DetailTypes: []string{"transfer", "payment"}}}
	if p := c.CheckResources("client", all); len(p) != 1 || p[0].Message != `want one of transfer, payment, not "nope"` {
		t.Errorf("%v", p)
	}
}
