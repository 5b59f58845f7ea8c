package locale_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tegata/shared/locale"
)

func files(en, ja string) fstest.MapFS {
	return fstest.MapFS{"en.yaml": {Data: []byte(en)}, "ja.yaml": {Data: []byte(ja)}}
}

func load(t *testing.T, en, ja string) *locale.Catalog {
	t.Helper()
	c, err := locale.Load(files(en, ja))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTextPutsValuesInAndPicksThePlural(t *testing.T) {
	c := load(t, "a: Hello {name}, {name}!\nn: {one: '{count} day', other: '{count} days'}\nx: 'a { b } {C} {'\nonly: English", "a: こんにちは{name}さん\nn: '{count}日'\nx: x")
	for _, k := range []struct {
		lang, key string
		args      map[string]any
		want      string
	}{
		{"en", "a", map[string]any{"name": "Ada"}, "Hello Ada, Ada!"},
		{"ja", "a", map[string]any{"name": "{count}"}, "こんにちは{count}さん"},
		{"en", "a", nil, "Hello {name}, {name}!"},
		{"en", "n", map[string]any{"count": 1}, "1 day"},
		{"en", "n", map[string]any{"count": 0}, "0 days"},
		{"en", "n", map[string]any{"count": int64(5)}, "5 days"},
		{"ja", "n", map[string]any{"count": 1}, "1日"},
		{"en", "x", nil, "a { b } {C} {"},
		{"ja", "only", nil, "English"},
		{"fr", "only", nil, "English"},
		{"en", "nobody.knows", nil, "nobody.knows"},
	} {
		if got := c.Text(k.lang, k.key, k.args); got != k.want {
			t.Errorf("%s %s %v: %q, want %q", k.lang, k.key, k.args, got, k.want)
		}
	}
}

func TestALaterFolderRewordsAnEarlierOne(t *testing.T) {
	c, err := locale.Load(files("a: one\nb: two", "a: 一\nb: 二"), fstest.MapFS{"ja.yaml": {Data: []byte("b: 弐")}})
	if err != nil || c.Text("ja", "b", nil) != "弐" || c.Text("ja", "a", nil) != "一" {
		t.Errorf("%q %q %v", c.Text("ja", "a", nil), c.Text("ja", "b", nil), err)
	}
}

func TestACatalogWithMistakesIsRefused(t *testing.T) {
	for _, bad := range []string{"a: 1", "a: [x]", "a: {one: x}", "a: {several: x, other: y}", "a: x\na: y", "a: {other: 5}"} {
		if _, err := locale.Load(files(bad, "a: b")); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTheLanguageIsChosenInOrder(t *testing.T) {
	c := load(t, "a: b", "a: b")
	for _, k := range []struct {
		wishes locale.Wishes
		want   string
	}{
		{locale.Wishes{}, "en"},
		{locale.Wishes{Accept: "fr, ja;q=0.5"}, "ja"},
		{locale.Wishes{Accept: "fr, de"}, "en"},
		{locale.Wishes{Accept: "ja-JP,ja;q=0.9,en;q=0.8"}, "ja"},
		{locale.Wishes{Accept: "en-GB", Account: "ja"}, "ja"},
		{locale.Wishes{Accept: "ja", Account: "ja", Cookie: "en"}, "en"},
		{locale.Wishes{Accept: "en", Account: "en", UILocales: "ja"}, "ja"},
		{locale.Wishes{Accept: "ja", UILocales: "ja en", Cookie: "en"}, "en"},
		{locale.Wishes{Accept: "en", UILocales: "ja", Cookie: "fr"}, "ja"},
		{locale.Wishes{UILocales: "fr ja-JP en"}, "ja"},
		{locale.Wishes{UILocales: "  JA-jp-u-ca-japanese  "}, "ja"},
		{locale.Wishes{UILocales: "en-GB ja", Accept: "ja"}, "en"},
		{locale.Wishes{UILocales: "cy ta ja"}, "ja"}, // near to English, but not English
		{locale.Wishes{UILocales: "fr cy * ja; \x00 <script>", Accept: "ja"}, "ja"},
		{locale.Wishes{UILocales: "se", Account: "ja", Accept: "en"}, "ja"},
		{locale.Wishes{Cookie: "../../etc", Accept: strings.Repeat("ja,", 5000)}, "ja"},
		{locale.Wishes{Accept: ";;;=,\x00"}, "en"},
	} {
		if got := c.Choose(k.wishes); got != k.want {
			t.Errorf("%.80v: %s, want %s", k.wishes, got, k.want)
		}
	}
}

func TestDatesAsReadersWriteThem(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	dubai, _ := time.LoadLocation("Asia/Dubai")
	at := time.Date(2019, 11, 7, 3, 2, 0, 0, time.UTC)
	for got, want := range map[string]string{
		locale.DateTime("ja", at, tokyo): "2019年11月7日(木) 12:02 JST",
		locale.DateTime("en", at, tokyo): "Thu, Nov 7, 2019, 12:02 JST",
		locale.DateTime("en", at, nil):   "Thu, Nov 7, 2019, 03:02 UTC",
		locale.DateTime("ja", at, dubai): "2019年11月7日(木) 07:02 UTC+04",
		locale.Date("ja", at, tokyo):     "2019年11月7日",
		locale.Date("en", at, tokyo):     "November 7, 2019",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestCountries: S-017 wants all of ISO 3166, and CLDR 48 knows the names of today.
func TestCountries(t *testing.T) {
	ja, en := locale.Countries("ja"), locale.Countries("en")
	if len(ja) != 249 || len(en) != 249 {
		t.Fatalf("%d and %d countries, want 249", len(ja), len(en))
	}
	if ja[0].Name != "日本" || en[0].Name != "Afghanistan" || en[1].Name != "Åland Islands" || en[248].Name != "Zimbabwe" {
		t.Errorf("orders begin %v, %v and end %v", ja[:3], en[:3], en[248])
	}
	place := func(name string) int {
		return slices.IndexFunc(ja, func(c locale.Country) bool { return c.Name == name })
	}
	order := []string{"日本", "アイスランド", "ウルグアイ", "英領ヴァージン諸島", "エクアドル", "オーストラリア", "オマーン", "ガーナ", "カナダ", "韓国", "ガンビア", "キューバ", "スーダン", "中国", "チュニジア", "南極", "フランス", "香港", "南アフリカ", "ルワンダ", "ロシア"}
	for i := 1; i < len(order); i++ {
		if place(order[i]) < 0 || place(order[i]) < place(order[i-1]) {
			t.Errorf("%s (%d) stands before %s (%d)", order[i], place(order[i]), order[i-1], place(order[i-1]))
		}
	}
	for code, want := range map[string]string{"MK": "北マケドニア", "SZ": "エスワティニ", "TR": "トルコ", "XX": "XX"} {
		if got := locale.CountryName("ja", code); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	seen := map[string]bool{}
	for _, c := range en {
		if c.Name == "" || seen[c.Code] || !locale.IsCountry(c.Code) {
			t.Errorf("country %v", c)
		}
		seen[c.Code] = true
	}
	for _, code := range []string{"", "jp", "XK", "EU", "JPN"} {
		if locale.IsCountry(code) {
			t.Errorf("%q is a country", code)
		}
	}
}

// reports collects what Check says.
type reports []string

func (r *reports) Helper()                           {}
func (r *reports) Errorf(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

func TestCheckFindsASecondStyleOfJapanesePunctuation(t *testing.T) {
	c := load(t, "a: a\nb: b\nc: c\nd: d\ne: e\nf: f\ng: g\nh: '{x}'\ni: i",
		"a: 宛先 (aud) が\nb: 名(ローマ字)\nc: (新しいタブ)\nd: お忘れですか？\ne: URL（htu） です\nf: URL (htu) が\n"+
			"g: '[サポート](/contact)にご連絡ください。例: Taro、URL（htu）、記号（! # など）です!'\nh: '（{x}）です'\ni: 名 (ローマ字)")
	var got reports
	locale.Check(&got, c, locale.Sources{Ignore: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}, Fixed: []string{"i"}})
	for i, want := range []string{"a: ", "b: ", "c: ", "d: ", "e: ", "f: "} {
		if len(got) != 6 || !strings.HasPrefix(got[i], want) {
			t.Fatalf("%d reports, want one each for a to f:\n%s", len(got), strings.Join(got, "\n"))
		}
	}
}

func TestCheckFindsWhatIsMissingUnusedOrUnequal(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.html": `{{.T "used"}} {{.T "lost.template"}} {{template "field" (.Field "email" "hint" "lost.hint")}} {{.Rich "used" "x" (.Link "/y" "lost.link")}}`,
		"a.go":   "package a\nvar _ = fault.New(k, \"email\", \"lost.fault\")\nvar _ = page.Page{Title: \"lost.title\"}\nvar _ = \"made.\" + name",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, "used: a {x}\nmade.up: b\nunused: c\nen.only: d", "used: a {y}\nmade.up: b\nunused: c\nja.only: d")
	var got reports
	locale.Check(&got, c, locale.Sources{Folders: []string{folder}, Ignore: []string{"en.", "ja."}})
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"ja.yaml lacks en.only", "en.yaml lacks ja.only", "used: placeholders [x] in en, [y] in ja", "nobody uses the key unused",
		"key lost.template,", "key lost.hint,", "key lost.link,", "key lost.fault,", "key lost.title,", "key field.email,",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("not reported: %s", want)
		}
	}
	if len(got) != 10 {
		t.Errorf("%d reports, want 10:\n%s", len(got), all)
	}
}
