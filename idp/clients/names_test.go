package clients_test

import (
	"encoding/json"
	"maps"
	"testing"

	"tegata/idp/clients"
)

// said applies what a client says about its names and gives it back as it would be told.
func said(t *testing.T, c *clients.Client, text string) map[string]any {
	t.Helper()
	var members map[string]json.RawMessage
	must(t, json.Unmarshal([]byte(text), &members))
	if p := c.Apply(members); len(p) > 0 {
		t.Fatal(p)
	}
	all, err := c.Metadata()
	must(t, err)
	maps.DeleteFunc(all, func(member string, _ any) bool { _, ok := clients.NameLanguage(member); return !ok })
	return all
}

func TestANameWithoutALanguageIsForWhoeverHasNone(t *testing.T) { // RFC 7591 §2.2, §3.2.1
	c := clients.Client{ID: "shop"}
	for _, step := range []struct {
		says   string
		en, ja string // what people read
		told   map[string]any
	}{
		{`{"client_name": "ショップ", "client_name#en": "Shop"}`, "Shop", "ショップ", map[string]any{"client_name": "ショップ", "client_name#en": "Shop"}},
		{`{"client_name#ja": "お店"}`, "Shop", "お店", map[string]any{"client_name": "ショップ", "client_name#en": "Shop", "client_name#ja": "お店"}},
		{`{"client_name#en": null, "client_name#ja": null}`, "ショップ", "ショップ", map[string]any{"client_name": "ショップ"}},
		{`{"client_name": "Laden"}`, "Laden", "Laden", map[string]any{"client_name": "Laden"}},
		{`{"client_name#en": "Shop"}`, "Shop", "Laden", map[string]any{"client_name": "Laden", "client_name#en": "Shop"}},
		{`{"client_name": null}`, "Shop", "Shop", map[string]any{"client_name": "Shop", "client_name#en": "Shop"}},
		{`{"client_name#": "x"}`, "Shop", "Shop", map[string]any{"client_name": "Shop", "client_name#en": "Shop"}},
	} {
		told := said(t, &c, step.says)
		if c.NameIn("en") != step.en || c.NameIn("ja") != step.ja || !maps.Equal(told, step.told) {
			t.Errorf("%s: en %q, ja %q, told %v", step.says, c.NameIn("en"), c.NameIn("ja"), told)
		}
		if c.Name["en"] == "" {
			t.Errorf("%s: %v has nothing for those who know only languages", step.says, c.Name)
		}
	}
}

// What an operator wrote by language, and what was registered before, has one name that
// is both.
func TestAnEnglishNameAloneIsTheNameWithoutALanguage(t *testing.T) {
	c := clients.Client{ID: "shop", Name: map[string]string{"en": "Shop", "ja": "お店"}}
	if told := said(t, &c, `{}`); !maps.Equal(told, map[string]any{"client_name": "Shop", "client_name#ja": "お店"}) {
		t.Errorf("told %v", told)
	}
	if told := said(t, &c, `{"client_name": "Laden"}`); !maps.Equal(told, map[string]any{"client_name": "Laden", "client_name#ja": "お店"}) {
		t.Errorf("told %v", told)
	}
}

func TestTheNameOfAProgramsOwnAddressHasNoColon(t *testing.T) { // RFC 8252 §7.1
	c := clients.Client{ID: "app"}
	if told := said(t, &c, `{"redirect_uris": ["com.example.app:/cb"]}`); told["client_name"] != "com.example.app" {
		t.Errorf("told %v", told)
	}
}
