package clients_test

import (
	"encoding/json"
	"fmt"
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
	maps.DeleteFunc(all, func(member string, _ any) bool { _, ok := clients.NameTag(member); return !ok })
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
		{`{"client_name#ja-JP": "店"}`, "Shop", "店", map[string]any{"client_name": "Shop", "client_name#en": "Shop", "client_name#ja-JP": "店"}},
		{`{"client_name#JA-jp": "みせ", "client_name#ja-Hira-JP": "x"}`, "Shop", "みせ",
			map[string]any{"client_name": "Shop", "client_name#en": "Shop", "client_name#JA-jp": "みせ", "client_name#ja-Hira-JP": "x"}},
		{`{"client_name#ja": "お店", "client_name#JA-JP": null}`, "Shop", "お店",
			map[string]any{"client_name": "Shop", "client_name#en": "Shop", "client_name#ja": "お店", "client_name#ja-Hira-JP": "x"}},
		{`{"client_name#ja": null, "client_name#ja-hira-jp": null, "client_name#jam": "x", "client_name#j a": "x"}`, "Shop", "Shop",
			map[string]any{"client_name": "Shop", "client_name#en": "Shop", "client_name#jam": "x"}},
		{`{"client_name#jam": null}`, "Shop", "Shop", map[string]any{"client_name": "Shop", "client_name#en": "Shop"}},
		{`{"client_name#": "x"}`, "Shop", "Shop", map[string]any{"client_name": "Shop", "client_name#en": "Shop"}},
	} {
		told := said(t, &c, step.says)
		if c.NameIn("en") != step.en || c.NameIn("ja") != step.ja || !maps.Equal(told, step.told) {
			t.Errorf("%s: en %q, ja %q, told %v", step.says, c.NameIn("en"), c.NameIn("ja"), told)
		}
	}
}

// Who has an English name for a country only is told no other.
func TestEnglishOfACountryIsEnglish(t *testing.T) { // RFC 4647 §3.3.1
	for says, want := range map[string]map[string]any{
		`{"client_name": "Laden", "client_name#en-GB": "Shop"}`: {"client_name": "Laden", "client_name#en-GB": "Shop"},
		`{"client_name#en-GB": "Shop"}`:                         {"client_name": "Shop", "client_name#en-GB": "Shop"},
	} {
		c := clients.Client{ID: "shop"}
		if told := said(t, &c, says); c.NameIn("en") != "Shop" || !maps.Equal(told, want) {
			t.Errorf("%s: %q, told %v", says, c.NameIn("en"), told)
		}
		for _, one := range c.Check("c", false) {
			if one.Path == "c.client_name.en" {
				t.Errorf("%s: %s", says, one.Message)
			}
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

// A name under another tag of the same language is the new name of the old one, and not a
// second one that nobody sees. RFC 5646 §4.1, RFC 7592 §2.2.
func TestANameTakesThePlaceOfThatInTheSameLanguage(t *testing.T) {
	for _, c := range []struct{ before, tag, says, want string }{
		{"ja", "ja-JP", `"店"`, "店"}, {"ja-JP", "ja", `"店"`, "店"}, {"ja", "JA-Jpan-jp", `"店"`, "店"}, {"ja", "ja-JP", `null`, "Shop"},
		{"ja", "ja-Latn", `"Mise"`, "お店"}, {"ja", "ja-US", `"Store"`, "お店"}, {"ja-hepburn", "ja", `"店"`, "店"},
	} {
		client := clients.Client{ID: "shop", Name: map[string]string{"en": "Shop", c.before: "お店"}}
		told := said(t, &client, `{"client_name#`+c.tag+`": `+c.says+`}`)
		if client.NameIn("ja") != c.want {
			t.Errorf("%s, and then %s: ja reads %q, want %q", c.before, c.tag, client.NameIn("ja"), c.want)
		}
		if _, both := told["client_name#"+c.before]; both != (c.want == "お店" || c.before == "ja-hepburn") {
			t.Errorf("%s, and then %s: told %v", c.before, c.tag, told)
		}
	}
	client := clients.Client{ID: "shop", Name: map[string]string{"en": "Shop", "ja": "お店"}} // both at once stay as they were sent
	if told := said(t, &client, `{"client_name#ja": "店", "client_name#ja-JP": "みせ"}`); client.NameIn("ja") != "店" || len(told) != 3 {
		t.Errorf("told %v", told)
	}
	abroad := clients.Client{ID: "shop", Name: map[string]string{"en": "Shop"}}
	if said(t, &abroad, `{"client_name#en-US": "Store"}`); abroad.NameIn("en") != "Store" {
		t.Errorf("en reads %q, want Store", abroad.NameIn("en"))
	}
	if said(t, &abroad, `{"client_name#en": "Shop"}`); abroad.NameIn("en") != "Shop" {
		t.Errorf("en reads %q, want Shop", abroad.NameIn("en"))
	}
}

func TestTheNameOfAProgramsOwnAddressHasNoColon(t *testing.T) { // RFC 8252 §7.1
	c := clients.Client{ID: "app"}
	if told := said(t, &c, `{"redirect_uris": ["com.example.app:/cb"]}`); told["client_name"] != "com.example.app" {
		t.Errorf("told %v", told)
	}
}

// Each tag is looked at once, whatever else is kept: who registers sends as many as fit.
func TestManyNamesCostNoMoreThanTheirNumber(t *testing.T) {
	sent := map[string]json.RawMessage{}
	for i := range 500 {
		sent[fmt.Sprintf("client_name#en-x-a%d", i)] = json.RawMessage(`null`)
	}
	cost := func(kept int) float64 {
		names := map[string]string{"en": "Shop"}
		for i := range kept {
			names[fmt.Sprintf("ja-x-b%d", i)] = "お店"
		}
		return testing.AllocsPerRun(1, func() {
			c := clients.Client{ID: "shop", Name: names}
			c.Apply(sent)
		})
	}
	if few, many := cost(1), cost(15); many > 2*few {
		t.Errorf("%.0f allocations where 15 names are kept, %.0f where one is", many, few)
	}
}
