package clients_test

import (
	"testing"

	"tegata/idp/clients"
)

const twoClients = `# a comment
clients:
  - client_id: one
    client_name: {en: One, ja: 一}
    redirect_uris:
      - https://one.test/a
      - https://one.test/b
  -
    token_exchange:
      from: [one, nobody]
resources:
  - identifier: https://orders.test/
    client_id: nope
`

// Who has to mend a file wants to know the line of that file.
func TestAMistakeOfTheFileHasItsLine(t *testing.T) {
	for path, want := range map[string][2]int{
		"clients[0].client_id": {3, 16}, "clients[0].client_name.ja": {4, 32}, "clients[0].redirect_uris[1]": {7, 9},
		"clients[1].token_exchange.from[1]": {10, 19}, "resources[0].client_id": {13, 16},
		"clients[1].redirect_uris":     {9, 5}, // missing: where the client begins
		"clients[0].client_name#ja":    {3, 5},
		"clients[0].client_name.en-GB": {4, 19},
		"nothing":                      {0, 0},
		// keys that the parser of paths could not read
		"x[1": {0, 0}, "x[1.2]": {0, 0}, "clients[0].x[1": {3, 5}, "clients[0].x[1.2]": {3, 5}, "clients[0].x[": {3, 5}, "clients[0].$": {3, 5},
		"clients[0].'": {3, 5}, "clients[0].*": {3, 5}, "clients[0].x[99999999999999999999]": {3, 5}, "clients[0].": {3, 5}, "clients[0].]": {3, 5},
	} {
		if line, column := clients.Position([]byte(twoClients), path); [2]int{line, column} != want {
			t.Errorf("%s: %d:%d, want %v", path, line, column, want)
		}
	}
	if line, _ := clients.Position([]byte("clients: ["), "clients"); line != 0 {
		t.Errorf("line %d of what is no YAML", line)
	}
}

// Keys of the file are what somebody typed.
func FuzzAnyKeyOfTheFileHasAPosition(f *testing.F) {
	for _, seed := range []string{"x[1", "x[1.2]", "x[", "$", "'a", "*", "a..b", "client_name.ja", "redirect_uris[1]", "redirect_uris[9]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if line, _ := clients.Position([]byte(twoClients), "clients[0]."+key); line == 0 {
			t.Errorf("%q: not even the client is found", key)
		}
	})
}

func TestNamesOfClientsThatDoNotExistAreFound(t *testing.T) {
	file := []clients.Client{
		{ID: "one", MayAct: "two", TokenExchange: &clients.TokenExchange{From: []string{"one", "nobody"}}},
		{ID: "two", MayAct: "gone"},
	}
	resources := []clients.Resource{{ID: "https://a.test/", ClientID: "two"}, {ID: "https://b.test/"}, {ID: "https://c.test/", ClientID: "nope"}}
	var got []string
	for _, one := range clients.CheckNames(file, resources, []string{"one", "two"}) {
		got = append(got, one.Path)
	}
	if len(got) != 3 || got[0] != "clients[0].token_exchange.from[1]" || got[1] != "clients[1].may_act" || got[2] != "resources[2].client_id" {
		t.Errorf("%v", got)
	}
}
