package clients_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/shared/clock"
	"tegata/shared/fault"
)

// amended reads a registration as the command line does.
func amended(t *testing.T, text string) (clients.Client, clients.Problems) {
	t.Helper()
	members, err := clients.ReadMembers([]byte(text))
	must(t, err)
	var c clients.Client
	problems := c.Amend("client", members)
	c.Default()
	return c, problems
}

func TestARegistrationIsReadInBothForms(t *testing.T) { // RFC 7591 §2
	theirs, problems := amended(t, `{"client_id": "shop", "client_name": "Shop", "client_name#ja-JP": "店", "scope": "openid email",
		"redirect_uris": ["https://shop.example/cb"], "token_endpoint_auth_method": "none", "contacts": ["a@shop.example"],
		"software_id": "4711", "client_id_issued_at": 1790000000, "jwks": {"keys": [], "note": "more than RFC 7517 says"}}`)
	if problems != nil {
		t.Fatal(problems)
	}
	ours, problems := amended(t, "client_id: shop\nclient_name: {en: Shop, ja-JP: 店}\nscopes: [openid, email]\nredirect_uris: [https://shop.example/cb]\n"+
		"token_endpoint_auth_method: none\ncontacts: [a@shop.example]\njwks: {keys: []}\n")
	if problems != nil {
		t.Fatal(problems)
	}
	if !reflect.DeepEqual(theirs, ours) || theirs.NameIn("ja") != "店" || !slices.Equal(theirs.Scopes, []string{"openid", "email"}) {
		t.Errorf("JSON of RFC 7591: %+v\nYAML of ours: %+v", theirs, ours)
	}
	file, err := clients.Parse([]byte("clients:\n  - {client_id: shop, client_name: Shop, scope: openid email, redirect_uris: [https://shop.example/cb], token_endpoint_auth_method: none}\n"), false)
	if err != nil || file[0].NameIn("en") != "Shop" || !slices.Equal(file[0].Scopes, ours.Scopes) {
		t.Errorf("in the file: %+v %v", file, err)
	}
}

func TestWhatCannotBeReadIsNamedAsItWasWritten(t *testing.T) {
	for text, path := range map[string]string{
		`{"client_nam": "x"}`: "client.client_nam", `{"client_secret": "mine"}`: "client.client_secret", `{"scope": ["openid"]}`: "client.scope",
		`{"scope": "openid", "scopes": ["openid"]}`: "client.scope", `{"client_name#ja": {}}`: "client.client_name#ja",
		`{"client_uri#ja": "https://x.test"}`: "client.client_uri#ja", `{"token_exchange": {"form": ["a"]}}`: "client.token_exchange",
	} {
		if _, problems := amended(t, text); len(problems) != 1 || problems[0].Path != path {
			t.Errorf("%s: %v, want %s", text, problems, path)
		}
	}
	for _, text := range []string{"", "[]", "null", "shop", "{", "{a: b"} {
		if _, err := clients.ReadMembers([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// How long refresh tokens live means nothing without the grant type: it is refused where
// somebody says it, and goes with the grant type where nobody does.
func TestRefreshSettingsNeedTheGrantType(t *testing.T) {
	for _, name := range []string{"refresh_token_idle", "refresh_token_lifetime", "refresh_token_grace"} {
		c, problems := amended(t, `{"client_id": "a", "`+name+`": "5s"}`)
		if problems = append(problems, c.Check("client", false)...); !strings.Contains(problems.Error(), "client."+name+": needs the grant type refresh_token") {
			t.Errorf("%s: %v", name, problems)
		}
	}
	c, _ := amended(t, `{"client_id": "a", "grant_types": ["refresh_token", "client_credentials"]}`)
	if c.RefreshIdle != clients.DefaultRefreshIdle {
		t.Fatalf("client %+v", c)
	}
	members, err := clients.ReadMembers([]byte(`{"grant_types": ["client_credentials"]}`))
	must(t, err)
	put := c
	if c.Amend("client", members); c.RefreshIdle+c.RefreshLifetime+c.RefreshGrace != "" {
		t.Errorf("without the grant type: %q %q %q", c.RefreshIdle, c.RefreshLifetime, c.RefreshGrace)
	}
	members["refresh_token_idle"] = []byte(`"5d"`)
	if put.Apply(members); put.RefreshIdle != "" {
		t.Errorf("registered without the grant type: %q", put.RefreshIdle)
	}
}

func TestAScopeHasToExistSomewhere(t *testing.T) { // RFC 6749 §3.3
	resources := []clients.Resource{{ID: "https://orders.test/", Scopes: []string{"orders.read"}}, {ID: "https://other.test/", Scopes: []string{"other"}}}
	for want, c := range map[string]clients.Client{
		"": {Scopes: []string{"openid", "orders.read"}, Resources: []string{"https://orders.test/"}},
		`client.scopes: want one of openid, profile, email, address, phone, offline_access, orders.read, not "nope"`: {
			Scopes: []string{"openid", "nope"}, Resources: []string{"https://orders.test/"}},
		`client.scopes: "other" belongs to https://other.test/, which has to be in resources too`: {Scopes: []string{"other"}},
		`client.token_exchange.scopes: want one of openid, profile, email, address, phone, offline_access, not "nope"`: {
			TokenExchange: &clients.TokenExchange{Scopes: []string{"nope"}}},
		`client.resources: want one of https://orders.test/, https://other.test/, not "https://none.test/"`: {Resources: []string{"https://none.test/"}},
	} {
		if got := c.CheckResources("client", resources).Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What was switched off by hand stays off: a start goes by the file, but a client that was
// misused must not come back with it.
func TestAClientOfTheFileStaysSwitchedOff(t *testing.T) {
	change(t, func(t *testing.T, e clients.Editor, _ *clock.Held) {
		file := []clients.Client{client("a"), client("b")}
		sync := func(file ...clients.Client) { t.Helper(); must(t, e.Registry.Sync(t.Context(), file)) }
		works := func(id string, want bool) {
			t.Helper()
			c, err := e.Find(t.Context(), id)
			must(t, err)
			if _, err := e.Registry.ByID(t.Context(), id); c.Disabled == want || fault.Is(err, fault.NotFound) == want || c.Source != clients.SourceConfig {
				t.Errorf("%s: disabled %v, from %q, %v; want it to work: %v", id, c.Disabled, c.Source, err, want)
			}
		}
		sync(file...)
		a, err := e.Find(t.Context(), "a")
		must(t, err)
		must(t, e.SetDisabled(t.Context(), a, true))
		works("a", false)
		sync(file...)
		works("a", false)
		file[0].RequirePKCE = !file[0].RequirePKCE
		sync(file...)
		works("a", false)
		works("b", true)
		sync(file[1])
		sync(file...) // left the file, and came back
		works("a", false)
		must(t, e.SetDisabled(t.Context(), a, false))
		works("a", true)
		sync(file[0])
		works("b", false)
		sync(file...)
		works("b", true) // nobody switched this one off by hand
	})
}

func TestUnknownMembersAreToldInTheSameOrderEachTime(t *testing.T) {
	for range 20 {
		_, problems := amended(t, `{"zzz": 1, "client_nam": "x", "grant_typos": [], "scopers": []}`)
		var paths []string
		for _, one := range problems {
			paths = append(paths, one.Path)
		}
		if want := []string{"client.client_nam", "client.grant_typos", "client.scopers", "client.zzz"}; !slices.Equal(paths, want) {
			t.Fatalf("got %q, want %q", paths, want)
		}
	}
}
